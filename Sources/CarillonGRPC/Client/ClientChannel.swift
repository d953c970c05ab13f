internal import CarillonNet

/// Finds the servers, keeps connections to them, and gives each call one: the balancer of a client.
///
/// Each address is a ``Subchannel``. A call takes a ready connection with room (``Picker``); if all are full a further one
/// is opened and the call waits, if none is ready it waits while any address is still being connected to, and fails at once
/// when all have failed, unless it waits for readiness. Waiting calls go first come, first served, and end at their
/// deadlines.
///
/// States: idle (no connection, until the first call and after the idle timeout) → active → closed.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
final class ClientChannel: @unchecked Sendable {
    private enum State {
        case idle
        case active
        case closed
    }
    /// The addresses of one endpoint.
    private struct Name {
        let endpoint: RPCClient.Endpoint
        var groups = AddressGroups()
        var failure: Status?
    }
    let loop: EventLoop
    let configuration: RPCClient.Configuration
    /// Why no call can be sent as the configuration wants it.
    let defect: Status?
    let random: @Sendable () -> Double
    private let surroundings: RPCClient.Surroundings
    private let head: RequestHeaderTemplate
    private var state = State.idle
    private var names: [Name]
    private var subchannels: [Subchannel] = []
    /// Transports that take calls.
    private var ready: [ClientTransport] = []
    private var picker: Picker
    private var calls: [ObjectIdentifier: ClientCall] = [:]
    private var waiting: [ClientCall] = []
    private var isDispatchDue = false
    private var idleTimer: LoopTimer?
    private var familyTimer: LoopTimer?
    private var resolutionTimer: LoopTimer?
    private var resolutionBackoff: ConnectionBackoff
    private var isResolving = false
    private var lastResolution: MonotonicTime?
    /// The client's, over all methods.
    var throttle: RetryThrottle
    /// Octets of requests that are kept for another attempt, over all calls.
    var retained = 0
    /// What new connections are made with.
    private(set) var keepalive: KeepalivePolicy?

    init(loop: EventLoop, configuration: RPCClient.Configuration, surroundings: RPCClient.Surroundings) {
        self.loop = loop
        self.configuration = configuration
        defect = configuration.defect
        self.surroundings = surroundings
        random = surroundings.random
        head = RequestHeaderTemplate(configuration)
        names = configuration.endpoints.map { Name(endpoint: $0) }
        picker = Picker(configuration.balancing)
        throttle = RetryThrottle(configuration.service.throttling)
        resolutionBackoff = ConnectionBackoff(configuration.backoff)
        keepalive = configuration.keepalive
    }

    // MARK: Calls

    /// Takes a new call.
    func start(_ call: ClientCall) {
        loop.assertOnLoop()
        guard state != .closed else { return call.end(Status(.unavailable, "the client is closed")) }
        calls[ObjectIdentifier(call)] = call
        idleTimer?.cancel()
        idleTimer = nil
        if state == .idle { wake() }
        assign(call)
    }

    /// Gives a call a connection, makes it wait for one, or ends it.
    func assign(_ call: ClientCall) {
        loop.assertOnLoop()
        guard !call.isOver else { return }
        guard state != .closed else { return call.end(Status(.cancelled, "the client was closed")) }
        if waiting.isEmpty, begin(call) { return }
        if let failure = failureOfAll, !call.waitsForReady { return call.end(failure) }
        guard waiting.count < configuration.limits.waitingCalls else {
            return call.end(Status(.resourceExhausted, "\(waiting.count) calls wait for a connection already"))
        }
        waiting.append(call)
        call.isWaiting = true
        widen()
    }

    private func begin(_ call: ClientCall) -> Bool {
        while let place = picker.pick(
            count: ready.count, { Picker.Candidate(streams: ready[$0].streams, limit: ready[$0].streamLimit) })
        {
            // A connection that cannot open a stream is out of `ready` when this returns false.
            if call.begin(on: ready[place], head) {
                call.isWaiting = false
                return true
            }
        }
        return false
    }

