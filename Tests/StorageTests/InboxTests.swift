import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct InboxTests {
    /// Sequence numbers are what a reader resumes from, so a number must never become visible after a greater one.
    @Test func sequencesAreGapFreeAndCommitOrderedUnderConcurrency() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let now = fixture.now
            let writers = (0..<6).map { _ in fixture.another(scene.tenant) }
            let users = [PublishScene.ann, PublishScene.bob]
            let batches = (0..<6).map { writer in
                (0..<5).map { round in
                    // Both users in turns first: who takes locks in the order of the batch would deadlock.
                    scene.item(key: "\(writer)-\(round)", users: writer.isMultiple(of: 2) ? users : users.reversed())
                }
            }
            let reader = fixture.another(scene.tenant)
            let seen = try await withThrowingTaskGroup(of: Int64.self) { group in
                for (store, batch) in zip(writers, batches) {
                    group.addTask {
                        for item in batch {
                            let result = try await store.publish([item], now: now)
                            #expect(result.outcomes.map(\.word) == ["stored"])
                            #expect(result.arrivals.count == 2)
                        }
                        return 0
                    }
                }
                group.addTask {
                    var last: Int64 = 0
                    while last < 30 {
                        let page = try await reader.inbox(of: PublishScene.ann, after: last, size: 100)
                        // No gap is ever seen, whatever is being written at this moment.
                        #expect(
                            page.page.elements.map(\.sequence)
                                == Array(last + 1..<last + 1 + Int64(page.page.elements.count)))
                        #expect(page.counters.lastSequence <= last + Int64(page.page.elements.count))
                        last += Int64(page.page.elements.count)
                    }
                    return last
                }
                return try await group.reduce(0, +)
            }
            #expect(seen == 30)
            let all = InboxCounters(lastSequence: 30, total: 30, unread: 30, unseen: 30)
            let counters = try await scene.tenant.inboxCounters(of: users + [UserID(unchecked: "nobody")])
            #expect(counters == [PublishScene.ann: all, PublishScene.bob: all])
        }
    }

    /// Whoever publishes to several users waits for the first of them by id, and holds none of the others meanwhile.
    @Test func countersAreLockedInTheOrderOfUsers() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let both = [PublishScene.bob, PublishScene.ann]
            _ = try await scene.tenant.publish([scene.item(key: "first", users: both)], now: fixture.now)
            let cluster = try SharedDatabase.sharedCluster()
            let counters = "t_\(scene.tenant.tenant).inbox_counter"
            let lock = try await HeldLock(
                ["SELECT 1 FROM \(counters) WHERE user_id = 'ann' FOR UPDATE"], cluster: cluster,
                database: try SharedDatabase.name())
            let (waiting, other) = (fixture.another(scene.tenant), fixture.another(scene.tenant))
            let (item, now) = (scene.item(key: "both", users: both), fixture.now)
            let outcome = try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await waiting.publish([item], now: now).outcomes[0].word }
                group.addTask {
                    try await HeldLock.wait(
                        for: """
                            SELECT 1 FROM pg_stat_activity
                            WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO \(counters)%'
                            """, cluster)
                    let result = try await other.publish(
                        [scene.item(key: "bob", users: [PublishScene.bob])], now: now)
                    #expect(result.outcomes.map(\.word) == ["stored"])
                    try lock.release()
                    return ""
                }
                return try await group.reduce("", +)
            }
            #expect(outcome == "stored")
            try await lock.end()
        }
    }

    @Test func markingTwiceCountsOnce() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish((1...4).map { scene.item(key: "k\($0)") }, now: fixture.now)
            _ = try await scene.tenant.publish([scene.item(key: "bob", users: [PublishScene.bob])], now: fixture.now)
            let first = try await scene.tenant.markRead(
                of: PublishScene.ann, sequences: [2, 1, 2, 99], now: fixture.now)
            #expect(first.items.map(\.sequence) == [1, 2])
            #expect(first.items.map(\.readAt) == [fixture.now, fixture.now])
            #expect(first.items.map(\.seenAt) == [fixture.now, fixture.now])
            #expect(first.counters == InboxCounters(lastSequence: 4, total: 4, unread: 2, unseen: 2))
            let again = try await scene.tenant.markRead(of: PublishScene.ann, sequences: [1, 2], now: fixture.now)
            #expect(again == InboxChange(items: [], counters: first.counters))
            let seen = try await scene.tenant.markSeen(of: PublishScene.ann, upTo: 3, now: fixture.now)
            #expect(seen.items.map(\.sequence) == [3])
            #expect(seen.items[0].readAt == nil)
            #expect(seen.counters == InboxCounters(lastSequence: 4, total: 4, unread: 2, unseen: 1))
            #expect(try await scene.tenant.markSeen(of: PublishScene.ann, upTo: 3, now: fixture.now).items.isEmpty)
            // Reading what was seen before leaves the count of the unseen alone.
            let later = fixture.now.adding(seconds: 1)
            let third = try await scene.tenant.markRead(of: PublishScene.ann, sequences: [3], now: later)
            #expect(third.items.map(\.seenAt) == [fixture.now])
            #expect(third.counters == InboxCounters(lastSequence: 4, total: 4, unread: 1, unseen: 1))
            let bob = try await scene.tenant.inboxCounters(of: [PublishScene.bob])
            #expect(bob[PublishScene.bob]?.unread == 1)
            let nobody = try await scene.tenant.markRead(
                of: UserID(unchecked: "nobody"), sequences: [1], now: fixture.now)
            #expect(nobody == InboxChange(items: [], counters: .none))
        }
    }

    @Test func newsOfSeveralInboxesComeTogether() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let both = [PublishScene.ann, PublishScene.bob]
            _ = try await scene.tenant.publish((1...4).map { scene.item(key: "k\($0)", users: both) }, now: fixture.now)
            _ = try await scene.tenant.publish([scene.item(key: "own")], now: fixture.now)
            let news = try await scene.tenant.inboxNews(
                after: [PublishScene.ann: 3, PublishScene.bob: .max, UserID(unchecked: "nobody"): 0], size: 10)
            #expect(Set(news.keys) == Set(both))
            #expect(news[PublishScene.ann]?.items.map(\.sequence) == [4, 5])
            #expect(news[PublishScene.ann]?.counters.lastSequence == 5)
            #expect(news[PublishScene.bob]?.items.isEmpty == true)
            #expect(news[PublishScene.bob]?.counters.lastSequence == 4)
            let cut = try await scene.tenant.inboxNews(after: [PublishScene.ann: 0, PublishScene.bob: 2], size: 2)
            #expect(cut[PublishScene.ann]?.items.map(\.sequence) == [1, 2])
            #expect(cut[PublishScene.bob]?.items.map(\.sequence) == [3, 4])
            #expect(try await scene.tenant.inboxNews(after: [:], size: 2).isEmpty)
        }
    }

    @Test func countersStayExactWhileReadersAndPublishersMeet() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish((1...12).map { scene.item(key: "k\($0)") }, now: fixture.now)
            let sequences = Array(Int64(1)...12)
            let now = fixture.now
            let more = (1...4).map { scene.item(key: "more\($0)") }
            let stores = (0..<4).map { _ in fixture.another(scene.tenant) }
            let changed = try await withThrowingTaskGroup(of: Int64.self) { group in
                for (place, store) in stores.enumerated() {
                    group.addTask {
                        let marked = try await store.markRead(
                            of: PublishScene.ann, sequences: place.isMultiple(of: 2) ? sequences : sequences.reversed(),
                            now: now)
                        _ = try await store.publish([more[place]], now: now)
                        return Int64(marked.items.count)
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(changed == 12)
            let counted = try await fixture.query(
                as: scene.tenant,
                """
                SELECT count(*), count(*) FILTER (WHERE read_at IS NULL), count(*) FILTER (WHERE seen_at IS NULL)
                FROM t_\(scene.tenant.tenant).inbox_item
                """)[0]
            let counters = try #require(try await scene.tenant.inboxCounters(of: [PublishScene.ann])[PublishScene.ann])
            #expect(counters == InboxCounters(lastSequence: 16, total: 16, unread: 4, unseen: 4))
            #expect(try [counted.int8(0), counted.int8(1), counted.int8(2)] == [16, 4, 4])
        }
    }

    @Test func anInboxIsReadInPages() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = (1...5).map { scene.item(key: "k\($0)", title: "title \($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.markRead(of: PublishScene.ann, sequences: [4], now: fixture.now)
            let first = try await scene.tenant.inbox(of: PublishScene.ann, size: 2)
            #expect(first.page.elements.map(\.title) == ["title 5", "title 4"])
            #expect(first.page.elements.map(\.readAt) == [nil, fixture.now])
            #expect(first.page.elements[0].link == "/invoices/1")
            #expect(first.counters.unread == 4)
            let rest = try await scene.tenant.inbox(of: PublishScene.ann, before: first.page.next, size: 9)
            #expect(rest.page.elements.map(\.sequence) == [3, 2, 1])
            #expect(rest.page.next == nil)
            let unread = try await scene.tenant.inbox(of: PublishScene.ann, unreadOnly: true, size: 2)
            #expect(unread.page.elements.map(\.sequence) == [5, 3])
            let empty = try await scene.tenant.inbox(of: UserID(unchecked: "nobody"), size: 2)
            #expect(empty.page.elements.isEmpty)
            #expect(empty.counters == .none)
        }
    }
}
