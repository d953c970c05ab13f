import CarillonAPI
import CarillonGRPC
import Domain
import Storage
import SwiftProtobuf
import Testing

@testable import Services

/// The supplier's team: its mailbox, and what that hears of.
@Suite("The team")
struct TeamServiceTests {
    private static func team(
        _ mailbox: String, _ choices: [Carillon_V1_PreferenceChoice] = []
    ) -> Carillon_V1_UpsertTeamRequest {
        var request = Carillon_V1_UpsertTeamRequest()
        request.team.displayName = "Receivables"
        request.team.mailbox = mailbox
        request.team.choices = choices
        return request
    }

    private static func choice(
        _ choice: Carillon_V1_Choice, _ fill: (inout Carillon_V1_PreferenceChoice) -> Void
    ) -> Carillon_V1_PreferenceChoice {
        var made = Carillon_V1_PreferenceChoice()
        made.choice = choice
        fill(&made)
        return made
    }

    private static let invoices = choice(.on) { $0.notificationType = "invoice.created" }

    /// What an event means to the mailbox: each channel's verdict and reason; nil when it is not told of.
    private static func told(_ response: Carillon_V1_PublishResponse) -> [String]? {
        let entries = response.recipients.filter { $0.teamMailbox }
        #expect(entries.count <= 1)
        return entries.first.map { entry in
            #expect(entry.userID.isEmpty && !entry.billingMailbox && entry.audience == .internalTeam)
            return entry.channels.map { "\($0.channel)=\($0.verdict):\($0.reason)" }
        }
    }

    @Test("it is always there, and is changed as a whole or by its fields")
    func keeping() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let first = try await tenant.accounts.getTeam(.init()).team
            #expect(first.mailbox.isEmpty && first.choices.isEmpty && !first.etag.isEmpty)
            let made = try await tenant.accounts.upsertTeam(Self.team("ar@example.com", [Self.invoices])).team
            #expect(made.displayName == "Receivables" && made.mailbox == "ar@example.com")
            #expect(made.choices.map(\.notificationType) == ["invoice.created"])
            #expect(made.choices.map(\.audience) == [.internalTeam] && made.choices.map(\.choice) == [.on])
            #expect(try await tenant.accounts.getTeam(.init()).team == made)

            var change = Self.team("other@example.com")
            change.updateMask.paths = ["mailbox"]
            change.team.etag = first.etag
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.accounts.upsertTeam(change) }
            change.team.etag = made.etag
            let changed = try await tenant.accounts.upsertTeam(change).team
            #expect(changed.mailbox == "other@example.com" && changed.choices == made.choices)
            #expect(try await tenant.accounts.upsertTeam(Self.team("")).team.choices.isEmpty)
        }
    }

    @Test("what it cannot have is refused by field")
    func refusals() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let wrong = [
                (Self.choice(.on) { $0.notificationType = "no.such" }, "notification_type"),
                (
                    Self.choice(.on) {
                        $0.all = true
                        $0.channel = .email
                    }, "channel"
                ),
                (
                    Self.choice(.on) {
                        $0.all = true
                        $0.cadence = .daily
                    }, "cadence"
                ),
                (Self.choice(.clear) { $0.all = true }, "choice"),
                (
                    Self.choice(.on) {
                        $0.all = true
                        $0.audience = .customer
                    }, "audience"
                ),
            ]
            for (choice, field) in wrong {
                try await failure(.invalidArgument, "FIELD_INVALID", fields: ["team.choices[0].\(field)"]) {
                    try await tenant.accounts.upsertTeam(Self.team("", [choice]))
                }
            }
            try await failure(.invalidArgument, "FIELD_INVALID", fields: ["team.mailbox"]) {
                try await tenant.accounts.upsertTeam(Self.team("nowhere"))
            }
        }
    }

    @Test("it hears of what is for the team as its choices say, once for each event")
    func hearing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            #expect(Self.told(try await tenant.deliveries.publish(invoice("k1"))) == nil, "there is none")
            _ = try await tenant.accounts.upsertTeam(Self.team("ar@example.com"))
            #expect(
                Self.told(try await tenant.deliveries.publish(invoice("k2")))
                    == ["email=suppress:not_subscribed", "inApp=suppress:not_subscribed"])
            for choice in [
                Self.invoices, Self.choice(.on) { $0.category = "Invoices" }, Self.choice(.on) { $0.all = true },
            ] {
                _ = try await tenant.accounts.upsertTeam(Self.team("ar@example.com", [choice]))
                let response = try await tenant.deliveries.publish(invoice("k\(choice)".filter(\.isLetter)))
                #expect(
                    Self.told(response)
                        == ["email=deliver:opted_in", "inApp=suppress:address_suppressed:no_address"])
            }
        }
    }

    @Test("the record tells where it went, masked, and why")
    func record() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.accounts.upsertTeam(Self.team("ar@example.com", [Self.invoices]))
            let response = try await tenant.deliveries.publish(invoice("k1"))
            let entry = try #require(response.recipients.first { $0.teamMailbox })
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = entry.notificationID
            let stored = try await tenant.deliveries.getNotification(get).notification
            #expect(stored.teamMailbox && !stored.billingMailbox && stored.userID.isEmpty)
            #expect(stored.deliveries[0].maskedAddress == "a…@example.com" && stored.deliveries[0].state == .pending)
            #expect(stored.deliveries[0].trace.contains { $0.rule == "user_choice" && $0.decisive })
            var explain = Carillon_V1_ExplainDecisionRequest()
            explain.notificationID = entry.notificationID
            let explained = try await tenant.preferences.explainDecision(explain)
            #expect(explained.decision.teamMailbox)
        }
    }

    @Test("changes of it are in the audit, its address masked")
    func audit() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            _ = try await tenant.accounts.upsertTeam(Self.team("receivables@example.com", [Self.invoices]))
            _ = try await tenant.accounts.upsertTeam(Self.team("receivables@example.com", [Self.invoices]))
            let lines = try await house.onLoop { state in
                let store = TenantStore(tenant: TenantID(unchecked: tenant.id), pool: state.pool)
                return try await store.audit(size: 100).elements.filter { $0.action == "team.update" }
            }
            #expect(lines.count == 1, "what changes nothing leaves no line")
            let line = try #require(lines.first)
            #expect(line.object == "team")
            #expect(line.after?.contains("r***@example.com") == true && line.after?.contains("receivables") == false)
        }
    }
}
