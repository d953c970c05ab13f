import CarillonClient
import Foundation
import Testing

/// The example of CarillonClient's essay, compiled.
private enum Example {
    static func run(key: String, portalToken: String) async throws {
        // The example begins.
        var configuration = CarillonClient.Configuration(
            endpoints: [Endpoint("carillon-a.example.com"), Endpoint("carillon-b.example.com")],
            credential: .apiKey(key))
        configuration.trust = .file("/etc/portal/carillon-ca.pem")
        configuration.userAgent = "portal/2.1"
        let carillon = try CarillonClient(configuration)

        do {
            let receipt = try await carillon.publish(
                Event(
                    "invoice.created", account: "globex", id: "INV-1",
                    context: ["invoice_number": .text("INV-1"), "amount": .money(minorUnits: 4200, currency: "EUR")]))
            for recipient in receipt.recipients {
                print(recipient.user, recipient.channels.map { "\($0.channel): \($0.verdict) (\($0.reason))" })
            }
        } catch {
            switch error.code {
            case .invalidArgument: print(error.violations.map { "\($0.field) \($0.description)" })
            case .unavailable, .deadlineExceeded: print("publish it again later, with the same id")
            default: print(error)
            }
        }

        for try await change in carillon.watchInbox(token: portalToken) {
            if case .counts(let counts) = change.update { print(counts.unread, "unread") }
        }
        await carillon.close()
        // The example ends.
    }
}

@Suite("The essay of CarillonClient")
struct ExampleTests {
    @Test("shows the example that is compiled here")
    func example() throws {
        let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
        let first = try #require(lines.firstIndex { $0.hasSuffix("// The example begins.") })
        let last = try #require(lines.firstIndex { $0.hasSuffix("// The example ends.") })
        let example = lines[(first + 1)..<last].map { $0.dropFirst(8) }.joined(separator: "\n")
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let essay = try String(
            contentsOf: root.appending(path: "Sources/CarillonClient/CarillonClient.docc/CarillonClient.md"),
            encoding: .utf8)
        #expect(essay.contains(example))
    }
}
