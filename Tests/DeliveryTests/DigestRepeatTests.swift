import Domain
import Storage
import Support
import Testing

@testable import Delivery

/// Digests that come back into the queue, or are found there again.
extension DigestDeliveryTests {
    @Test func aWorkerThatDiesWithADigestIsFollowedByAnother() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...40)
            let first = await stage.worker()
            close(stage, first)
            _ = await relay.events("message", count: 1)
            await stage.kill(first)
            try await expect(stage, ids, "digesting")
            try await stage.expireWorkers()
            let second = await stage.worker()
            let mails = await relay.events("message", count: 2)
            try await expect(stage, ids, "delivered digested")
            #expect(mails.map { header("Message-ID", $0) } == [messageID(ids[0]), messageID(ids[0])])
            #expect(mails.map(shown) == [shown(mails[0]), (21...40).reversed()])
            #expect(header("Date", mails[0]) == header("Date", mails[1]))
            // It is one message that may have been sent twice.
            #expect(stage.log.count { if case .repeated = $0 { true } else { false } } == 1)
            try await expectRest(stage, second)
        }
    }

    /// What became due at different times and went out together goes out together again.
    @Test func aWorkerThatDiesWithWhatBecameDueOneByOneIsFollowedByOneMessage() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let closes = window(stage).closes
            var ids: [DeliveryID] = []
            for number in 1...4 {
                let end = closes.advanced(by: .seconds(-60 * Int64(number)))
                let window = DigestWindow(cadence: .daily, opens: end.advanced(by: .seconds(-86_400)), closes: end)
                ids += try await stage.publish(numbers: ["INV-\(number)"], .digest(window))
            }
            // A claim brings two of them, and the gathering the others.
            let first = await stage.worker { $0.sendsPerTenant = 2 }
            close(stage, first)
            _ = await relay.events("message", count: 1)
            await stage.kill(first)
            try await stage.expireWorkers()
            let second = await stage.worker()
            let mails = await relay.events("message", count: 2)
            try await expect(stage, ids, "delivered digested")
            #expect(mails.map { header("Message-ID", $0) } == [messageID(ids[0]), messageID(ids[0])])
            #expect(mails.map(shown) == [[4, 3, 2, 1], [4, 3, 2, 1]])
            #expect(header("Date", mails[0]) == header("Date", mails[1]))
            try await expectRest(stage, second)
        }
    }

    /// No try was made: it waits for its digest, and nobody is told that it is a message by itself.
    @Test func whatIsPutOffGoesOnToWaitForItsDigest() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...3)
            try await stage.asSuperuser(
                """
                SET session_replication_role = replica;
                UPDATE t_\(stage.store.tenant).account SET default_user_id = '?' WHERE account_id = 'acme'
                """)
            let due = window(stage).closes.seconds
            let worker = await stage.worker()
            close(stage, worker)
            try await stage.eventually("put off") {
                try await stage.integer(
                    "SELECT count(*) FROM SCHEMA.queue q WHERE q.lease = 0 AND q.due_at > to_timestamp(\(due))") == 3
            }
            for id in ids { #expect(try await stage.state(id) == "digesting") }
        }
    }
}
