import CarillonAPI
import CarillonGRPC
import Domain
import SwiftProtobuf
import Testing

@testable import Services

/// What providers report, and what becomes of addresses.
@Suite("provider events")
struct ProviderEventTests {
    private static let number = "+4930123456"
    /// Of these texts types are told by SMS: to all users whether they want or not, and to those who want.
    private static let mandatory = "announcement.urgent"

    private static func event(
        _ kind: Carillon_V1_ProviderEventKind, _ channel: Carillon_V1_Channel = .sms, _ address: String = number,
        at time: Instant? = nil
    ) -> Carillon_V1_ProviderEvent {
        var event = Carillon_V1_ProviderEvent()
        event.kind = kind
        event.address.channel = channel
        event.address.address = address
        if let time { event.occurTime = Google_Protobuf_Timestamp(seconds: time.seconds) }
        return event
    }

    private static func event(
        _ kind: Carillon_V1_ProviderEventKind, message: String
    ) -> Carillon_V1_ProviderEvent {
        var event = Carillon_V1_ProviderEvent()
        event.kind = kind
        event.messageID = message
        return event
    }

    private func report(
        _ tenant: TestTenant, _ events: Carillon_V1_ProviderEvent...
    ) async throws -> [Carillon_V1_ProviderEventResult] {
        var request = Carillon_V1_ReportProviderEventsRequest()
        request.events = events
        return try await tenant.deliveries.reportProviderEvents(request).results
    }

    private func outcomes(
        _ tenant: TestTenant, _ events: Carillon_V1_ProviderEvent...
    ) async throws -> [Carillon_V1_ProviderEventOutcome] {
        var request = Carillon_V1_ReportProviderEventsRequest()
        request.events = events
        return try await tenant.deliveries.reportProviderEvents(request).results.map(\.outcome)
    }

    private func reason(
        _ tenant: TestTenant, _ user: String, _ channel: Carillon_V1_Channel = .sms, _ type: String = mandatory
    ) async throws -> String {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = user
        request.notificationType = type
        request.channel = channel
        return try await tenant.preferences.checkPreference(request).channels[0].reason
    }

    private func phone(_ tenant: TestTenant, _ user: String, of account: String) async throws {
        var request = Carillon_V1_UpsertUserRequest()
        request.user.userID = user
        request.user.accountID = account
        request.user.phone = Self.number
        request.updateMask.paths = ["phone"]
        _ = try await tenant.accounts.upsertUser(request)
    }

    private func listed(
        _ tenant: TestTenant, _ channel: Carillon_V1_Channel = .unspecified
    ) async throws -> [Carillon_V1_Suppression] {
        var request = Carillon_V1_ListSuppressionsRequest()
        request.channel = channel
        return try await tenant.accounts.listSuppressions(request).suppressions
    }

    private func remove(_ tenant: TestTenant, _ channel: Carillon_V1_Channel, _ address: String) async throws {
        var request = Carillon_V1_RemoveSuppressionRequest()
        request.channel = channel
        request.address = address
        _ = try await tenant.accounts.removeSuppression(request)
    }

    @Test("a STOP is obeyed at once by everything that goes to the number, until its owner says START")
    func stop() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await phone(tenant, "ann", of: "acme")
            try await phone(tenant, "otto", of: "other")
            // There is no provider of text messages; so much is said of a number that can be used.
            #expect(try await reason(tenant, "ann") == "channel_unavailable")
            #expect(try await outcomes(tenant, Self.event(.stopped)) == [.applied])
            for user in ["ann", "otto"] {
                #expect(try await reason(tenant, user) == "address_suppressed:sms_stop")
            }
            #expect(try await outcomes(tenant, Self.event(.stopped)) == [.unchanged])
            try await failure(.failedPrecondition, "STOPPED_BY_OWNER") {
                try await remove(tenant, .sms, Self.number)
            }
            // A number that is given up and taken again stays so.
            try await phone(tenant, "bob", of: "acme")
            #expect(try await reason(tenant, "bob") == "address_suppressed:sms_stop")
            let suppressions = try await listed(tenant)
            #expect(suppressions.map(\.address) == [Self.number])
            #expect(suppressions[0].state == .stopped && suppressions[0].source == "provider")

