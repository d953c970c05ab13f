import Domain
import Postgres
import Testing

@testable import Storage

/// How many messages one person may get, and what counts towards it.
@Suite struct CapTests {
    private static let caps = [
        FrequencyCap(2, within: 3_600), FrequencyCap(1, within: 60, of: .type(TypeKey(unchecked: "invoice.created"))),
        FrequencyCap(
            9, within: FrequencyCap.longestSpan, of: .category(CategoryName(unchecked: "Invoices")), on: .sms),
    ].compactMap(\.self)

    @Test func capsAreStoredWholeAndAudited() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            #expect(try await tenant.caps().caps.isEmpty)
            let before = try #require(try await tenant.factsVersions(of: [nil]).versions[AccountID?.none])
            let stored = try await tenant.putCaps(Self.caps, stamp: fixture.stamp(), now: fixture.now)
            #expect(stored.caps == Self.caps && Self.caps.count == 3)
            #expect(try await tenant.caps() == stored)
            #expect(try await tenant.factsVersions(of: [nil]).versions == [nil: before + 1])
            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.putCaps(
                    [], expectedRevision: stored.revision - 1, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            let facts = try #require(try await tenant.facts(of: [nil], .at(fixture.now))[AccountID?.none])
            #expect(facts.caps == Self.caps)
            let none = try await tenant.putCaps(
                [], expectedRevision: stored.revision, stamp: fixture.stamp(), now: fixture.now)
            #expect(none.caps.isEmpty)
            let audit = try await tenant.audit(size: 2).elements
            #expect(audit.map(\.action) == ["settings.caps", "settings.caps"])
            #expect(audit[0].before?.contains("3600") == true && audit[0].after == "[]")
        }
    }

    @Test func whatWasSentLatelyIsReadWhereThereAreCaps() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let tenant = scene.tenant
            let items = (0..<4).map { scene.item(key: "sent\($0)") }
            _ = try await tenant.publish(items, now: fixture.now)
            let ids = items.map { $0.notifications[0].id }
            let schema = "t_\(tenant.tenant)"
            // One was sent now, one 9 days ago, one is under way, and one was not sent.
            for (id, change) in zip(
                ids,
                [
                    "state = 'delivered', updated_at = to_timestamp(\(fixture.now.seconds))",
                    "state = 'delivered', updated_at = to_timestamp(\(fixture.now.seconds - 9 * 86_400))",
                    "state = 'pending'", "state = 'failed', updated_at = to_timestamp(\(fixture.now.seconds))",
                ])
            {
                let text =
                    "UPDATE \(schema).delivery SET \(change) WHERE notification_id = $1::uuid AND channel = 'email'"
                _ = try await fixture.owner.run(
                    Unit([Query(Statement(text, prepared: false), [.uuid(UUIDBytes(id))])]))
            }
            let now = fixture.now
            let none = try await tenant.people([PublishScene.ann], includingSupplier: true, .at(now))
            #expect(none.users[PublishScene.ann]?.facts.recentSends.isEmpty == true)
            _ = try await tenant.putCaps(Self.caps, stamp: fixture.stamp(), now: fixture.now)
            let people = try await tenant.people([PublishScene.ann], includingSupplier: true, .at(now))
            let sends = try #require(people.users[PublishScene.ann]).facts.recentSends
            #expect(sends.map(\.channel) == [.email] && sends.map(\.type) == [items[0].event.type])
            #expect(people.homes[nil]?.caps == Self.caps)
            let facts = try await tenant.facts(of: [PublishScene.acme, nil], .at(now))
            #expect(facts[PublishScene.acme]?.directory[PublishScene.ann]?.recentSends == sends)
            #expect(facts[nil]?.sent == [DeliveryID(notification: ids[0], channel: .email)])
        }
    }
}
