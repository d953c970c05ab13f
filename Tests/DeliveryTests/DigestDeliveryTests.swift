import CarillonNet
import Domain
import Foundation
import Postgres
import Storage
import Support
import Testing

@testable import Delivery

/// From many rows in a queue to one mail in a real relay, over real PostgreSQL.
@Suite struct DigestDeliveryTests {
    /// When the day's digest closes for somebody who has no zone of his own.
    func window(_ stage: Stage) -> DigestWindow {
        let berlin = ZoneBook.shared.rules("Europe/Berlin", "UTC", now: stage.clock.now)
        return Schedule(zone: berlin).digestWindow(.daily, at: stage.clock.now)
    }

    func publish(
        _ stage: Stage, _ numbers: ClosedRange<Int>, life: Duration = .seconds(86_400)
    ) async throws
        -> [DeliveryID]
    {
        try await stage.publish(numbers: numbers.map { "INV-\($0)" }, .digest(window(stage)), lasting: life)
    }

    func choose(_ stage: Stage, _ cadence: Cadence) async throws {
        var personal = PersonalChange()
        personal.cadences = [.init(audience: .customer, scope: .all, cadence: cadence)]
        _ = try await stage.store.updatePreferences(
            of: Stage.user, [], personal, stamp: stage.stamp(), .at(stage.clock.now))
    }

    /// Moves the clock to the time at which the digest closes.
    func close(_ stage: Stage, _ worker: DeliveryWorker) {
        stage.clock.advance(by: stage.clock.now.duration(to: window(stage).closes))
        worker.wake(stage.store.tenant)
    }

    func header(_ name: String, _ event: TestServer.Event) -> String? {
        let head = (event.content ?? "").components(separatedBy: "\r\n\r\n")[0]
        return head.replacingOccurrences(of: "\r\n ", with: " ").components(separatedBy: "\r\n")
            .first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
    }

    func messageID(_ id: DeliveryID) -> String { "<\(id.notification).email@portal.northwind.example>" }

