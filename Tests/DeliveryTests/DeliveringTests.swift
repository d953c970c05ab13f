import CarillonNet
import Domain
import Foundation
import Postgres
import Storage
import Support
import Testing

@testable import Delivery

/// From a row in the queue to a mail in a real relay, over real PostgreSQL.
@Suite struct DeliveringTests {
    /// The value of a header field in a mail; nil if it stands there not exactly once.
    private func header(_ name: String, _ event: TestServer.Event) -> String? {
        let head = (event.content ?? "").components(separatedBy: "\r\n\r\n")[0]
        let lines = head.replacingOccurrences(of: "\r\n ", with: " ").components(separatedBy: "\r\n")
        let found = lines.filter { $0.lowercased().hasPrefix(name.lowercased() + ":") }
        guard found.count == 1 else { return nil }
        return found[0].dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }

    @Test func mailsArriveOnce() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            var ids: [DeliveryID] = []
            for number in 1...20 { ids.append(try await stage.publish(number: "INV-\(number)")) }
            let worker = await stage.worker()
            let mails = await relay.events("message", count: 20)
            for id in ids {
                try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
                #expect(try await stage.attempts(id) == ["accepted relay 250 2.0.0"])
            }
            await worker.drain(grace: .seconds(5))
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q") == 0)
            #expect(await relay.events("message", count: 20).count == 20)
            let sent = Set(mails.compactMap { header("Message-ID", $0) })
            #expect(sent == Set(ids.map { "<\($0.notification).email@portal.northwind.example>" }))
            let mail = try #require(mails.first)
            #expect(mail.recipients == ["ann@customer.example"])
            #expect(mail.sender == "billing@northwind.example")
            #expect(header("Auto-Submitted", mail) == "auto-generated")
            #expect(mail.content?.contains("https://portal.northwind.example/app/invoices/i-1") == true)
            for kept in ["1,234.56", "1234.56", "Shipping"] { #expect(mail.content?.contains(kept) == false) }
        }
    }

    @Test func relaysAreGivenTheSealedPassword() async throws {
        try await onStage { stage in
            let certificate = try TestCertificate.trusted.get()
            let relay = try await TestServer.smtp(
                ["--tls", "starttls", "--user", "carillon", "--password", "s3cret"], certificate: certificate)
            try await stage.putRelay(port: relay.port, password: "s3cret")
            let id = try await stage.publish()
            let authority = try certificate.authority
            _ = await stage.worker { $0.trustedCertificates = authority }
            let mails = await relay.events("message", count: 1)
            #expect(mails.first?.user == "carillon")
            #expect(mails.first?.tls == true)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
        }
    }

    @Test func temporaryRefusalsAreTriedAgainInTime() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(
                rules: #"[{"at": "rcpt", "do": ["450 4.2.1 Try later", "451 4.3.0 Not now", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish(lasting: .seconds(86_400))
            let worker = await stage.worker()
            try await stage.eventually("tried once") { try await stage.attempts(id).count == 1 }
            #expect(try await stage.state(id) == "pending")
            let due = try await stage.query("SELECT q.due_at FROM SCHEMA.queue q")
            #expect(
                try #require(due.first).timestamp(0).microseconds
                    == stage.clock.now.advanced(by: .seconds(60)).microseconds)
            stage.clock.advance(by: .seconds(60))
            worker.wake(stage.store.tenant)
            try await stage.eventually("tried twice") { try await stage.attempts(id).count == 2 }
            stage.clock.advance(by: .seconds(300))
            worker.wake(stage.store.tenant)
            _ = await relay.events("message", count: 1)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            #expect(
                try await stage.attempts(id) == [
                    "temporary_failure relay 450 4.2.1", "temporary_failure relay 451 4.3.0",
                    "accepted relay 250 2.0.0",
                ])
        }
    }

    @Test func aDeadAddressIsNotWrittenToAgain() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["550 5.1.1 No such user"]}]"#)
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish()
            let before = try await stage.registry.factsNews(since: nil).time
            let worker = await stage.worker()
            try await stage.eventually("failed") { try await stage.state(id) == "failed address_rejected" }
            // Who decides by what is known of the address hears that it is old.
            let told = try await stage.registry.factsNews(since: before).changes
            #expect(Array(told.keys) == [stage.store.tenant])
            #expect(try await stage.attempts(id) == ["permanent_failure relay 550 5.1.1"])
            let state = try await stage.query("SELECT c.state FROM SCHEMA.contact_point c")
            #expect(try #require(state.first).text(0) == "hard_bounced")
            let next = try await stage.publish(number: "INV-2")
            worker.wake(stage.store.tenant)
            try await stage.eventually("suppressed") {
                try await stage.state(next) == "suppressed address_suppressed:hard_bounce"
            }
            #expect(try await stage.attempts(next) == [])
        }
    }

    @Test func whatChangedSincePublishingIsObeyed() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish()
            let late = try await stage.publish(number: "INV-2", lasting: .seconds(-1))
            _ = try await stage.store.updatePreferences(
                of: Stage.user,
                [PreferenceChange(audience: .customer, scope: .type(Stage.type), channel: .email, isOn: false)],
                stamp: stage.stamp(), .at(stage.clock.now))
            _ = await stage.worker()
            try await stage.eventually("suppressed") {
                try await stage.state(id) == "suppressed channel_opted_out"
            }
            try await stage.eventually("expired") { try await stage.state(late) == "expired" }
            #expect(relay.connections == 0)
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q") == 0)
        }
    }

    @Test func deferredMailsWaitForTheirTime() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let later = try await stage.publish(dueIn: .seconds(3_600))
            let now = try await stage.publish(number: "INV-2")
            let worker = await stage.worker()
            try await stage.eventually("delivered") { try await stage.state(now) == "delivered" }
            #expect(try await stage.state(later) == "deferred")
            stage.clock.advance(by: .seconds(3_600))
            worker.wake(stage.store.tenant)
            try await stage.eventually("delivered") { try await stage.state(later) == "delivered" }
            #expect(await relay.events("message", count: 2).count == 2)
        }
    }

    @Test func theNextProviderTakesOver() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            let dead = try await TestServer.smtp(rules: #"[{"at": "connect", "do": ["421 4.3.2 Closing"]}]"#)
            try await stage.putRelay("dead", port: dead.port, priority: 0)
            try await stage.putRelay("relay", port: relay.port, priority: 1)
            let first = try await stage.publish()
            let worker = await stage.worker(randomness: 0.999)
            try await stage.eventually("delivered") { try await stage.state(first) == "delivered" }
            #expect(
                try await stage.attempts(first) == [
                    "temporary_failure dead 421 4.3.2", "accepted relay 250 2.0.0",
                ])
            // The dead one rests, so the next mail does not try it.
            let second = try await stage.publish(number: "INV-2")
            worker.wake(stage.store.tenant)
            try await stage.eventually("delivered") { try await stage.state(second) == "delivered" }
            #expect(try await stage.attempts(second) == ["accepted relay 250 2.0.0"])
        }
    }

    @Test func developmentMailsLieInAFolder() async throws {
        try await onStage { stage in
            let folder = FileManager.default.temporaryDirectory.appending(path: "carillon-maildir-\(UUID())")
            let settings = ProviderSettings.maildir(.init(directory: folder.path))
            _ = try await stage.store.putProvider(
                ProviderWrite(
                    id: ProviderID(unchecked: "folder"), channel: .email, kind: settings.kind,
                    config: settings.config), stamp: stage.stamp(), now: stage.clock.now)
            let id = try await stage.publish()
            _ = await stage.worker()
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "new").path)
            #expect(names.count == 1)
            let text = try String(contentsOf: folder.appending(path: "new/\(names[0])"), encoding: .utf8)
            #expect(text.contains("Message-ID: <\(id.notification).email@portal.northwind.example>"))
            try FileManager.default.removeItem(at: folder)
        }
    }

    @Test func withoutAProviderNothingIsSent() async throws {
        try await onStage { stage in
            let id = try await stage.publish()
            _ = await stage.worker()
            try await stage.eventually("suppressed") {
                try await stage.state(id) == "suppressed channel_unavailable"
            }
        }
    }

    @Test func aRowThatCannotBeReadHoldsUpNobody() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let bad = try await stage.publish()
            let good = try await stage.publish(number: "INV-2")
            try await stage.asSuperuser(
                "UPDATE t_\(stage.store.tenant).event SET context = '[1]' WHERE object = 'invoice/INV-1'")
            _ = await stage.worker()
            try await stage.eventually("failed") { try await stage.state(bad) == "failed unreadable" }
            try await stage.eventually("delivered") { try await stage.state(good) == "delivered" }
        }
    }
}
