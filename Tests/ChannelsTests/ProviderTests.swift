import CarillonNet
import Channels
import Foundation
import Programs
import Support
import Testing
import Transfer

@Suite("Providers of e-mail", .serialized, .timeLimit(.minutes(5)))
struct ProviderTests {
    private func withLoop<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Value
    ) async throws -> Value {
        let loop = EventLoop(name: "test")
        let result: Result<Value, any Error> = await loop.run {
            do { return .success(try await body(loop)) } catch { return .failure(error) }
        }
        await loop.shutDown()
        return try result.get()
    }

    private func send(_ messages: [EmailMessage], to server: TestServer) async throws -> [Outcome] {
        let route = MailRoute(host: "127.0.0.1", port: server.port, security: .none, addresses: .any)
        return try await withLoop { loop in
            let client = TransferClient(loop: loop)
            defer { client.close() }
            let provider: any ChannelProvider<EmailMessage> = SMTPProvider(client: client, route: route)
            var outcomes: [Outcome] = []
            for message in messages { outcomes.append(await provider.send(message)) }
            return outcomes
        }
    }

    @Test("hand a mail to a relay, which reads what was meant")
    func relay() async throws {
        let server = try await TestServer.smtp(["--pipelining"])
        var message = MIMEComposerTests.message
        message.subject = "Grüße zur Rechnung"
        message.text = "Zahlbar bis 1. Dezember.\n.\nFrom here on\n"
        let outcomes = try await send([message, message], to: server)
        #expect(outcomes.allSatisfy { if case .delivered(let it) = $0 { it.code == "250 2.0.0" } else { false } })
        let mails = await server.events("message", count: 2)
        #expect(mails.count == 2 && server.connections == 1)
        let read = try Self.read(try #require(mails.first?.content))
        #expect(read["subject"] == "Grüße zur Rechnung")
        // The last line end belongs to the boundary behind it (RFC 2046, section 5.1.1).
        #expect(read["text"] == "Zahlbar bis 1. Dezember.\n.\nFrom here on")
        #expect(read["html"] == "<p>Hello Ann</p>")
        #expect(read["from"] == "Northwind Supply <billing@northwind.example>")
        #expect(read["id"] == "<0190.email@portal.northwind.example>")
        #expect(read["defects"] == "0")
        #expect(mails[0].sender == "billing@northwind.example" && mails[0].recipients == ["ann@example.org"])
    }

    @Test("tell what the relay said")
    func refusals() async throws {
        let rules = """
            [{"at": "rcpt", "do": ["550 5.1.1 No such user", "450 4.2.0 Later", "accept"]},
             {"at": "message", "do": ["drop"]}]
            """
        let server = try await TestServer.smtp(rules: rules)
        let message = MIMEComposerTests.message
        let outcomes = try await send([message, message, message], to: server)
        #expect(
            outcomes.map { "\($0)" } == [
                "permanent address_rejected (550 5.1.1)", "temporary rate_limited (450 4.2.0)",
                "unknown connection_lost",
            ])
    }

    @Test("send nothing that cannot be a mail")
    func invalid() async throws {
        let server = try await TestServer.smtp()
        var message = MIMEComposerTests.message
        message.subject = "x\r\nBcc: eve@evil.example"
        let outcomes = try await send([message], to: server)
        #expect(outcomes == [.permanent(.init(.messageInvalid, detail: "Subject: control_character"))])
        #expect(server.connections == 0)
    }

    @Test("write whole mails into a Maildir, each under a name of its own")
    func maildir() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "carillon-maildir-\(UUID())")
        defer { try? FileManager.default.removeItem(at: directory) }
        let message = MIMEComposerTests.message
        let outcomes = try await withLoop { loop in
            let provider = MaildirProvider(loop: loop, directory: directory.path) { "=_b" }
            return [await provider.send(message), await provider.send(message)]
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "new").path)
        #expect(
            Set(names) == Set(outcomes.compactMap { if case .delivered(let it) = $0 { it.reference } else { nil } }))
        #expect(names.count == 2)
        let bytes = try MIMEComposer.compose(message, boundary: "=_b")
        for name in names {
            #expect(try Data(contentsOf: directory.appending(path: "new/\(name)")) == Data(bytes))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "tmp").path).isEmpty)
    }

    @Test("say when a Maildir cannot be written")
    func maildirFails() async throws {
        let outcome = try await withLoop { loop in
            await MaildirProvider(loop: loop, directory: "/dev/null/mail").send(MIMEComposerTests.message)
        }
        #expect("\(outcome)" == "temporary storage_failed (errno 20)")
    }

    /// What Python's own mail reader makes of a mail.
    private static func read(_ content: String) throws -> [String: String] {
        let program = """
            import email, email.policy, json, sys
            mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
            parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
            print(json.dumps({"subject": mail["subject"], "from": str(mail["from"]), "id": mail["message-id"],
                "text": parts["text/plain"].replace("\\r\\n", "\\n"), "html": parts["text/html"],
                "defects": str(sum(len(part.defects) for part in mail.walk()))}))
            """
        let process = Process()
        process.executableURL = try TestServer.python()
        process.arguments = ["-c", program]
        let (input, output) = (Pipe.forProgram(), Pipe.forProgram())
        process.standardInput = input
        process.standardOutput = output
        try process.startInTurn()
        try input.fileHandleForWriting.write(contentsOf: Data(content.unicodeScalars.map { UInt8($0.value) }))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        return try JSONDecoder().decode([String: String].self, from: data)
    }
}
