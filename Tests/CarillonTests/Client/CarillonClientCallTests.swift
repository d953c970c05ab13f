import CarillonAPI
import CarillonClient
import Foundation
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// The product's calls against a server that answers as the test wants it.
@Suite("CarillonClient's calls", .timeLimit(.minutes(5)))
struct CarillonClientCallTests {
    private static let event = Event("invoice.created", account: "globex", id: "INV-1", context: [:])

    @Test("An event is published once, with the tenant's key")
    func publish() async throws {
        try await ServiceDouble.serve { client, double in
            let receipt = try await client.publish(Self.event)
            #expect(receipt.event == "event of INV-1")
            #expect(double.publications.map(\.key) == ["INV-1"])
            #expect(double.publications.map(\.credential) == ["Bearer cr_live_key"])
        }
    }

    @Test("A service names the tenant that it publishes for")
    func publishForTenant() async throws {
        func act(_ configuration: inout CarillonClient.Configuration) {
            configuration.credential = .certificate
            configuration.tenant = "globex"
        }
        try await ServiceDouble.serve(act) { client, double in
            _ = try await client.publish(Self.event)
            #expect(double.publications.map(\.credential) == ["for globex"])
        }
    }

    @Test("A publication is repeated with the same key while the server is not available")
    func repeats() async throws {
        let away = Status(.unavailable, "starting")
        try await ServiceDouble.serve(failing: [away, away]) { client, double in
            let receipt = try await client.publish(Self.event)
            #expect(receipt.event == "event of INV-1")
            #expect(double.publications.map(\.key) == ["INV-1", "INV-1", "INV-1"])
        }
    }

    @Test("A publication that finds the server's gate full is repeated when the server says", arguments: [2, 3])
    func comesAgain(successful: Int) async throws {
        let gate = CallGate(limit: 1, pushback: .milliseconds(1))
        // Another call is running, until this many publications have come.
        try gate.enter()
        try await ServiceDouble.serve(gate: gate, published: { if $0 == successful { gate.leave() } }) {
            client, double in
            let receipt = try await client.publish(Self.event)
            #expect(receipt.event == "event of INV-1")
            #expect(double.publications.map(\.key) == [String](repeating: "INV-1", count: successful))
        }
    }

    @Test("A gate that stays full is the caller's failure in the end")
    func staysFull() async throws {
        let gate = CallGate(limit: 0, pushback: .milliseconds(1))
        try await ServiceDouble.serve(gate: gate) { client, double in
            let error = await #expect(throws: CarillonError.self) { try await client.publish(Self.event) }
            #expect(error?.code == .resourceExhausted)
            #expect(double.publications.count == 3)
        }
    }

    @Test("A time that the server names and the call does not have is not waited for")
    func hasNoTime() async throws {
        let gate = CallGate(limit: 0, pushback: .seconds(3600))
        try await ServiceDouble.serve(gate: gate) { client, double in
            let error = await #expect(throws: CarillonError.self) { try await client.publish(Self.event) }
            #expect(error?.code == .resourceExhausted)
            #expect(double.publications.count == 1)
        }
    }

    @Test("Without retry rules, and for other failures, nothing is repeated")
    func repeatsNothing() async throws {
        // Without a time to come again, what is exhausted may be the room for a message.
        for code in [StatusCode.unavailable, .failedPrecondition, .resourceExhausted] {
            let failure = Status(code, "no")
            try await ServiceDouble.serve(
                failing: [failure], { if code == .unavailable { $0.retry = .never } }
            ) { client, double in
                let error = await #expect(throws: CarillonError.self) { try await client.publish(Self.event) }
                #expect(error?.description.contains(failure.description) == true)
                #expect(double.publications.count == 1)
            }
        }
    }

    @Test("A check answers with the channels")
    func check() async throws {
        try await ServiceDouble.serve { client, _ in
            let channels = try await client.check(user: "anna", type: "invoice.created")
            #expect(channels.map(\.channel) == [.email, .sms, .push])
            #expect(channels.map(\.verdict) == [.deliver, .defer, .digest])
            #expect(channels[0].reason == "default_subscribed")
            let time = Date(timeIntervalSince1970: 1_800_000_000.5)
            #expect(channels.map(\.deliverTime) == [nil, time, time])
        }
    }

    @Test("An event for later tells its time, the same on each repeat")
    func later() async throws {
        try await ServiceDouble.serve(failing: [Status(.unavailable, "starting")]) { client, double in
            var event = Self.event
            _ = try await client.publish(event)
            event.deliverTime = Date(timeIntervalSince1970: 1_800_000_000.25)
            _ = try await client.publish(event)
            let time = Google_Protobuf_Timestamp(seconds: 1_800_000_000, nanos: 250_000_000)
            #expect(double.deliverTimes == [nil, nil, time])
        }
    }

    @Test("An event is called off by its id and by its key, again while the server is not available")
    func cancel() async throws {
        try await ServiceDouble.serve(failing: [Status(.unavailable, "starting")]) { client, _ in
            for reference in [EventReference.idempotencyKey("INV-1"), .id("event of INV-1")] {
                let answer = try await client.cancel(reference)
                #expect(answer.event == "event of INV-1")
                #expect(answer.cancelled == 3 && answer.finished == 2 && answer.underWay == 1)
            }
        }
    }

