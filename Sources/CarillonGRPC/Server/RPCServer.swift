package import CarillonNet
internal import Synchronization

/// A gRPC server over TLS and HTTP/2 on any number of loops.
///
/// One loop listens and hands each connection to the loop with the fewest; from then on the connection stays there.
package final class RPCServer: Sendable {
    private let core: ServerCore
    let parts: [ServerLoop]
    private let listener: Listener
    private let memory: MemoryKeeper?

    /// The port that it listens on.
    package var port: UInt16 { listener.port }

    /// What happened since the server started. Any thread.
    package var counts: ServerCounts {
        var counts = ServerCounts()
        for part in parts { part.counters.add(to: &counts) }
        return counts
    }

    /// What became of the calls of each method since the server started, in the order of its method table. Any thread.
    package var methodCounts: [MethodCounts] {
        core.methods.methods.map { method in
            var counts = MethodCounts(method)
            for part in parts { part.methodCounters.add(to: &counts, number: method.number) }
            return counts
        }
    }

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - loops: at least one; the first listens.
    ///   - host: a name or address, all of whose addresses are listened on; empty for all addresses of the machine.
    ///   - port: 0 lets the system choose.
    ///   - report: called on a loop for what the log should tell.
    /// - Throws: ``ResolutionError`` or ``SocketError`` when the address cannot be listened on.
    package static func start(
        on loops: [EventLoop], host: String, port: UInt16, tls: TLSContext, methods: [RPCMethod], pages: [Page] = [],
        limits: ServerLimits = .init(), report: @escaping @Sendable (ServerEvent) -> Void
    ) async throws -> RPCServer {
        precondition(!loops.isEmpty, "a server needs a loop")
        let core = ServerCore(methods: methods, pages: pages, limits: limits, report: report)
        let parts = loops.map { ServerLoop(loop: $0, core: core, tls: tls, loops: loops.count) }
        return try await loops[0].run {
            let listener = try await Listener.open(
                on: loops[0], host: host, port: port, isCrowded: { Self.rests(parts[0], core) },
                onAccept: { Self.handOut($0, to: parts, core) })
            let memory: MemoryKeeper? =
                if limits.looksAfterMemory {
                    MemoryKeeper(loop: loops[0], pause: limits.memoryPause) {
                        parts.reduce(into: MemoryKeeper.Load()) { $0 += $1.counters.load }
                    }
                } else { nil }
            return RPCServer(core: core, parts: parts, listener: listener, memory: memory)
        }
    }

    private init(core: ServerCore, parts: [ServerLoop], listener: Listener, memory: MemoryKeeper?) {
        self.core = core
        self.parts = parts
        self.listener = listener
        self.memory = memory
    }

    /// Whether accepting has to rest; told and counted by the loop that listens, which is the first.
    private static func rests(_ part: ServerLoop, _ core: ServerCore) -> Bool {
        guard core.gate.isCrowded else { return false }
        part.counters.acceptingRested()
        core.report(.acceptingRests(waiting: core.limits.waitingHandshakes))
        return true
    }

    private static func handOut(_ descriptor: CInt, to parts: [ServerLoop], _ core: ServerCore) {
        var total = 0
        var least = parts[0]
        var leastLoad = Int.max
        for part in parts {
            let load = part.load.load(ordering: .relaxed)
            total += load
            if load < leastLoad { (least, leastLoad) = (part, load) }
        }
        guard total < core.limits.connections else {
            return refuse(descriptor, parts[0], core, .tooManyConnections(limit: core.limits.connections))
        }
        let permit: HandshakePermit
        switch core.gate.decide(on: descriptor, at: parts[0].loop.now) {
        case .admitted(let admitted): permit = admitted
        case .tooMany:
            return refuse(descriptor, parts[0], core, .tooManyHandshakes(peer: Listener.peer(of: descriptor)))
        case .tooOften:
            return refuse(descriptor, parts[0], core, .tooFrequentHandshakes(peer: Listener.peer(of: descriptor)))
        case .left: return Listener.discard(descriptor)
        }
        least.load.add(1, ordering: .relaxed)
        let chosen = least
        chosen.loop.execute { chosen.adopt(descriptor, permit) }
    }

    private static func refuse(_ descriptor: CInt, _ part: ServerLoop, _ core: ServerCore, _ event: ServerEvent) {
        Listener.discard(descriptor)
        part.counters.connectionRefused()
        core.report(event)
    }

    /// Stops listening, lets every call finish and returns when all connections are closed; what runs after the grace
    /// period is answered with UNAVAILABLE. Called once, from any task.
    package func drain(grace: Duration) async {
        let (listener, memory) = (self.listener, self.memory)
        await parts[0].loop.run {
            listener.close()
            memory?.stop()
        }
        await withTaskGroup { group in
            for part in parts {
                group.addTask { await part.loop.run { await part.drain(grace: grace) } }
            }
        }
    }
}
