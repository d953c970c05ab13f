import CarillonNet
import Domain
import Postgres
import Storage
import Support
import Testing

@testable import Delivery

/// Idempotency keys whose day is over.
@Suite struct ExpiredKeyTests {
    private func putExpired(_ count: Int, called name: String, on stage: Stage) async throws {
        try await stage.query(
            """
            INSERT INTO SCHEMA.idempotency (idempotency_key, body_sha256, event_id, response, expires_at)
            SELECT $1::text || n, '\\x01', gen_random_uuid(), '\\x02', $2::timestamptz
            FROM generate_series(1, $3::int8) n
            """, .text(name), .timestamp(Timestamp(microseconds: stage.clock.now.microseconds)), .int8(Int64(count)))
    }

    private func keys(_ stage: Stage) async throws -> Int64 {
        try await stage.integer("SELECT count(*) FROM SCHEMA.idempotency k")
    }

    @Test func allAreForgottenAndNoOther() async throws {
        try await onStage { stage in
            try await putExpired(2_500, called: "old", on: stage)
            // Its key counts for a day.
            try await stage.publish()
            let worker = await stage.worker()
            try await stage.eventually("forgotten") { try await keys(stage) == 1 }
            try await stage.eventually("done") { !worker.isForgettingKeys }
            let work = try #require(worker.tenants[stage.store.tenant])
            #expect(stage.loop.now.duration(to: work.keysDue) > .seconds(30))
            #expect(stage.log.count { if case .readFailed = $0 { true } else { false } } == 0)
        }
    }

    @Test func theyAreNotLookedForWithEachClaim() async throws {
        try await onStage { stage in
            let worker = await stage.worker()
            try await stage.eventually("looked") {
                worker.tenants[stage.store.tenant].map { $0.keysDue > stage.loop.now } ?? false
            }
            try await putExpired(1, called: "late", on: stage)
            for number in 1...3 {
                let id = try await stage.publish(number: "INV-\(number)")
                worker.wake(stage.store.tenant)
                try await stage.eventually("suppressed") { try await stage.state(id).hasPrefix("suppressed") }
            }
            #expect(try await keys(stage) == 4)
            worker.tenants[stage.store.tenant]?.keysDue = stage.loop.now
            worker.wake(stage.store.tenant)
            try await stage.eventually("forgotten") { try await keys(stage) == 3 }
        }
    }
}
