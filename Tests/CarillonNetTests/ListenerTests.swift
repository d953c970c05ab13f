import Synchronization
import Testing

@testable import CarillonNet

/// Where a listener listens, and whom it takes in.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ListenerTests {
    private let loop = EventLoop(name: "listener")
    private let events = Events()

    private func open(
        _ host: String, port: UInt16 = 0, isCrowded: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Listener {
        let (loop, events) = (loop, events)
        return try await loop.run {
            try await Listener.open(on: loop, host: host, port: port, isCrowded: isCrowded) { descriptor in
                events.record("from \(Listener.peer(of: descriptor))")
                Listener.discard(descriptor)
            }
        }
    }

    private func close(_ listener: Listener) async {
        await loop.run { listener.close() }
        await loop.shutDown()
    }

    /// Connects, says something and waits for the end; what the error was, if there was one.
    private func call(_ address: String, _ port: UInt16) async throws -> String {
        try await Command.python(
            """
            import socket, sys
            try:
                peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
                peer.sendall(b"x")
                peer.recv(1)
            except (ConnectionResetError, BrokenPipeError):
                pass
            except OSError as error:
                print(error)
            """, address, "\(port)"
        ).output
    }

    @Test func allAddressesOfTheMachineAreListenedOnWithOnePort() async throws {
        let listener = try await open("")
        #expect(try await call("127.0.0.1", listener.port) == "")
        await events.first(containing: "from 127.0.0.1")
        if MachineAddresses.has("::1") {
            #expect(try await call("::1", listener.port) == "")
            // Not as IPv4 within IPv6: each family has a socket of its own.
            await events.first(containing: "from ::1")
            #expect(!events.all.contains { $0.contains("ffff") })
        }
        await close(listener)
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost"])
    func anAddressOrNameIsListenedOnAndNoOther(host: String) async throws {
        guard MachineAddresses.has(host) else { return }
        let listener = try await open(host)
        let all = try NetworkAddress.resolve(host: host, port: listener.port)
        for address in all { #expect(try await call(address.host, listener.port) == "") }
        if !all.contains(where: \.isIPv6) { #expect(try await call("::1", listener.port) != "") }
        if all.allSatisfy(\.isIPv6) { #expect(try await call("127.0.0.1", listener.port) != "") }
        await close(listener)
    }

    @Test func whileItsOwnerIsCrowdedConnectionsWait() async throws {
        let asked = Mutex(0)
        let events = events
        // A connection is there when it is asked for the first time; it gets in when its owner has room.
        let listener = try await open("127.0.0.1") {
            let count = asked.withLock {
                $0 += 1
                return $0
            }
            events.record("asked \(count)")
            return count <= 3
        }
        #expect(try await call("127.0.0.1", listener.port) == "")
        #expect(Array(events.all.prefix(5)) == ["asked 1", "asked 2", "asked 3", "asked 4", "from 127.0.0.1"])
        await close(listener)
    }
}

extension NetworkAddress {
    fileprivate var host: String { Socket.name(of: socketAddress) }
}
