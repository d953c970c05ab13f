import CarillonClient
import CarillonGRPC
import CarillonNet
import Testing

/// How a client ends, and what becomes of those who still call it.
@Suite("CarillonClient's end", .timeLimit(.minutes(5)))
struct ClosingTests {
    private static let event = Event("invoice.created", account: "globex", id: "INV-1", context: [:])

    @Test("A client may be closed several times, also at once")
    func closing() async throws {
        // The double closes it once more.
        try await ServiceDouble.serve { client, _ in
            _ = try await client.publish(Self.event)
            async let one: Void = client.close()
            async let other: Void = client.close()
            _ = await (one, other)
            await client.close()
        }
    }

    @Test("Calls after the end are unavailable")
    func callsAfterTheEnd() async throws {
        try await ServiceDouble.serve { client, double in
            await client.close()
            let published = await #expect(throws: CarillonError.self) { try await client.publish(Self.event) }
            #expect(published?.code == .unavailable)
            let checked = await #expect(throws: CarillonError.self) { try await client.check(user: "x", type: "y") }
            #expect(checked?.code == .unavailable)
            let watched = await #expect(throws: CarillonError.self) {
                for try await _ in client.watchInbox(token: "token of anna") {}
            }
            #expect(watched?.code == .unavailable)
            #expect(double.publications.isEmpty)
        }
    }

    @Test("An inbox that is watched ends with the client")
    func watchingOverTheEnd() async throws {
        try await ServiceDouble.serve { client, _ in
            var changes = client.watchInbox(token: "token of anna", after: 7).makeAsyncIterator()
            let first = try await changes.next()
            #expect(first?.sequence == 7)
            await client.close()
            let error = await #expect(throws: CarillonError.self) {
                while try await changes.next() != nil {}
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test("A client that nobody holds ends its thread; an iterator holds it")
    func dropping() async throws {
        var configuration: CarillonClient.Configuration?
        try await ServiceDouble.serve(failing: [], { configuration = $0 }) { _, _ in
            var client: CarillonClient? = try CarillonClient(try #require(configuration))
            let loop = try #require(client?.loop)
            _ = try await client?.publish(Self.event)
            var changes = client?.watchInbox(token: "token of anna", after: 7).makeAsyncIterator()
            client = nil
            let sequences = [try await changes?.next()?.sequence, try await changes?.next()?.sequence]
            #expect(sequences == [7, 8])
            changes = nil
            await loop.ended()
        }
    }
}