    /// Which invoices a mail names in its text.
    func shown(_ event: TestServer.Event) -> [Int] {
        (event.content ?? "").components(separatedBy: "\r\n").compactMap { line in
            line.wholeMatch(of: #/- Invoice updated: INV-(\d+)/#).flatMap { Int($0.output.1) }
        }
    }

    func expect(
        _ stage: Stage, _ ids: [DeliveryID], _ state: String, at location: SourceLocation = #_sourceLocation
    ) async throws {
        for id in ids {
            try await stage.eventually(state, sourceLocation: location) { try await stage.state(id) == state }
        }
    }

    /// Nothing is held any more, and every place is free.
    func expectRest(_ stage: Stage, _ worker: DeliveryWorker) async throws {
        try await stage.eventually("all is settled") {
            await stage.loop.run {
                worker.placesTaken == 0 && worker.companions == 0
                    && worker.tenants.values.allSatisfy { $0.held.isEmpty && $0.companions.isEmpty && $0.isIdle }
            }
        }
        #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q") == 0)
    }

    // MARK: One message

    @Test func allOfADayIsOneMail() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            try await choose(stage, .daily)
            let ids = try await publish(stage, 1...100)
            let worker = await stage.worker { $0.publicURL = "https://carillon.example" }
            let now = try await stage.publish(in: nil, numbers: ["INV-0"], .deliver, to: Stage.user)
            // A choice that was made after publishing: this one waits too, and for the same digest.
            worker.wake(stage.store.tenant)
            try await expect(stage, now, "digesting")
            #expect(relay.connections == 0)
            close(stage, worker)
            let mail = try #require(await relay.events("message", count: 1).first)
            try await expect(stage, ids + now, "delivered digested")
            try await expectRest(stage, worker)
            #expect(relay.events.filter { $0.event == "message" }.count == 1)
            #expect(header("Subject", mail) == "101 notifications from Northwind Supply")
            #expect(header("Message-ID", mail) == messageID(ids[0]))
            #expect(mail.content?.contains("and 81 more in the portal") == true)
            #expect(shown(mail) == [0] + (82...100).reversed())
            // All of it is of one kind, so one click can stop it.
            #expect(header("List-Unsubscribe", mail)?.hasPrefix("<https://carillon.example/unsubscribe?") == true)
            for id in [ids[0], ids[57], now[0]] {
                #expect(try await stage.attempts(id) == ["accepted relay 250 2.0.0"])
            }
            let carried = try await stage.query(
                "SELECT DISTINCT d.message_id FROM SCHEMA.delivery d WHERE d.channel = 'email'")
            #expect(carried.count == 1)
        }
    }

    /// A supplier's own people hear of more accounts than are looked at together, and each has settings of its own.
    @Test func whatConcernsManyAccountsIsOneMail() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let sue = UserID(unchecked: "sue")
            _ = try await stage.store.upsertUser(
                UserWrite(
                    id: sue, account: nil, displayName: "Sue", isTeamMember: true,
                    contactPoints: [ContactPoint(channel: .email, address: "sue@northwind.example")]),
                stamp: stage.stamp(), now: stage.clock.now)
            _ = try await stage.store.updatePreferences(
                of: sue, [PreferenceChange(audience: .internalTeam, scope: .type(Stage.type), isOn: true)],
                stamp: stage.stamp(), .at(stage.clock.now))
            var ids: [DeliveryID] = []
            for number in 1...20 {
                let account = AccountID(unchecked: "customer\(number)")
                _ = try await stage.store.upsertAccount(
                    AccountWrite(id: account, displayName: "Customer"), stamp: stage.stamp(), now: stage.clock.now)
                ids += try await stage.publish(
                    numbers: ["INV-\(number)", "INV-\(100 + number)"], .digest(window(stage)), to: sue,
                    as: .internalTeam, of: account)
            }
            // More of them than are looked at together, so that not all can be among the first.
            let silent = (4...20).map {
                StoredSetting(
                    account: AccountID(unchecked: "customer\($0)"), type: Stage.type, audience: .internalTeam,
                    setting: Setting(.disabled))
            }
            try await stage.store.putSettings(silent, stamp: stage.stamp(), now: stage.clock.now)
            let worker = await stage.worker()
            close(stage, worker)
            let mail = try #require(await relay.events("message", count: 1).first)
            try await expect(stage, Array(ids[..<6]), "delivered digested")
            try await expect(stage, Array(ids[6...]), "suppressed type_disabled")
            #expect(header("Subject", mail) == "6 notifications from Northwind Supply")
            #expect(header("Message-ID", mail) == messageID(ids[0]))
            #expect(shown(mail) == (1...3).reversed().flatMap { [100 + $0, $0] })
            try await expectRest(stage, worker)
        }
    }

    @Test func whatIsStoppedMeanwhileIsNotTold() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            try await choose(stage, .daily)
            let ids = try await publish(stage, 1...30)
            let late = try await publish(stage, 31...32, life: .seconds(-1))
            _ = try await stage.store.updatePreferences(
                of: Stage.user,
                [PreferenceChange(audience: .customer, scope: .type(Stage.type), channel: .email, isOn: false)],
                stamp: stage.stamp(), .at(stage.clock.now))
            let worker = await stage.worker()
            close(stage, worker)
            try await expect(stage, ids, "suppressed channel_opted_out")
            try await expect(stage, late, "expired")
            try await expectRest(stage, worker)
            #expect(relay.connections == 0)
        }
    }

    @Test func oneThingAloneIsToldAsItIs() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            try await choose(stage, .daily)
            // The first one held the place of all.
            let late = try await publish(stage, 2...3, life: .seconds(-1))
            let ids = try await publish(stage, 1...1)
            let worker = await stage.worker()
            close(stage, worker)
            let mail = try #require(await relay.events("message", count: 1).first)
            try await expect(stage, ids, "delivered")
            try await expect(stage, late, "expired")
            #expect(header("Subject", mail) == "Invoice updated: INV-1")
            #expect(header("Message-ID", mail) == messageID(ids[0]))
            try await expectRest(stage, worker)
        }
    }

    @Test func whatCannotBeReadMakesRoomForTheNext() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...30)
            try await stage.asSuperuser(
                """
                UPDATE t_\(stage.store.tenant).event SET context = '[1]'
                WHERE object IN ('invoice/INV-1', 'invoice/INV-30', 'invoice/INV-29')
                """)
            let worker = await stage.worker()
            close(stage, worker)
            let mail = try #require(await relay.events("message", count: 1).first)
            try await expect(stage, [ids[29], ids[28]], "failed unreadable")
            // It was not to be shown, so nobody looked.
            try await expect(stage, Array(ids[..<28]), "delivered digested")
            #expect(header("Subject", mail) == "28 notifications from Northwind Supply")
            #expect(shown(mail) == (9...28).reversed())
            try await expectRest(stage, worker)
        }
    }

    @Test func aDigestIsOneMessageForCaps() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            _ = try await stage.store.putCaps(
                [try #require(FrequencyCap(2, within: 3_600))], stamp: stage.stamp(), now: stage.clock.now)
            // Their reader has gone back to hearing of things at once, so the cap holds for them.
            let ids = try await publish(stage, 1...5)
            let worker = await stage.worker()
            close(stage, worker)
            try await expect(stage, ids, "delivered digested")
            let second = try await stage.publish(number: "INV-6")
            worker.wake(stage.store.tenant)
            try await expect(stage, [second], "delivered")
            let third = try await stage.publish(number: "INV-7")
            worker.wake(stage.store.tenant)
            try await expect(stage, [third], "suppressed throttled")
        }
    }

    /// What is being sent counts before it is on disk: a digest, and what comes while it is on its way.
    @Test func aDigestOnItsWayCounts() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            _ = try await stage.store.putCaps(
                [try #require(FrequencyCap(2, within: 3_600))], stamp: stage.stamp(), now: stage.clock.now)
            _ = try await publish(stage, 1...5)
            let worker = await stage.worker()
            close(stage, worker)
            _ = await relay.events("message", count: 1)
            for (number, state) in [(6, "delivered"), (7, "suppressed throttled")] {
                let id = try await stage.publish(number: "INV-\(number)")
                worker.wake(stage.store.tenant)
                try await expect(stage, [id], state)
            }
        }
    }

    // MARK: Failures

    @Test func itIsTriedAgainAsOne() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["450 4.2.1 Try later", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...3)
            let worker = await stage.worker()
            close(stage, worker)
            for id in ids {
                try await stage.eventually("tried once") { try await stage.attempts(id).count == 1 }
            }
            // What becomes due meanwhile is another message: one that was tried stays what it was.
            let later = DigestWindow(
                cadence: .daily, opens: stage.clock.now, closes: stage.clock.now.advanced(by: .seconds(30)))
            let more = try await stage.publish(numbers: ["INV-8", "INV-9"], .digest(later))
            stage.clock.advance(by: .seconds(60))
            worker.wake(stage.store.tenant)
            let mails = await relay.events("message", count: 2)
            try await expect(stage, ids + more, "delivered digested")
            #expect(
                Dictionary(uniqueKeysWithValues: mails.map { (header("Message-ID", $0) ?? "", shown($0)) })
                    == [messageID(ids[0]): [3, 2, 1], messageID(more[0]): [9, 8]])
            #expect(
                try await stage.attempts(ids[2]) == ["temporary_failure relay 450 4.2.1", "accepted relay 250 2.0.0"])
            try await expectRest(stage, worker)
        }
    }

    /// Words go by 64, but a message that is to be tried again comes back into the queue whole: part of it would go out as another.
    @Test func itComesBackWhole() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["450 4.2.1 Try later", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...100)
            let schema = "t_\(stage.store.tenant)"
            try await stage.asSuperuser(
                """
                CREATE FUNCTION \(schema).refuse() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END$$;
                CREATE TRIGGER refuse BEFORE UPDATE ON \(schema).delivery FOR EACH ROW
                WHEN (OLD.notification_id = '\(ids[10].notification)') EXECUTE FUNCTION \(schema).refuse()
                """)
            let worker = await stage.worker()
            close(stage, worker)
            try await stage.eventually("a word cannot be written") {
                stage.log.count { if case .recordingFailed = $0 { true } else { false } } > 1
            }
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q WHERE q.lease = 0") == 0)
            try await stage.asSuperuser("DROP TRIGGER refuse ON \(schema).delivery")
            try await stage.eventually("all words are written") {
                try await stage.integer("SELECT count(*) FROM SCHEMA.queue q WHERE q.lease = 0") == 100
            }
            stage.clock.advance(by: .seconds(60))
            worker.wake(stage.store.tenant)
            let mails = await relay.events("message", count: 1)
            try await expect(stage, ids, "delivered digested")
            #expect(mails.map { header("Subject", $0) } == ["100 notifications from Northwind Supply"])
            try await expectRest(stage, worker)
        }
    }

    @Test func aDeadAddressEndsAllOfIt() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["550 5.1.1 No such user"]}]"#)
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...70)
            let worker = await stage.worker()
            close(stage, worker)
            try await expect(stage, ids, "failed address_rejected")
            #expect(try await stage.attempts(ids[42]) == ["permanent_failure relay 550 5.1.1"])
            let state = try await stage.query("SELECT c.state FROM SCHEMA.contact_point c")
            #expect(try #require(state.first).text(0) == "hard_bounced")
            try await expectRest(stage, worker)
        }
    }

    @Test func theWordsOfAWorkerThatLostItsLeaseAreDiscarded() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...3)
            // Does not renew for so long that the others see it dead, as a process that was stopped.
            let stopped = await stage.worker {
                $0.lease.timeToLive = .seconds(7_200)
                $0.lease.renewal = .seconds(3_600)
            }
            close(stage, stopped)
            _ = await relay.events("message", count: 1)
            await stage.stopLooking(stopped)
            try await stage.expireWorkers()
            _ = await stage.worker(TakeoverTests.hasten)
            try await expect(stage, ids, "delivered digested")
            // It goes on and asks.
            await stage.loop.run { stopped.hurryLease() }
            try await stage.eventually("stale") {
                stage.log.count { if case .stale(_, let result) = $0 { ids.contains(result.id) } else { false } } == 3
            }
            try await expect(stage, ids, "delivered digested")
            #expect(try await stage.attempts(ids[0]) == ["accepted relay 250 2.0.0"])
            try await stage.eventually("its places are free") {
                await stage.loop.run { stopped.placesTaken == 0 && stopped.companions == 0 }
            }
        }
    }

    /// Until all others are recorded the first one is not: whoever repeats what is left repeats it under the same Message-ID.
    ///
    /// Words go by 64: when that on the 91st cannot be written nothing is on disk, when that on the 11th cannot the last 64 are.
    @Test(arguments: [(90, 100), (10, 36)])
    func theFirstOneIsRecordedLast(stuck: Int, left: Int) async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...100)
            let schema = "t_\(stage.store.tenant)"
            // As a conflict that passes: it is tried again and again.
            try await stage.asSuperuser(
                """
                CREATE FUNCTION \(schema).refuse() RETURNS trigger LANGUAGE plpgsql
                AS $$BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END$$;
                CREATE TRIGGER refuse BEFORE UPDATE ON \(schema).delivery FOR EACH ROW
                WHEN (OLD.notification_id = '\(ids[stuck].notification)') EXECUTE FUNCTION \(schema).refuse()
                """)
            let first = await stage.worker()
            close(stage, first)
            try await stage.eventually("a word cannot be written") {
                stage.log.count { if case .recordingFailed = $0 { true } else { false } } > 1
            }
            await stage.kill(first)
            try await stage.asSuperuser("DROP TRIGGER refuse ON \(schema).delivery")
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q") == Int64(left))
            try await stage.expireWorkers()
            let second = await stage.worker()
            let mails = await relay.events("message", count: 2)
            try await expect(stage, ids, "delivered digested")
            #expect(mails.map { header("Message-ID", $0) } == [messageID(ids[0]), messageID(ids[0])])
            #expect(
                mails.map { header("Subject", $0) }
                    == [100, left].map { "\($0) notifications from Northwind Supply" })
            try await expectRest(stage, second)
        }
    }

    // MARK: Bounds

    @Test func whatIsBeyondTheBoundsGoesOutWithTheNext() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let bob = UserID(unchecked: "bob")
            _ = try await stage.store.upsertUser(
                UserWrite(
                    id: bob, account: Stage.account, displayName: "Bob",
                    contactPoints: [ContactPoint(channel: .email, address: "bob@customer.example")]),
                stamp: stage.stamp(), now: stage.clock.now)
            let ids = try await publish(stage, 1...250)
            let others = try await stage.publish(
                numbers: (1...40).map { "INV-\($0)" }, .digest(window(stage)), to: bob)
            let single = try await stage.publish(
                numbers: ["INV-1"], .defer(until: window(stage).closes), to: bob)
            let worker = await stage.worker {
                $0.gathering = GatheringBounds(message: 100, slice: 30, tenant: 60, worker: 80)
            }
            close(stage, worker)
            try await expect(stage, ids + others, "delivered digested")
            try await expect(stage, single, "delivered")
            let mails = await relay.events("message", count: 5)
            let subjects = mails.filter { $0.recipients == ["ann@customer.example"] }.compactMap {
                header("Subject", $0)
            }
            #expect(subjects.sorted() == [100, 100, 50].map { "\($0) notifications from Northwind Supply" }.sorted())
            #expect(mails.filter { $0.recipients == ["bob@customer.example"] }.count == 2)
            try await expectRest(stage, worker)
        }
    }

    @Test func factsThatCannotBeReadPutAllOfItOff() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let ids = try await publish(stage, 1...40)
            try await stage.asSuperuser(
                """
                SET session_replication_role = replica;
                UPDATE t_\(stage.store.tenant).account SET default_user_id = '?' WHERE account_id = 'acme'
                """)
            let worker = await stage.worker()
            close(stage, worker)
            try await stage.eventually("told") {
                stage.log.count { if case .readFailed = $0 { true } else { false } } > 0
            }
            try await stage.asSuperuser(
                "UPDATE t_\(stage.store.tenant).account SET default_user_id = NULL WHERE account_id = 'acme'")
            try await stage.eventually("sent") {
                stage.clock.advance(by: .seconds(1))
                worker.wake(stage.store.tenant)
                return try await stage.state(ids[39]) == "delivered digested"
            }
            try await expect(stage, ids, "delivered digested")
            #expect(await relay.events("message", count: 1).count == 1)
            try await expectRest(stage, worker)
        }
    }
}
