/// What is known of one event at the moment of a decision.
package struct EventFacts: Sendable, Equatable {
    /// Conditions under which a message has lost its reason, checked by who knows the object.
    package enum Inapplicability: String, CaseIterable, Sendable, Hashable {
        case paid
        case draft
        case credit
        case scheduled
        case onPlan = "on_plan"
        case conditionFalse = "condition_false"

        /// The reason code.
        package var reason: Reason {
            switch self {
            case .paid: .paid
            case .draft: .draft
            case .credit: .credit
            case .scheduled: .scheduled
            case .onPlan: .onPlan
            case .conditionFalse: .conditionFalse
            }
        }
    }

    /// Where an event goes on one channel, whatever other addresses its reader has.
    package struct Destination: Sendable, Hashable {
        /// The channel.
        package let channel: Channel
        /// The state of the address there, as far as this event is concerned.
        package let state: AddressState

        /// Names a destination.
        package init(on channel: Channel, _ state: AddressState) {
            self.channel = channel
            self.state = state
        }
    }

    /// What happened.
    package let type: NotificationType
    /// Who caused it; nil is a system or somebody outside.
    package var actor: UserID?
    /// The people the event names: for types of scope ``Scope/addressedUser``.
    package var addressedUsers: [UserID]
    /// The supplier users responsible: for types of scope ``Scope/assignedRep``.
    package var assignedReps: [UserID]
    /// Whether the producer silenced the object, as by `suppress_notifications` on an invoice.
    package var isObjectSuppressed: Bool
    /// Whether there is no text to send.
    package var isTemplateMissing: Bool
    /// Why the message has lost its reason; nil while it has one.
    package var inapplicability: Inapplicability?
    /// When people are to be told at the earliest, wherever they read it; nil for at once. What people wish of their own time holds
    /// from then on, and can only make it later.
    package var notBefore: Instant?
    /// Where it goes, when it is about one address itself, such as the question whether it is its reader's; nil for where its readers
    /// are reached.
    package var destination: Destination?

    /// Whether everybody counts as addressed and responsible.
    private var concernsAnybody = false

    /// Makes the facts of an event.
    package init(
        type: NotificationType, actor: UserID? = nil, addressedUsers: [UserID] = [], assignedReps: [UserID] = [],
        isObjectSuppressed: Bool = false, isTemplateMissing: Bool = false, inapplicability: Inapplicability? = nil,
        notBefore: Instant? = nil, destination: Destination? = nil
    ) {
        self.type = type
        self.actor = actor
        self.addressedUsers = addressedUsers
        self.assignedReps = assignedReps
        self.isObjectSuppressed = isObjectSuppressed
        self.isTemplateMissing = isTemplateMissing
        self.inapplicability = inapplicability
        self.notBefore = notBefore
        self.destination = destination
    }

    /// The event that a preference check asks about: as if whoever is asked about were the one the type concerns.
    package static func hypothetical(_ type: NotificationType) -> EventFacts {
        var event = EventFacts(type: type)
        event.concernsAnybody = true
        return event
    }

    /// The state of what messages to a user on each channel go to.
    func addresses(of user: UserFacts, as audience: Audience) -> PerChannel<AddressState> {
        var addresses = user.addresses
        if let access = user.accessAddresses, type.isAboutAccess(for: audience) { addresses = access }
        if let destination { addresses[destination.channel] = destination.state }
        return addresses
    }

    /// The channels on which a message reaches a user who takes part.
    func usableChannels(of user: UserFacts, as audience: Audience) -> ChannelSet {
        UserFacts.usableChannels(addresses(of: user, as: audience))
    }

    /// Whether it names a user.
    func addresses(_ user: UserID) -> Bool { concernsAnybody || addressedUsers.contains(user) }

    /// Whether a supplier user is responsible for what happened.
    func concerns(rep user: UserID) -> Bool { concernsAnybody || assignedReps.contains(user) }
}
