import CarillonAPI
import CarillonGRPC
import Testing

@testable import Services

/// Reads a WatchInbox stream into lines: `counts unread/unseen/total @sequence`, `item title read @sequence`.
struct WatchedStream {
    private var iterator: ResponseReader<Carillon_V1_WatchInboxResponse>.Iterator

    init(_ client: InboxServiceClient, after sequence: Int64? = nil) async throws {
        var request = Carillon_V1_WatchInboxRequest()
        if let sequence { request.afterSequence = sequence }
        iterator = try await client.watchInbox(request).makeAsyncIterator()
    }

    mutating func next() async throws -> String {
        let update = try #require(try await iterator.next())
        switch update.update {
        case .item(let item):
            return "item \(item.title) \(item.read ? "read" : "unread") @\(update.sequence)"
        case .counts(let counts):
            return "counts \(counts.unread)/\(counts.unseen)/\(counts.total) @\(update.sequence)"
        case nil: return "nothing"
        }
    }

    /// The status that the stream ends with, whatever comes before.
    mutating func end() async throws -> Status {
        do {
            while try await iterator.next() != nil {}
            return .ok
        } catch {
            return error
        }
    }
}

@Suite("InboxService")
struct InboxServiceTests {
    private static func publish(_ tenant: TestTenant, _ numbers: ClosedRange<Int>) async throws {
        for number in numbers {
            _ = try await tenant.deliveries.publish(invoice("k\(number)", number: "INV-\(number)"))
        }
    }

    private static func title(_ number: Int) -> String { "New invoice INV-\(number), due 2026-12-24" }

    @Test("items are listed newest first with their words, and counted")
    func listing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await Self.publish(tenant, 1...3)
            let inbox = try tenant.inbox("ann")
            var request = Carillon_V1_ListInboxRequest()
            request.pageSize = 2
            let first = try await inbox.listInbox(request)
            #expect(first.items.map(\.title) == [Self.title(3), Self.title(2)])
            #expect(first.items.map(\.sequence) == [3, 2])
            #expect(first.sequence == 3)
            #expect(first.counts.total == 3 && first.counts.unread == 3)
            let item = try #require(first.items.first)
            #expect(item.deepLink == "https://portal.example.com/invoices/i-1")
            #expect(item.body.contains("1,234.50 EUR"), "inside the portal amounts are shown")
            #expect(item.category == "Invoices" && item.notificationType == "invoice.created")
            request.pageToken = first.nextPageToken
            let second = try await inbox.listInbox(request)
            #expect(second.items.map(\.sequence) == [1])
            #expect(second.nextPageToken.isEmpty)

            var mark = Carillon_V1_MarkReadRequest()
            mark.sequences = [2, 2, 99, -1]
            let marked = try await inbox.markRead(mark)
            #expect(marked.changed == 1 && marked.counts.unread == 2 && marked.counts.unseen == 2)
            #expect(try await inbox.markRead(mark).changed == 0)
            request = .init()
            request.unreadOnly = true
            #expect(try await inbox.listInbox(request).items.map(\.sequence) == [3, 1])
            #expect(try await inbox.getCounts(.init()).counts.unread == 2)
            // Everybody has an inbox of their own.
            #expect(try await tenant.inbox("bob").getCounts(.init()).counts.unread == 3)
            #expect(try await tenant.inbox("otto").listInbox(.init()).items.isEmpty)

