internal import Domain
internal import Storage

/// The event by which the supplier's people hear that an account could not be told of something that at least one of its
/// users must hear of. It comes with the event that met nobody, or not at all; behind one that is told of later, when its time has come
/// and who was to hear of it cannot any more (``UnreachedNotice``).
struct UnreachableContact {
    /// The event's type.
    static let key = TypeKey(unchecked: "account.default_contact_unreachable")

    let type: NotificationType
    let account: AccountID
    /// The variables of the type. The contact's address is left out when none is known.
    let entries: [ContextEntry]

    var context: Context {
        Context(unchecked: Dictionary(entries.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }))
    }

    /// The event that follows from these decisions; nil when somebody of the account was reached, or nobody had to be.
    init?(_ decisions: [RecipientDecision], about type: NotificationType, addressed: [UserID], on sides: EventSides) {
        // What it raises itself ends here: the supplier's people have nobody behind them.
        guard type.key != Self.key, let record = sides.account?.snapshot.record,
            let directory = sides.account?.snapshot.directory,
            decisions.contains(where: { $0.recipient == .nobody(record.id) })
        else { return nil }
        let isPersonal = type.audiences.customer?.scope.isPersonal == true
        self.init(contact: isPersonal ? addressed.first { directory[$0] != nil } : record.defaultUser, on: sides)
    }

    /// The event of a contact that cannot be told.
    ///
    /// - Parameters:
    ///   - contact: the user who had to be told; nil for none.
    ///   - sides: the facts. Nil is what follows from those without an account.
    init?(contact: UserID?, on sides: EventSides) {
        guard let raised = Catalog.builtIn[Self.key], let record = sides.account?.snapshot.record,
            let directory = sides.account?.snapshot.directory
        else { return nil }
        type = raised
        account = record.id
        let address =
            contact.flatMap { sides.user($0)?.portalsContactPoint(on: .email)?.address } ?? record.billingEmail
        var entries = [
            ContextEntry("customer_id", .text(record.id.rawValue)),
            ContextEntry(
                "customer_name", .text(record.displayName.isEmpty ? record.id.rawValue : record.displayName)),
            ContextEntry("reason", .text(Self.reason(contact.flatMap { directory[$0] }, sides.settings))),
            // The one that met nobody. Others are events of their own.
            ContextEntry("pending_mandatory_count", .integer(1)),
            ContextEntry("fallback_contact", .text("nobody")),
        ]
        if let address { entries.append(ContextEntry("contact_email", .text(address))) }
        self.entries = entries
    }

    /// Why the contact cannot be told, as a word of the type's `reason`.
    private static func reason(_ contact: UserFacts?, _ settings: TenantSettings) -> String {
        guard let contact else { return "no_contact" }
        if let inactivity = contact.inactivity { return inactivity.rawValue }
        switch contact.addresses[.email] {
        case .usable:
            let isCarried = settings.unavailableChannels.isDisjoint(with: ChannelSet(.email))
            return (isCarried ? Reason.outOfScope : .channelUnavailable).rawValue
        case .missing: return "no_address"
        case let state: return state.rawValue
        }
    }
}
