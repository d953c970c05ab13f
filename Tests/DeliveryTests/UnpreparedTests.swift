import CarillonNet
import Domain
import Storage
import Support
import Testing

@testable import Delivery

/// What sending needs besides the deliveries cannot be read: no delivery may pay for it.
@Suite struct UnpreparedTests {
    /// What is broken, how, and how it is mended; `SCHEMA` and `TENANT` are the tenant's.
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let harm: String
        let cure: String

        init(_ name: String, _ harm: String, _ cure: String) {
            (testDescription, self.harm, self.cure) = (name, harm, cure)
        }
    }

    static let key = Damage(
        "the data key",
        """
        UPDATE carillon.tenant SET wrapped_data_key = '\\xffff'::bytea || wrapped_data_key WHERE tenant_id = 'TENANT'
        """,
        "UPDATE carillon.tenant SET wrapped_data_key = substr(wrapped_data_key, 3) WHERE tenant_id = 'TENANT'")
    static let providers = Damage(
        "the providers", "UPDATE SCHEMA.provider SET provider_id = '?'",
        "UPDATE SCHEMA.provider SET provider_id = 'relay'")
    static let facts = Damage(
        "the facts", "UPDATE SCHEMA.account SET default_user_id = '?' WHERE account_id = 'acme'",
        "UPDATE SCHEMA.account SET default_user_id = NULL WHERE account_id = 'acme'")

    private func execute(_ sql: String, on stage: Stage) async throws {
        let tenant = stage.store.tenant.rawValue
        // Foreign keys and checks do not hold back what a newer version may write.
        let script = sql.replacing("SCHEMA", with: "t_\(tenant)").replacing("TENANT", with: tenant)
        try await stage.asSuperuser("SET session_replication_role = replica; \(script)")
    }

    private func failures(_ stage: Stage) -> Int {
        stage.log.count { if case .readFailed = $0 { true } else { false } }
    }

    @Test(arguments: [key, providers, facts])
    func deliveriesWaitUntilItCanBeRead(damage: Damage) async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            var ids: [DeliveryID] = []
            for number in 1...3 { ids.append(try await stage.publish(number: "INV-\(number)")) }
            try await execute(damage.harm, on: stage)
            let worker = await stage.worker()
            try await stage.eventually("put off") {
                stage.log.count {
                    if case .recorded(_, let result) = $0, case .retry = result.resolution { true } else { false }
                } >= 3
            }
            #expect(failures(stage) >= 1)
            for id in ids {
                #expect(try await stage.state(id) == "pending")
                #expect(try await stage.attempts(id) == [])
            }
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q") == 3)
            try await execute(damage.cure, on: stage)
            stage.clock.advance(by: .seconds(15))
            worker.wake(stage.store.tenant)
            for id in ids {
                try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            }
            #expect(await relay.events("message", count: 3).count == 3)
        }
    }

    @Test func theQueueRestsLongerEachTime() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            for number in 1...40 { try await stage.publish(number: "INV-\(number)") }
            try await execute(Self.key.harm, on: stage)
            let start = stage.loop.now
            let worker = await stage.worker()
            try await stage.eventually("failed three times") {
                // However often somebody says that there is work.
                worker.wake(stage.store.tenant)
                return failures(stage) >= 3
            }
            #expect(start.duration(to: stage.loop.now) >= .milliseconds(1_500))
            #expect(worker.tenants[stage.store.tenant]?.rest?.failures == 3)
        }
    }

    @Test func aRowThatCannotBeReadWaitsWithTheOthers() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let bad = try await stage.publish()
            let good = try await stage.publish(number: "INV-2")
            try await execute("UPDATE SCHEMA.event SET context = '[1]' WHERE object = 'invoice/INV-1'", on: stage)
            try await execute(Self.facts.harm, on: stage)
            let worker = await stage.worker()
            try await stage.eventually("told") { failures(stage) >= 1 }
            #expect(try await stage.state(bad) == "pending")
            try await execute(Self.facts.cure, on: stage)
            try await stage.eventually("rested") { worker.tenants.values.allSatisfy(\.held.isEmpty) }
            stage.clock.advance(by: .seconds(15))
            worker.wake(stage.store.tenant)
            try await stage.eventually("failed") { try await stage.state(bad) == "failed unreadable" }
            try await stage.eventually("delivered") { try await stage.state(good) == "delivered" }
        }
    }
}
