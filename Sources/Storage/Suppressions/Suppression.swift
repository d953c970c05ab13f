package import Domain

/// An address that nobody writes to, whoever has it.
package struct Suppression: Sendable, Hashable {
    /// Who said so.
    package enum Source: String, CaseIterable, Sendable, Hashable {
        /// A mail relay or a provider of text messages told of it.
        case provider
        /// A worker was refused it.
        case worker
        /// Somebody of the supplier.
        case supplier
        /// It was found with a user when these rows were introduced.
        case migration
    }

    /// Which address.
    package let address: Address
    /// Why; one of ``Domain/AddressState/byStrength``.
    package let state: AddressState
    /// Who said so.
    package let source: Source
    /// Since when it holds; nil where that is not known.
    package let since: Instant?
}

/// What is to be stored of addresses that must not be written to, each address at most once.
package struct NewSuppression: Sendable, Hashable {
    /// Which address.
    package let address: Address
    /// Why; one of ``Domain/AddressState/byStrength``.
    package let state: AddressState
    /// When it happened.
    package let at: Instant
    /// The code of what was found out, for the audit; empty for none.
    package let reason: String

    /// Describes it.
    package init(_ address: Address, _ state: AddressState, at: Instant, reason: String = "") {
        self.address = address
        self.state = state
        self.at = at
        self.reason = reason
    }
}

/// An owner of a telephone number who takes a STOP back.
package struct OwnersStart: Sendable, Hashable {
    /// Which address.
    package let address: Address
    /// When it happened.
    package let at: Instant

    /// Describes it.
    package init(_ address: Address, at: Instant) {
        self.address = address
        self.at = at
    }
}

/// An account some of whose people have an address that nobody writes to any more.
package struct ConcernedAccount: Sendable, Hashable {
    /// Which address.
    package let address: Address
    /// Why nobody writes to it.
    package let state: AddressState
    /// Since when.
    package let since: Instant
    /// Which account.
    package let account: AccountID
    /// The customer's name.
    package let name: String
}

/// What became of removing a suppression.
package enum RemovalOutcome: Sendable, Hashable {
    /// The address can be written to again.
    case removed
    /// There is none.
    case notFound
    /// The owner said STOP, and only the owner takes that back.
    case stoppedByOwner
}
