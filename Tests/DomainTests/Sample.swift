import Testing

@testable import Domain

/// Builders for facts, so that a test names only what it is about.
enum Sample {
    static let now = Instant(seconds: 1_790_000_000)
    static let accountID = AccountID(unchecked: "acme")

    static func type(
        _ key: String = "test.happened", category: String = "Tests", setting: Setting = Setting(.subscribed),
        scope: Scope = .account, audience: Audience = .customer, channels: [Channel] = [.email, .inApp],
        variables: [Variable] = [], subject: String = "It happened", priority: Priority = .normal,
        respectsQuietHours: Bool = true, isDigestible: Bool = true, excludesActor: Bool = false,
        customerLink: String = "/things", dedupeKey: String? = nil
    ) throws -> NotificationType {
        var audiences = PerAudience<NotificationType.AudienceTerms?>(
            customer: nil, internalIndividual: nil, internalTeam: nil)
        audiences[audience] = .init(setting: setting, scope: scope)
        return NotificationType(
            key: try #require(TypeKey(key)), category: try #require(CategoryName(category)), title: "It happened",
            subject: try #require(TextTemplate(subject)), kind: .transactional, audiences: audiences,
            channels: channels, variables: variables, customerLink: TextTemplate(customerLink),
            internalLink: TextTemplate("/admin/things"), priority: priority, respectsQuietHours: respectsQuietHours,
            isDigestible: isDigestible, excludesActor: excludesActor,
            dedupeKey: try #require(TextTemplate(dedupeKey ?? key + ":{source_event_id}")))
    }

    static func addresses(_ states: [Channel: AddressState] = [:]) -> PerChannel<AddressState> {
        var addresses = PerChannel(repeating: AddressState.usable)
        for (channel, state) in states { addresses[channel] = state }
        return addresses
    }

    static func user(
        _ id: String, status: UserFacts.Status = .active, isAdmin: Bool = false, seniority: Int64 = 0,
        addresses: [Channel: AddressState] = [:], choice: Choice? = nil, choices: Choices? = nil,
        audience: Audience = .customer, schedule: Schedule? = nil,
        snoozedUntil: Instant? = nil, recentSends: [RecentSend] = []
    ) -> UserFacts {
        var all = PerAudience<Choices>(customer: .none, internalIndividual: .none, internalTeam: .none)
        all[audience] = choices ?? Choices(types: choice.map { [TypeKey(unchecked: "test.happened"): $0] } ?? [:])
        return UserFacts(
            id: UserID(unchecked: id), status: status, isAdmin: isAdmin, seniority: seniority,
            addresses: Self.addresses(addresses), choices: all, schedule: schedule,
            snoozedUntil: snoozedUntil, recentSends: recentSends)
    }

    static func account(
        _ users: [UserFacts], defaultUser: String? = nil, mailbox: AddressState = .missing,
        isSuppressed: Bool = false, defaults: Choices = .none
    ) -> Directory {
        Directory(
            of: accountID, users: users, defaultUser: defaultUser.map { UserID(unchecked: $0) }, mailbox: mailbox,
            isSuppressed: isSuppressed, defaults: defaults)
    }

    /// Messages of the sample type that were sent some seconds before ``now``.
    static func sends(_ secondsAgo: [Int64], _ channel: Channel = .email) -> [RecentSend] {
        secondsAgo.map {
            RecentSend(
                at: Instant(seconds: now.seconds - $0), type: TypeKey(unchecked: "test.happened"),
                category: CategoryName(unchecked: "Tests"), channel: channel)
        }
    }

    static func supplier(_ users: [UserFacts], team: [String]? = nil, defaultUser: String? = nil) -> Directory {
        Directory(
            users: users.map { user in
                var user = user
                user.isTeamMember = team?.contains(user.id.rawValue) ?? true
                return user
            }, defaultUser: defaultUser.map { UserID(unchecked: $0) })
    }

    /// The decision for one customer who is alone in the account.
    static func decide(
        _ user: UserFacts, _ type: NotificationType, settings: TenantSettings = TenantSettings(), at now: Instant = now
    ) -> Decision {
        Domain.decide(
            user: user.id, as: .customer, event: EventFacts(type: type), account: account([user]),
            settings: settings, now: now)
    }
}

extension UserID: ExpressibleByStringLiteral {
    /// Literals in tests are not checked.
    public init(stringLiteral value: String) { self.init(unchecked: value) }
}

/// Who gets something, by id.
func told(_ decisions: [RecipientDecision]) -> [String] {
    decisions.filter { $0.decision.isPositive }.map { entry in
        switch entry.recipient {
        case .user(let id): id.rawValue
        case .mailbox: "mailbox"
        case .nobody: "nobody"
        }
    }
}

/// A reproducible source of randomness: SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