            #expect(try await outcomes(tenant, Self.event(.started), Self.event(.started)) == [.unchanged, .applied])
            #expect(try await reason(tenant, "ann") == "channel_unavailable")
            #expect(try await listed(tenant).isEmpty)
        }
    }

    @Test("each event has a result of its own, and what is wrong is named")
    func results() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let results = try await report(
                tenant, Self.event(.stopped), Self.event(.unspecified), Self.event(.stopped, .email, "ann@example.com"),
                Self.event(.complained, .email, "nobody"), Self.event(.bouncedPermanently, .inApp, "x"),
                Self.event(.tokenGone, .push, "token"), Carillon_V1_ProviderEvent(),
                Self.event(.bouncedTemporarily, .email, "ann@example.com"),
                Self.event(.delivered, .email, "ann@example.com"), Self.event(.started, .sms, "030"),
                Self.event(.delivered, message: "nobody@x"), Self.event(.delivered, message: "a\nb"))
            #expect(
                results.map(\.outcome) == [
                    .applied, .unspecified, .unspecified, .unspecified, .unspecified, .applied, .unspecified, .ignored,
                    .ignored, .unspecified, .unspecified, .unspecified,
                ])
            #expect(
                results.map(\.error.fields) == [
                    [], ["kind"], ["kind"], ["address.address"], ["address.channel"], [], ["kind", "message_id"], [],
                    [],
                    ["address.address"], [], ["message_id"],
                ])
            #expect(
                results.map(\.error.reason)[1] == "FIELD_INVALID" && results[10].error.reason == "MESSAGE_NOT_FOUND")
            #expect(results.allSatisfy { $0.hasError == ($0.outcome == .unspecified) })
            #expect(results.allSatisfy { !$0.error.message.contains("ann@") }, "no address is in an error")

            try await failure(.invalidArgument, fields: ["events"]) { try await report(tenant) }
            var request = Carillon_V1_ReportProviderEventsRequest()
            request.events = Array(repeating: Self.event(.stopped), count: 1_001)
            try await failure(.invalidArgument, fields: ["events"]) { [request] in
                try await tenant.deliveries.reportProviderEvents(request)
            }
        }
    }

    @Test("a bounce of a message suppresses the address that it went to and keeps what its reader chose")
    func bounce() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let response = try await tenant.deliveries.publish(invoice("k1"))
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = response.recipients[0].notificationID
            let message = try await tenant.deliveries.getNotification(get).notification.deliveries[0].messageID

            // Of another tenant there is no such message, and of none with another host.
            let other = try await house.tenant()
            for (tenant, name) in [(other, message), (tenant, message + "x")] {
                let result = try await report(tenant, Self.event(.bouncedPermanently, message: name))[0]
                #expect(result.error.reason == "MESSAGE_NOT_FOUND" && result.outcome == .unspecified)
            }
            #expect(try await reason(tenant, "ann", .email, "invoice.created") == "mandatory_default_user")
            let event = Self.event(.bouncedPermanently, message: "<\(message)>")
            #expect(try await outcomes(tenant, event) == [.applied])
            #expect(try await outcomes(tenant, event) == [.unchanged])
            #expect(try await reason(tenant, "ann", .email, "invoice.created") == "address_suppressed:hard_bounce")
            #expect(try await reason(tenant, "ann", .inApp, "invoice.created") == "mandatory_default_user")
            #expect(
                try await outcomes(tenant, Self.event(.complained, message: message)) == [.applied], "it is stronger")
            #expect(try await reason(tenant, "ann", .email, "invoice.created") == "address_suppressed:complaint")
            let preferences = try await tenant.preferences.getPreferences(.with { $0.userID = "ann" })
            #expect(preferences.choices.isEmpty, "nothing was chosen for her")

            // The next event goes by what is left.
            let next = try await tenant.deliveries.publish(invoice("k2", number: "INV-2"))
            let ann = try #require(next.recipients.first { $0.userID == "ann" })
            #expect(ann.channels.map(\.reason) == ["address_suppressed:complaint", "mandatory_default_user"])

            try await remove(tenant, .email, "ann@example.com")
            #expect(try await reason(tenant, "ann", .email, "invoice.created") == "mandatory_default_user")
            try await failure(.notFound, "SUPPRESSION_NOT_FOUND") {
                try await remove(tenant, .email, "ann@example.com")
            }
            // Who has another address meanwhile is not taken for the one who bounced.
            try await tenant.user("ann", of: "acme", email: "else@example.org")
            let gone = try await report(tenant, event)[0]
            #expect(gone.error.reason == "ADDRESS_CHANGED")
            #expect(try await listed(tenant).isEmpty)
        }
    }

    @Test("the supplier's people are told of a mail address that is gone, once")
    func notices() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await tenant.user("alma", of: "acme", email: "shared@example.com", admin: true)
            try await tenant.user("olaf", of: "other", email: "shared@example.com")
            func told(_ user: String) async throws -> [String] {
                try await tenant.inbox(user).listInbox(.init()).items
                    .filter { $0.notificationType == "account.contact_email_bounced" }.map(\.title)
            }
            let bounce = Self.event(.bouncedPermanently, .email, "shared@example.com")
            #expect(try await outcomes(tenant, bounce) == [.applied])
            let title = "Contact email address bounced: Customer "
            #expect(try await Set(told("rita")) == ["\(title)acme", "\(title)other"])
            #expect(try await told("alma") == ["\(title)acme"], "she administers the account")
            #expect(try await told("bob").isEmpty)
            #expect(try await outcomes(tenant, bounce, Self.event(.stopped)) == [.unchanged, .applied])
            #expect(try await told("rita").count == 2, "nothing new is told, and nothing of a STOP")
            // It was mended, and comes back.
            try await remove(tenant, .email, "shared@example.com")
            house.clock.advance(seconds: 60)
            #expect(try await outcomes(tenant, bounce) == [.applied])
            #expect(try await told("rita").count == 4)
        }
    }

    @Test("when nobody can be reached, not even by the billing mailbox, the supplier's people are told")
    func mailbox() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.relay()
            try await tenant.user("rita")
            var request = Carillon_V1_UpsertAccountRequest()
            request.account.accountID = "acme"
            request.account.billingEmail = "billing@example.com"
            request.account.assignedRepUserIds = ["rita"]
            _ = try await tenant.accounts.upsertAccount(request)
            let bounce = Self.event(.bouncedPermanently, .email, "billing@example.com")
            let before = try await tenant.deliveries.publish(invoice("k1"))
            let standIns = before.recipients.flatMap(\.channels).map(\.reason)
            #expect(standIns.contains("mandatory_stand_in"))
            #expect(try await outcomes(tenant, bounce) == [.applied])
            let after = try await tenant.deliveries.publish(invoice("k2", number: "INV-2"))
            let left = after.recipients.flatMap(\.channels).map(\.reason)
            #expect(left.contains("no_eligible_recipient") && !left.contains("mandatory_stand_in"))
            let told = try await tenant.inbox("rita").listInbox(.init()).items.map(\.notificationType)
            #expect(told.contains("account.default_contact_unreachable"))
        }
    }

    @Test("suppressions are listed in pages and filtered")
    func lists() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            for place in 0..<3 {
                _ = try await report(tenant, Self.event(.complained, .email, "a\(place)@example.com"))
            }
            _ = try await report(tenant, Self.event(.stopped))
            var request = Carillon_V1_ListSuppressionsRequest()
            request.pageSize = 2
            let first = try await tenant.accounts.listSuppressions(request)
            #expect(first.suppressions.map(\.address) == ["a0@example.com", "a1@example.com"])
            request.pageToken = first.nextPageToken
            let second = try await tenant.accounts.listSuppressions(request)
            #expect(second.suppressions.map(\.address) == ["a2@example.com", Self.number])
            #expect(second.nextPageToken.isEmpty)
            request.channel = .email
            try await failure(.invalidArgument, fields: ["page_token"]) { [request] in
                try await tenant.accounts.listSuppressions(request)
            }
            #expect(try await listed(tenant, .sms).map(\.state) == [.stopped])
            request = .init()
            request.address = "a1@example.com"
            #expect(try await tenant.accounts.listSuppressions(request).suppressions.map(\.state) == [.complained])
            request.channel = .inApp
            request.pageSize = -1
            try await failure(.invalidArgument, fields: ["channel", "page_size"]) { [request] in
                try await tenant.accounts.listSuppressions(request)
            }
            #expect(try await house.tenant().accounts.listSuppressions(.init()).suppressions.isEmpty)
        }
    }
}
