import Domain
import Postgres
import Testing

@testable import Storage

/// A tenant with one account and two users, and events for it.
struct PublishScene: Sendable {
    static let acme = AccountID(unchecked: "ACME")
    static let ann = UserID(unchecked: "ann")
    static let bob = UserID(unchecked: "bob")
    static let type = TypeKey(unchecked: "invoice.created")
    static let trace = Trace(
        audience: .customer, setting: Setting(.subscribed), settingSource: .tenant, duty: .defaultUser,
        choice: Trace.ChoiceUsed(level: .category, isOn: true))

    let fixture: Fixture
    let tenant: TenantStore
    let pin: FactsPin

    init(_ fixture: Fixture) async throws {
        self.fixture = fixture
        tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        for user in [Self.ann, Self.bob] {
            _ = try await tenant.upsertUser(
                UserWrite(id: user, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        }
        let version = try #require(try await tenant.factsVersions(of: [Self.acme]).versions[Self.acme])
        pin = FactsPin(account: Self.acme, version: version)
    }

    /// An event that tells `users` by e-mail and in the inbox, and not by SMS.
    func item(
        key: String, body: UInt8 = 1, users: [UserID] = [ann], pins: [FactsPin]? = nil, title: String = "New invoice",
        email: Verdict = .deliver, object: String? = nil, type: TypeKey = type
    ) -> PublishItem {
        let event = NewEvent(
            id: EventID(fixture.id()), type: type, account: Self.acme, actor: Self.bob,
            addressedUsers: [Self.ann, Self.bob], object: object, sourceEvent: "src-1",
            context: [ContextEntry("invoice_total", .money(Money(minorUnits: 12_50, currency: "EUR")))],
            sealedContext: [5], publishedBy: "key/k", occurredAt: fixture.now)
        return PublishItem(
            idempotencyKey: key, bodyHash: [body], keyExpiresAt: fixture.now.adding(seconds: 86_400),
            pins: pins ?? [pin], event: event,
            notifications: users.map { notification($0, title: title, email: email) }, response: Array(key.utf8))
    }

    private func notification(_ user: UserID, title: String, email: Verdict) -> NewNotification {
        NewNotification(
            id: NotificationID(fixture.id()), recipient: .user(user), audience: .customer, reason: .subscribedByDefault,
            trace: Self.trace,
            deliveries: [
                NewDelivery(
                    channel: .email, decision: ChannelDecision(email, .subscribedByDefault), messageID: "<m@x>",
                    maskedAddress: "a…@acme.example", expiresAt: fixture.now.adding(seconds: 3_600)),
                NewDelivery(channel: .inApp, decision: ChannelDecision(.deliver, .subscribedByDefault), isDone: true),
                NewDelivery(channel: .sms, decision: .suppressed(.noAddress)),
            ], inboxItem: NewInboxItem(title: title, body: "text", link: "/invoices/1"))
    }

    /// How many rows each table holds that publishing writes.
    func rows() async throws -> [String: Int64] {
        var counts: [String: Int64] = [:]
        for table in ["idempotency", "event", "notification", "delivery", "queue", "inbox_item", "inbox_counter"] {
            counts[table] = try await fixture.integer(
                as: tenant, "SELECT count(*) FROM t_\(tenant.tenant).\(table)")
        }
        return counts
    }
}

extension PublishOutcome {
    /// The outcome in a word.
    var word: String {
        switch self {
        case .stored: "stored"
        case .replay: "replay"
        case .conflict: "conflict"
        case .staleFacts: "stale"
        case .rejected: "rejected"
        }
    }
}