    /// A call is over.
    func ended(_ call: ClientCall) {
        guard calls.removeValue(forKey: ObjectIdentifier(call)) != nil else { return }
        if call.isWaiting { waiting.removeAll { $0 === call } }
        guard calls.isEmpty, state == .active else { return }
        idleTimer = loop.schedule(after: configuration.idleTimeout) { self.rest() }
    }

    /// There may be room for calls that wait; they are looked at once a tick.
    func gainedRoom() {
        guard !waiting.isEmpty, !isDispatchDue else { return }
        isDispatchDue = true
        loop.execute { self.dispatch() }
    }

    private func dispatch() {
        isDispatchDue = false
        var first = 0
        while first < waiting.count, begin(waiting[first]) { first += 1 }
        waiting.removeFirst(first)
        if let failure = failureOfAll {
            let failed = waiting.filter { !$0.waitsForReady }
            waiting.removeAll { !$0.waitsForReady }
            for call in failed { call.end(failure) }
        }
        if !waiting.isEmpty { widen() }
    }

    /// Why no address can be reached; `nil` while there is hope.
    private var failureOfAll: Status? {
        guard ready.isEmpty, state == .active else { return nil }
        guard !subchannels.isEmpty else { return names.lazy.compactMap(\.failure).first }
        var last: Status?
        for subchannel in subchannels {
            guard case .failed(let failure) = subchannel.condition else { return nil }
            last = failure
        }
        // Another family of addresses may still work.
        return names.contains { $0.groups.canWiden } ? nil : last
    }

    /// What a call that waits can be told when its time is over.
    var obstacle: String {
        if let failure = failureOfAll ?? names.lazy.compactMap(\.failure).first { return failure.message }
        return ready.isEmpty ? "no connection was ready" : "the servers take no more calls at once"
    }

    // MARK: Connections

    /// All connections are full: one more, to the address with the fewest.
    private func widen() {
        guard !ready.isEmpty else { return }
        for subchannel in subchannels.sorted(by: { $0.transports.count < $1.transports.count }) {
            guard case .ready = subchannel.condition else { continue }
            if subchannel.widen() { return }
        }
    }

    /// A subchannel has a new condition, and perhaps a transport that takes calls.
    func subchannelChanged(_ subchannel: Subchannel, _ transport: ClientTransport?) {
        loop.assertOnLoop()
        guard state == .active else { return }
        switch subchannel.condition {
        case .ready:
            if let transport { ready.append(transport) }
            for index in names.indices { names[index].groups.connected(subchannel.address) }
            reconcile()
        case .failed: tryOtherFamilies()
        case .connecting, .idle: break
        }
        if transport == nil { requestResolution() }
        gainedRoom()
    }

    /// A transport takes no more calls.
    func transportIsGone(_ transport: ClientTransport) {
        ready.removeAll { $0 === transport }
    }

    /// A server complained: all further connections ask half as often.
    func pingedTooOften() {
        keepalive?.slowDown()
    }

    private func tryOtherFamilies() {
        var hasNew = false
        for index in names.indices {
            let active = names[index].groups.active
            let hasFailed = subchannels.filter { active.contains($0.address) }.allSatisfy {
                if case .failed = $0.condition { true } else { false }
            }
            if hasFailed, names[index].groups.failed() { hasNew = true }
        }
        if hasNew { reconcile() }
    }