            try await failure(.invalidArgument) { try await inbox.markRead(.init()) }
            mark.sequences = Array(1...1001)
            try await failure(.invalidArgument) { try await inbox.markRead(mark) }
            request.pageSize = -1
            try await failure(.invalidArgument) { try await inbox.listInbox(request) }
        }
    }

    @Test("a watch begins with the counts and tells of each item and change")
    func watching() async throws {
        // Without a poll in sight, everything that comes was told in process.
        try await House.open(loops: 2, limits: { $0.inboxPoll = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var streams: [WatchedStream] = []
            for _ in 0..<3 { streams.append(try await WatchedStream(try tenant.inbox("ann"))) }
            for place in streams.indices { #expect(try await streams[place].next() == "counts 0/0/0 @0") }
            for number in 1...2 {
                try await Self.publish(tenant, number...number)
                for place in streams.indices {
                    #expect(try await streams[place].next() == "item \(Self.title(number)) unread @\(number)")
                    #expect(try await streams[place].next() == "counts \(number)/\(number)/\(number) @\(number)")
                }
            }
            var mark = Carillon_V1_MarkReadRequest()
            mark.sequences = [1]
            _ = try await tenant.inbox("ann").markRead(mark)
            for place in streams.indices {
                #expect(try await streams[place].next() == "item \(Self.title(1)) read @2")
                #expect(try await streams[place].next() == "counts 1/1/2 @2")
            }
        }
    }

    @Test("a watch goes on after a sequence and misses nothing")
    func resuming() async throws {
        try await House.open(limits: { $0.inboxPoll = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await Self.publish(tenant, 1...150)
            var stream = try await WatchedStream(try tenant.inbox("ann"), after: 2)
            #expect(try await stream.next() == "counts 150/150/150 @2")
            // More than one read brings.
            var next = 3
            while next <= 150 {
                let line = try await stream.next()
                if line.hasPrefix("item") {
                    #expect(line == "item \(Self.title(next)) unread @\(next)")
                    next += 1
                }
            }
            var fresh = try await WatchedStream(try tenant.inbox("ann"))
            #expect(try await fresh.next() == "counts 150/150/150 @150")
            var request = Carillon_V1_WatchInboxRequest()
            request.afterSequence = -1
            let refused = try await tenant.inbox("ann").watchInbox(request)
            try await failure(.invalidArgument) {
                for try await _ in refused {}
                return 0
            }
        }
    }

    @Test("what another process stores is seen by the poll")
    func otherProcess() async throws {
        try await House.open(limits: { $0.inboxPoll = .milliseconds(20) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var stream = try await WatchedStream(try tenant.inbox("ann"))
            #expect(try await stream.next() == "counts 0/0/0 @0")
            try await House.open { other in
                var elsewhere = tenant
                elsewhere.client = try other.client(tenant.key)
                try await Self.publish(elsewhere, 1...1)
            }
            #expect(try await stream.next() == "item \(Self.title(1)) unread @1")
            #expect(try await stream.next() == "counts 1/1/1 @1")
        }
    }

    @Test("a watch ends with its token")
    func expiry() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            // The token is good for one second more, the allowance for clocks included.
            let client = InboxServiceClient(try tenant.portalClient("ann", seconds: -59))
            var stream = try await WatchedStream(client)
            let status = try await stream.end()
            #expect(status.code == .unauthenticated)
            #expect(status.reason == "TOKEN_EXPIRED")
        }
    }

    @Test("a watch ends when the process does, and no new one begins")
    func drain() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            var streams: [WatchedStream] = []
            for _ in 0..<2 {
                var stream = try await WatchedStream(try tenant.inbox("ann"))
                _ = try await stream.next()
                streams.append(stream)
            }
            await house.drain()
            for place in streams.indices {
                let status = try await streams[place].end()
                #expect(status.code == .unavailable && status.reason == "DRAINING")
            }
            var late = try await WatchedStream(try tenant.inbox("ann"))
            #expect(try await late.end().code == .unavailable)
            // Other calls are answered to the last.
            _ = try await tenant.inbox("ann").getCounts(.init())
        }
    }

    @Test("one user has a bounded number of streams, and gets room by closing one")
    func bound() async throws {
        try await House.open(limits: { $0.watchersPerUser = 2 }) { house in
            let tenant = try await house.tenant()
            let client = try tenant.inbox("ann")
            let first = try await client.watchInbox(.init())
            var second = try await WatchedStream(client)
            var iterator = first.makeAsyncIterator()
            _ = try await iterator.next()
            _ = try await second.next()
            var third = try await WatchedStream(client)
            let status = try await third.end()
            #expect(status.code == .resourceExhausted && status.reason == "TOO_MANY_STREAMS")
            var bob = try await WatchedStream(try tenant.inbox("bob"))
            _ = try await bob.next()
            first.cancel()
            // The server learns of the end in its own time: it is asked until it has.
            var last = Status.ok
            for _ in 0..<1000 {
                var again = try await WatchedStream(client)
                do {
                    _ = try await again.next()
                    return
                } catch let status as Status {
                    last = status
                }
            }
            Issue.record("no room after a stream was closed: \(last)")
        }
    }
}
