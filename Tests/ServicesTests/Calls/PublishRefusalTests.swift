import CarillonAPI
import CarillonGRPC
import Domain
import Support
import SwiftProtobuf
import Testing

@testable import Services

@Suite("Events that are refused")
struct PublishRefusalTests {
    @Test("an event that concerns too many people is refused whole")
    func tooManyRecipients() async throws {
        try await House.open(limits: { $0.recipientsPerEvent = 3 }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let error = await #expect(throws: Status.self) { try await tenant.deliveries.publish(invoice("k1")) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("more than 3 people") == true)
            let stored = try await tenant.deliveries.listNotifications(Carillon_V1_ListNotificationsRequest())
            #expect(stored.notifications.isEmpty)
        }
    }

    @Test("everything that is wrong with the context is named at once, and nothing is stored")
    func context() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = invoice("k1")
            request.context.removeAll { ["invoice_number", "due_date"].contains($0.name) }
            request.context += [
                value("due_date") { $0.text = "tomorrow" }, value("surprise") { $0.text = "x" },
                value("supplier_name") { $0.text = "x" },
            ]
            request.context[0].text = "a\u{0}b"
            request.context[3].money.currencyCode = "ZZZ"
            let status = try await failure(.invalidArgument, "CONTEXT_INVALID") {
                try await tenant.deliveries.publish(request)
            }
            #expect(
                Set(status.fields) == [
                    "context[invoice_id]", "context[invoice_number]", "context[invoice_total]", "context[due_date]",
                    "context[surprise]", "context[supplier_name]",
                ])
            request = invoice("k1")
            request.context[0].value = nil
            try await failure(.invalidArgument, fields: ["context[invoice_id]"]) {
                try await tenant.deliveries.publish(request)
            }
            #expect(try await !tenant.deliveries.publish(invoice("k1")).replayed, "the key was not used up")
        }
    }

    @Test("unknown types, accounts and users, and missing fields, are named")
    func refusals() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = invoice("k1")
            request.notificationType = "invoice.exploded"
            let unknown = try await failure(.invalidArgument, "NOTIFICATION_TYPE_UNKNOWN") {
                try await tenant.deliveries.publish(request)
            }
            #expect(unknown.fields == ["notification_type"])
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") {
                try await tenant.deliveries.publish(invoice("k1", account: "nowhere"))
            }
            request = invoice("k 1")
            request.accountID = ""
            request.actorUserID = "a b"
            request.object = "x\u{7f}"
            request.sourceEventID = String(repeating: "x", count: 201)
            request.addressedUserIds = ["ann", ""]
            request.occurTime = .init(seconds: -1)
            try await failure(
                .invalidArgument,
                fields: [
                    "idempotency_key", "actor_user_id", "addressed_user_ids[1]", "object", "source_event_id",
                    "occur_time", "account_id",
                ]
            ) { try await tenant.deliveries.publish(request) }
            var addressed = Carillon_V1_PublishRequest()
            addressed.idempotencyKey = "k2"
            addressed.notificationType = "security.one_time_code"
            addressed.accountID = "acme"
            try await failure(.invalidArgument, fields: ["addressed_user_ids"]) {
                try await tenant.deliveries.publish(addressed)
            }
        }
    }
}