    /// Makes subchannels for new addresses, and lets go of those that are not wanted any more.
    private func reconcile() {
        var wanted: [(address: NetworkAddress, endpoint: RPCClient.Endpoint)] = []
        for name in names {
            for address in name.groups.active where !wanted.contains(where: { $0.address == address }) {
                guard wanted.count < configuration.limits.addresses else { break }
                wanted.append((address, name.endpoint))
            }
        }
        let old = subchannels
        subchannels = wanted.map { entry in
            old.first { $0.address == entry.address }
                ?? Subchannel(
                    entry.address, of: entry.endpoint, channel: self, configuration: configuration, random: random,
                    loop: loop)
        }
        for subchannel in old where !subchannels.contains(where: { $0 === subchannel }) { subchannel.remove() }
        for subchannel in subchannels { subchannel.connect() }
        startFamilyTimer()
    }

    private func startFamilyTimer() {
        guard familyTimer == nil, names.contains(where: { $0.groups.canWiden }) else { return }
        familyTimer = loop.schedule(after: surroundings.familyDelay) {
            self.familyTimer = nil
            for index in self.names.indices { self.names[index].groups.widen() }
            self.reconcile()
        }
    }

    // MARK: Names

    private func wake() {
        state = .active
        resolve()
    }

    private func resolve() {
        guard !isResolving, state == .active else { return }
        isResolving = true
        resolutionTimer?.cancel()
        resolutionTimer = nil
        loop.spawn {
            var found: [Result<[NetworkAddress], any Error>] = []
            for endpoint in self.configuration.endpoints {
                // A look-up cannot be broken off, and may come back when the client and its loop are long gone.
                guard self.loop.isOnLoop else { return }
                let resolve = self.surroundings.resolve
                do {
                    found.append(.success(try await self.loop.offload { try resolve(endpoint) }))
                } catch {
                    found.append(.failure(error))
                }
            }
            if self.loop.isOnLoop { self.resolved(found) }
        }
    }

    private func resolved(_ found: [Result<[NetworkAddress], any Error>]) {
        loop.assertOnLoop()
        isResolving = false
        lastResolution = loop.now
        guard state == .active else { return }
        for (index, result) in found.enumerated() {
            switch result {
            case .success(let addresses):
                names[index].groups.update(addresses)
                names[index].failure = nil
            case .failure(let error):
                // Addresses that were known stay: they may be as good as ever.
                names[index].failure = Status(.unavailable, "the name cannot be resolved: \(error)")
            }
        }
        reconcile()
        if subchannels.isEmpty {
            let times = resolutionBackoff.begin(now: loop.now, random: random())
            resolutionTimer = loop.schedule(at: times.nextAttempt) { self.resolve() }
        } else {
            resolutionBackoff.reset()
            resolutionTimer = loop.schedule(after: configuration.resolutionInterval) { self.resolve() }
        }
        gainedRoom()
    }

    /// A connection failed or ended: the addresses may have changed. Bounded in time.
    private func requestResolution() {
        guard state == .active, !isResolving, let lastResolution else { return }
        let next = lastResolution.advanced(by: configuration.leastResolutionInterval)
        if let pending = resolutionTimer, pending.deadline <= next { return }
        resolutionTimer?.cancel()
        resolutionTimer = loop.schedule(at: next) { self.resolve() }
    }

    // MARK: Ending

    /// No call was open for a while: all connections are closed until the next one.
    private func rest() {
        guard state == .active, calls.isEmpty else { return }
        state = .idle
        idleTimer = nil
        letGo { $0.remove() }
    }

    private func letGo(_ end: (Subchannel) -> Void) {
        familyTimer?.cancel()
        familyTimer = nil
        resolutionTimer?.cancel()
        resolutionTimer = nil
        idleTimer?.cancel()
        idleTimer = nil
        let old = subchannels
        subchannels = []
        ready = []
        for index in names.indices { names[index] = Name(endpoint: names[index].endpoint) }
        for subchannel in old { end(subchannel) }
    }

    /// Ends all calls as cancelled, and all connections.
    func close() {
        loop.assertOnLoop()
        guard state != .closed else { return }
        state = .closed
        for call in calls.values { call.end(Status(.cancelled, "the client was closed"), reset: .cancel) }
        waiting = []
        letGo { $0.abort() }
    }
}
