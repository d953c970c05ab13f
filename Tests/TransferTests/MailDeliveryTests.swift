import CarillonNet
import Support
import Testing

@testable import Transfer

@Suite("Mail to a real SMTP server", .serialized, .timeLimit(.minutes(5)))
struct MailDeliveryTests {
    private static let credentials = MailRoute.Credentials(user: "relay-user", password: "relay-pass-é")
    private static let login = ["--user", "relay-user", "--password", "relay-pass-é"]
    private static let brief = TransferTimeouts(connect: .seconds(20), silence: .seconds(2))

    @Test("arrives over STARTTLS with AUTH, byte for byte, on one connection", arguments: [true, false])
    func startTLS(pipelining: Bool) async throws {
        let certificate = try TestCertificate.trusted.get()
        let server = try await TestServer.smtp(
            ["--tls", "starttls"] + Self.login + (pipelining ? ["--pipelining"] : []), certificate: certificate)
        let route = MailRoute.to(server, .startTLS, credentials: Self.credentials, trusted: try certificate.authority)
        let message = "Subject: dots\r\n\r\n.\r\n..two\r\n.three\r\nend without line end"
        let receipts = try await withClient { client in
            var receipts: [MailReceipt] = []
            for _ in 1...3 { receipts.append(try await client.perform(.sample(route, message: message))) }
            return receipts
        }
        #expect(receipts.map(\.wasConnectionReused) == [false, true, true])
        #expect(receipts.allSatisfy { $0.reply.code == 250 && $0.reply.enhanced == EnhancedStatus(2, 0, 0) })
        #expect(receipts[0].reply.text == "Accepted on connection 1")
        let mails = await server.events("message", count: 3)
        #expect(mails.count == 3 && server.connections == 1)
        for mail in mails {
            #expect(mail.content == message + "\r\n")
            #expect(mail.sender == "sender@example.com" && mail.recipients == ["ann@example.org"])
            #expect(mail.tls == true && mail.user == "relay-user")
        }
    }

    @Test("arrives over implicit TLS, and a large one whole")
    func implicitTLS() async throws {
        let certificate = try TestCertificate.trusted.get()
        let server = try await TestServer.smtp(["--tls", "implicit"] + Self.login, certificate: certificate)
        let route = MailRoute.to(
            server, .implicitTLS, credentials: Self.credentials, trusted: try certificate.authority)
        let line = String(repeating: "x", count: 70) + "\r\n.\r\n"
        let message = "Subject: large\r\n\r\n" + String(repeating: line, count: 20_000)
        _ = try await withClient { try await $0.perform(.sample(route, message: message)) }
        let mail = try #require(await server.events("message", count: 1).first)
        #expect(mail.content == message)
    }

    @Test("uses several connections at once, within its bounds, and keeps them")
    func concurrency() async throws {
        let server = try await TestServer.smtp(["--pipelining"])
        let route = MailRoute.to(server)
        try await withClient(limits: TransferLimits(transfers: 8, transfersPerDestination: 3)) { client in
            for _ in 1...2 {
                try await withThrowingTaskGroup { group in
                    for number in 1...20 {
                        group.addTask {
                            _ = try await client.perform(.sample(route, recipient: "r\(number)@b.example"))
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(client.openedSessions == 3)
            #expect(client.load == (0, 0))
        }
        #expect(await server.events("message", count: 40).count == 40)
        #expect(server.connections == 3)
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let step: String
        let reply: String
        let phase: TransferError.Phase
        var testDescription: String { "\(step): \(reply)" }
    }

    @Test(
        "that is refused says at which step and why, and the session serves on",
        arguments: [
            Refusal(step: "mail", reply: "550 5.7.1 Not you", phase: .sender),
            Refusal(step: "rcpt", reply: "550 5.1.1 No such user", phase: .recipient),
            Refusal(step: "rcpt", reply: "450 4.2.0 Greylisted", phase: .recipient),
            Refusal(step: "data", reply: "451 4.3.0 Later", phase: .data),
            Refusal(step: "message", reply: "552 5.3.4 Too big", phase: .acknowledgement),
            Refusal(step: "message", reply: "451 4.3.0 Later", phase: .acknowledgement),
        ], [true, false])
    func refusals(refusal: Refusal, pipelining: Bool) async throws {
        let rules = #"[{"at": "\#(refusal.step)", "do": ["\#(refusal.reply)", "accept"]}]"#
        let server = try await TestServer.smtp(pipelining ? ["--pipelining"] : [], rules: rules)
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            let error = await failure { try await client.perform(.sample(route)) }
            let receipt = try await client.perform(.sample(route))
            #expect(receipt.wasConnectionReused)
            return try #require(error)
        }
        #expect(error.code == .refused && error.phase == refusal.phase && !error.isOutcomeUnknown)
        let words = refusal.reply.split(separator: " ", maxSplits: 2)
        #expect(error.reply.map { "\($0)" } == "\(words[0]) \(words[1])")
        #expect(error.reply?.text == String(words[2]))
        // What the server tells comes through a pipe of its own, perhaps after the client is done.
        _ = await server.events("connected", count: 1)
        #expect(server.connections == 1)
    }

    @Test("refused by 421 anywhere ends the session", arguments: ["mail", "rcpt", "data", "message"])
    func closing(step: String) async throws {
        let rules = #"[{"at": "\#(step)", "do": ["421 4.3.2 Closing", "accept"]}]"#
        let server = try await TestServer.smtp(rules: rules)
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            let error = await failure { try await client.perform(.sample(route)) }
            let receipt = try await client.perform(.sample(route))
            #expect(receipt.wasConnectionReused == false)
            return error
        }
        #expect(error?.code == .refused && error?.reply?.code == 421 && error?.isOutcomeUnknown == false)
    }

    @Test(
        "lost on the way is not delivered, unless its end was sent: then nobody knows",
        arguments: [
            ("mail", "drop", false), ("rcpt", "drop", false), ("data", "drop", false), ("message", "drop", true),
            ("message", "partial", true), ("rcpt", "partial", false),
        ], [true, false])
    func lost(rule: (step: String, action: String, isUnknown: Bool), pipelining: Bool) async throws {
        let rules = #"[{"at": "\#(rule.step)", "do": ["\#(rule.action)"]}]"#
        let server = try await TestServer.smtp(pipelining ? ["--pipelining"] : [], rules: rules)
        let route = MailRoute.to(server)
        let error = try await withClient { client in await failure { try await client.perform(.sample(route)) } }
        #expect(error?.code == .connectionLost)
        #expect(error?.isOutcomeUnknown == rule.isUnknown)
        // What the server tells comes through a pipe of its own, perhaps after the client has given up.
        _ = await server.events("connected", count: 1)
        #expect(server.connections == 1, "a lost mail is not sent again by the client itself")
    }

    @Test(
        "to a silent server times out",
        arguments: [("mail", false), ("rcpt", false), ("data", false), ("message", true)])
    func silent(step: String, isUnknown: Bool) async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "\#(step)", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            await failure { try await client.perform(.sample(route, timeouts: Self.brief)) }
        }
        #expect(error?.code == .timeout && error?.isOutcomeUnknown == isUnknown)
    }

