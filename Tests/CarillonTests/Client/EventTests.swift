import CarillonClient
import Testing

@Suite("CarillonClient")
struct CarillonClientTests {
    @Test("A client without certificates is not made")
    func certificates() {
        let error = #expect(throws: CarillonError.self) {
            _ = try CarillonClient(host: "localhost", port: 1, ca: "/nonexistent/ca.pem", apiKey: "cr_live_secret")
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("A server that is not there is unavailable, and the key is in no error")
    func unavailable() async throws {
        let client = try CarillonClient(host: "127.0.0.1", port: 1, apiKey: "cr_live_secret")
        let event = Event("invoice.created", account: "globex", id: "INV-1", context: ["invoice_number": .text("1")])
        let error = await #expect(throws: CarillonError.self) { try await client.publish(event) }
        #expect(error?.code == .unavailable)
        #expect(error?.description.contains("secret") == false)
        await client.close()
    }
}
