internal import Domain

/// How far a delivery has come, as stored. The last six are terminal.
package enum DeliveryState: String, CaseIterable, Sendable, Hashable {
    /// There is work in the queue, and it is due.
    case pending
    /// There is work in the queue for a later time.
    case deferred
    /// Waits for a digest.
    case digesting
    /// The provider took it, or it lies in the inbox.
    case delivered
    /// Failed for good.
    case failed
    /// Was not to be sent.
    case suppressed
    /// Was not sent in time.
    case expired
    /// Was called off.
    case cancelled
    /// Was handed over, the answer got lost, and it is not tried again.
    case outcomeUnknown = "outcome_unknown"

    /// Whether nothing more will happen.
    package var isTerminal: Bool {
        switch self {
        case .pending, .deferred, .digesting: false
        case .delivered, .failed, .suppressed, .expired, .cancelled, .outcomeUnknown: true
        }
    }

    /// The state in which a delivery is stored.
    init(new delivery: NewDelivery) {
        self =
            switch delivery.decision.verdict {
            case .deliver: delivery.isDone ? .delivered : .pending
            case .defer: .deferred
            case .digest: .digesting
            case .suppress: .suppressed
            }
    }
}

/// A verdict without its values, as stored.
package enum StoredVerdict: String, Sendable, Hashable {
    case deliver
    case `defer`
    case digest
    case suppress

    /// The stored form of a verdict.
    init(_ verdict: Verdict) {
        self =
            switch verdict {
            case .deliver: .deliver
            case .defer: .defer
            case .digest: .digest
            case .suppress: .suppress
            }
    }
}

extension Verdict {
    /// When the delivery is to be made, if not at once.
    var time: Instant? {
        switch self {
        case .deliver, .suppress: nil
        case .defer(let until): until
        case .digest(let window): window.closes
        }
    }
}

extension Recipient {
    /// The two columns that hold a recipient. The account stands in a column of its own.
    var columns: (recipient: String, user: String?) {
        switch self {
        case .user(let id): ("user", id.rawValue)
        case .mailbox: ("mailbox", nil)
        case .nobody: ("nobody", nil)
        }
    }

    /// The recipient in these columns; nil when this version does not know it.
    init?(recipient: String, user: UserID?, account: AccountID?, audience: Audience) {
        // The supplier's own mailbox has no account, whichever account the event is about.
        let account = audience.isInternal ? nil : account
        switch (recipient, user) {
        case ("user", .some(let user)): self = .user(user)
        case ("mailbox", nil): self = .mailbox(account)
        case ("nobody", nil): self = .nobody(account)
        default: return nil
        }
    }
}