    @Test("to a server that never greets or never answers EHLO times out", arguments: ["connect", "ehlo"])
    func silentOpening(step: String) async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "\#(step)", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        let timeouts = TransferTimeouts(connect: .milliseconds(200))
        let error = try await withClient { client in
            await failure { try await client.perform(.sample(route, timeouts: timeouts)) }
        }
        #expect(error?.code == .timeout && error?.phase == .connecting)
    }

    @Test("keeps the loop running while a server is silent, and others are served")
    func slowDoesNotBlock() async throws {
        let slow = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang"]}]"#)
        let quick = try await TestServer.smtp()
        let (slowRoute, quickRoute) = (MailRoute.to(slow), MailRoute.to(quick))
        try await withClient(limits: TransferLimits(transfers: 4, transfersPerDestination: 2)) { client in
            let hanging = (1...4).map { _ in
                client.loop.spawn { _ = await failure { try await client.perform(.sample(slowRoute)) } }
            }
            _ = await slow.events("message", count: 2)
            for _ in 1...5 { _ = try await client.perform(.sample(quickRoute)) }
            #expect(client.load == (2, 2))
            for task in hanging { task.cancel() }
            for task in hanging { await task.value }
            #expect(client.load == (0, 0))
        }
    }

    @Test("that is cancelled is answered at once; half a message is not delivered")
    func cancellation() async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            await withTaskGroup(of: TransferError?.self) { group in
                group.addTask { await failure { try await client.perform(.sample(route)) } }
                _ = await server.events("connected", count: 1)
                group.cancelAll()
                return await group.next() ?? nil
            }
        }
        #expect(error?.code == .cancelled && error?.isOutcomeUnknown == false)
        _ = await server.events("disconnected", count: 1)
        #expect(server.events.allSatisfy { $0.event != "message" })
    }

    @Test("that is cancelled after its end has an unknown outcome")
    func lateCancellation() async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        let error = try await withClient { client in
            await withTaskGroup(of: TransferError?.self) { group in
                group.addTask { await failure { try await client.perform(.sample(route)) } }
                _ = await server.events("message", count: 1)
                group.cancelAll()
                return await group.next() ?? nil
            }
        }
        #expect(error?.code == .cancelled && error?.isOutcomeUnknown == true)
    }

    @Test("takes longer than allowed in all: times out even while it waits for its turn")
    func total() async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        try await withClient(limits: TransferLimits(transfersPerDestination: 1)) { client in
            let first = client.loop.spawn { _ = await failure { try await client.perform(.sample(route)) } }
            _ = await server.events("connected", count: 1)
            let timeouts = TransferTimeouts(total: .milliseconds(100))
            let error = await failure { try await client.perform(.sample(route, timeouts: timeouts)) }
            #expect(error == TransferError(.timeout, phase: .queued))
            first.cancel()
            await first.value
        }
    }

    @Test("beyond the queue's bound is refused")
    func queueFull() async throws {
        let server = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["hang"]}]"#)
        let route = MailRoute.to(server)
        try await withClient(limits: TransferLimits(transfers: 1, queued: 1)) { client in
            let tasks = (1...2).map { _ in
                client.loop.spawn { _ = await failure { try await client.perform(.sample(route)) } }
            }
            _ = await server.events("connected", count: 1)
            let error = await failure { try await client.perform(.sample(route)) }
            #expect(error?.code == .queueFull)
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
        }
    }
}
