import CarillonNet
import Domain
import Foundation
import Postgres
import Prometheus
import Storage
import Support
import Testing

@testable import Delivery

/// What the second look decides is counted.
@Suite struct CountingTests {
    /// The counters of decisions that have counted something.
    private func decisions(_ stage: Stage) async -> Set<String> {
        let text = String(decoding: await stage.metrics.text(), as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("carillon_decisions_total") })
    }

    private func counted(_ reason: String, _ verdict: String, _ count: Int) -> String {
        "carillon_decisions_total{channel=\"email\",reason=\"\(reason)\",verdict=\"\(verdict)\",where=\"send\"} \(count)"
    }

    @Test func secondLooksAreCountedByTheirReasons() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            for number in 1...3 { try await stage.publish(number: "INV-\(number)") }
            let worker = await stage.worker()
            _ = await relay.events("message", count: 3)
            #expect(await decisions(stage) == [counted("subscribed_by_default", "deliver", 3)])
            let status = await worker.status()
            #expect(status.tenants == 1 && (status.pool?.connections ?? 0) > 0)
            // The user opts out of the channel after the event was published.
            _ = try await stage.store.updatePreferences(
                of: Stage.user,
                [PreferenceChange(audience: .customer, scope: .type(Stage.type), channel: .email, isOn: false)],
                stamp: stage.stamp(), .at(stage.clock.now))
            let id = try await stage.publish(number: "INV-4")
            worker.wake(stage.store.tenant)
            try await stage.eventually("suppressed") { try await stage.state(id).hasPrefix("suppressed") }
            #expect(
                await decisions(stage) == [
                    counted("subscribed_by_default", "deliver", 3), counted("channel_opted_out", "suppress", 1),
                ])
            await worker.drain(grace: .seconds(5))
            #expect(await worker.status().pool == nil)
        }
    }
}