    @Test("A failure tells its reason, the fields that are wrong, and when a repeat makes sense")
    func details() async throws {
        var info = Google_Rpc_ErrorInfo()
        info.reason = "TENANT_RATE_LIMIT"
        info.metadata = ["limit": "5"]
        var request = Google_Rpc_BadRequest()
        var violation = Google_Rpc_BadRequest.FieldViolation()
        violation.field = "user_id"
        violation.description_p = "is empty"
        request.fieldViolations = [violation]
        var retry = Google_Rpc_RetryInfo()
        retry.retryDelay = Google_Protobuf_Duration(seconds: 1, nanos: 500_000_000)
        var status = Google_Rpc_Status()
        status.details = try [
            Google_Protobuf_Any(message: info), Google_Protobuf_Any(message: Google_Protobuf_Empty()),
            Google_Protobuf_Any(message: request), Google_Protobuf_Any(message: retry),
        ]
        let failure = Status(.resourceExhausted, "slowly", details: try status.serializedBytes())
        try await ServiceDouble.serve(failing: [failure]) { client, _ in
            let error = await #expect(throws: CarillonError.self) {
                try await client.check(user: "", type: "invoice.created")
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.reason == "TENANT_RATE_LIMIT")
            #expect(error?.metadata == ["limit": "5"])
            #expect(error?.violations.map(\.field) == ["user_id"])
            #expect(error?.violations.map(\.description) == ["is empty"])
            #expect(error?.retryDelay == .milliseconds(1500))
            #expect(error?.description == "resourceExhausted (TENANT_RATE_LIMIT): RESOURCE_EXHAUSTED: slowly")
        }
    }

    @Test("Details that cannot be read do not hide the failure")
    func brokenDetails() async throws {
        let failure = Status(.notFound, "nobody", details: [255, 255, 255])
        try await ServiceDouble.serve(failing: [failure]) { client, _ in
            let error = await #expect(throws: CarillonError.self) { try await client.check(user: "x", type: "y") }
            #expect(error?.code == .notFound)
            #expect(error?.reason == "")
        }
    }

    @Test("An inbox is watched with the user's token, which takes the place of the tenant's key")
    func watch() async throws {
        try await ServiceDouble.serve { client, _ in
            var changes: [InboxChange] = []
            for try await change in client.watchInbox(token: "token of anna", after: 7) { changes.append(change) }
            #expect(changes.map(\.sequence) == [7, 8])
            guard case .counts(let counts) = changes.first?.update, case .item(let item) = changes.last?.update else {
                Issue.record("\(changes)")
                return
            }
            #expect(counts.unread == 1)
            #expect(item.title == "New invoice")
            let error = await #expect(throws: CarillonError.self) {
                for try await _ in client.watchInbox(token: "another") {}
            }
            #expect(error?.code == .unauthenticated)
        }
    }

    @Test("A server whose certificate names another is not talked to")
    func serverName() async throws {
        try await ServiceDouble.serve(failing: [], { $0.serverName = "elsewhere.example" }) { client, double in
            let error = await #expect(throws: CarillonError.self) { try await client.publish(Self.event) }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("certificate") == true)
            #expect(double.publications.isEmpty)
        }
    }

    @Test("A key that no server could know, an empty list and half a certificate are found at once")
    func configuration() {
        for key in ["", "cr_live_x\n", "cr live"] {
            let error = #expect(throws: CarillonError.self) {
                _ = try CarillonClient(.init(endpoints: [Endpoint("localhost")], credential: .apiKey(key)))
            }
            #expect(error?.code == .invalidConfiguration)
        }
        #expect(throws: CarillonError.self) { _ = try CarillonClient(.init(endpoints: [], credential: .certificate)) }
        var half = CarillonClient.Configuration(endpoints: [Endpoint("localhost")], credential: .certificate)
        half.certificate = ClientCertificate(chainFile: ServiceDouble.files.certificate, keyFile: "/nowhere.pem")
        #expect(throws: CarillonError.self) { _ = try CarillonClient(half) }
        for tenant in ["", "globex\n", "glo bex"] {
            var acting = CarillonClient.Configuration(endpoints: [Endpoint("localhost")], credential: .certificate)
            acting.trust = .file(ServiceDouble.files.certificate)
            acting.tenant = tenant
            let error = #expect(throws: CarillonError.self) { _ = try CarillonClient(acting) }
            #expect(error?.message.contains("tenant") == true)
        }
        var agent = CarillonClient.Configuration(endpoints: [Endpoint("localhost")], credential: .certificate)
        agent.userAgent = "portal\r\nx-a: b"
        #expect(throws: CarillonError.self) { _ = try CarillonClient(agent) }
        #expect("\(Credential.apiKey("cr_live_secret"))".contains("secret") == false)
        #expect(String(reflecting: Credential.apiKey("cr_live_secret")).contains("secret") == false)
    }
}
