import Domain
import Postgres
import Testing

@testable import Storage

/// Messages that providers report something of.
@Suite struct ReportTests {
    /// Events whose mails were handed over, each with an end of its own.
    private func sent(
        _ scene: PublishScene, _ ends: [DeliveryResult.Resolution]
    ) async throws -> [DeliveryID] {
        let items = ends.indices.map { scene.item(key: "k\($0)") }
        _ = try await scene.tenant.takeOverQueue(fence: 1)
        _ = try await scene.tenant.publish(items, fence: 1, now: scene.fixture.now)
        let ids = items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
        _ = try await scene.tenant.finish(
            zip(ids, ends).map { DeliveryResult($0, $1) }, fence: 1, now: scene.fixture.now)
        return ids
    }

    private func state(_ id: DeliveryID, in tenant: TenantStore) async throws -> String {
        let delivery = try await tenant.notification(id.notification)?.deliveries.first { $0.channel == id.channel }
        return "\(delivery?.state.rawValue ?? "") \(delivery?.stateReason ?? "")"
    }

    @Test func aMessageIsFoundWithAllAddressesThatItMayHaveGoneTo() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let id = try await sent(scene, [.delivered])[0]
            for addresses in [["old@acme.example"], ["a@acme.example", "b@acme.example"]] {
                let points = addresses.map { ContactPoint(channel: .email, address: $0) }
                _ = try await scene.tenant.upsertUser(
                    UserWrite(
                        id: PublishScene.ann, account: PublishScene.acme,
                        contactPoints: points + [ContactPoint(channel: .sms, address: "+4930123456")]),
                    stamp: fixture.stamp(), now: fixture.now)
            }
            let unknown = DeliveryID(notification: NotificationID(fixture.id()), channel: .email)
            let inbox = DeliveryID(notification: id.notification, channel: .inApp)
            let found = try await scene.tenant.reportedMessages([id, unknown, inbox])
            #expect(Array(found.keys) == [id], "what lies in an inbox was handed to nobody")
            let message = try #require(found[id])
            #expect(message.messageID == "<m@x>" && message.maskedAddress == "a…@acme.example")
            #expect(message.state == .delivered)
            #expect(
                message.addresses == ["a@acme.example", "b@acme.example"],
                "what was given up without a blemish is forgotten")
            let another = try await fixture.tenant()
            #expect(try await another.reportedMessages([id]).isEmpty)
        }
    }

    @Test func onlyAnUnknownOutcomeIsSettled() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let ends: [DeliveryResult.Resolution] = [
                .outcomeUnknown, .outcomeUnknown, .delivered, .failed("address_rejected"),
            ]
            let ids = try await sent(scene, ends)
            let outcomes: [DeliveryID: String?] = [
                ids[0]: nil, ids[1]: "hard_bounce", ids[2]: "hard_bounce", ids[3]: nil,
            ]
            let later = fixture.now.adding(seconds: 9)
            #expect(try await scene.tenant.settleUnknown(outcomes, now: later) == [ids[0], ids[1]])
            var states: [String] = []
            for id in ids { states.append(try await state(id, in: scene.tenant)) }
            #expect(states == ["delivered ", "failed hard_bounce", "delivered ", "failed address_rejected"])
            #expect(try await scene.tenant.settleUnknown(outcomes, now: later).isEmpty, "once")
            #expect(try await scene.tenant.settleUnknown([:], now: later).isEmpty)
        }
    }
}
