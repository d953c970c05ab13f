/// What became of one attempt to hand a message to a provider.
package enum Outcome: Sendable, Hashable {
    /// The provider took the responsibility for the message.
    case delivered(Acceptance)
    /// Not delivered, but a later attempt may succeed.
    case temporary(Failure)
    /// Not delivered, and the same attempt will fail again.
    case permanent(Failure)
    /// Nobody knows: the message may have been taken although no answer arrived. Only a repeat with the same Message-ID may
    /// follow, and may deliver it twice.
    case unknown(Failure)

    /// Proof of a delivery.
    package struct Acceptance: Sendable, Hashable {
        /// What the provider called the message, or its words about it; empty if it said nothing. At most 300 bytes.
        package let reference: String
        /// The provider's own code, such as `250 2.0.0`; empty if it has none.
        package let code: String

        /// Makes a proof.
        package init(reference: String = "", code: String = "") {
            self.reference = reference
            self.code = code
        }
    }

    /// Why a message was not delivered.
    package struct Failure: Sendable, Hashable {
        /// The reason in Carillon's words.
        package let reason: FailureReason
        /// The provider's own code, such as `550 5.1.1`; empty if it gave none.
        package let code: String
        /// The provider's words, printable ASCII, at most 300 bytes. May name the recipient: for the tenant's eyes, never
        /// for a log.
        package let detail: String
        /// How long the provider asked to be left alone, if it did.
        package let retryAfter: Duration?

        /// Makes a reason.
        package init(_ reason: FailureReason, code: String = "", detail: String = "", retryAfter: Duration? = nil) {
            self.reason = reason
            self.code = code
            self.detail = detail
            self.retryAfter = retryAfter
        }
    }

    /// Whether the message did not get to its recipient, as far as anybody knows.
    package var hasFailed: Bool {
        switch self {
        case .temporary, .permanent: true
        case .delivered, .unknown: false
        }
    }

    /// The failure, if it is one.
    package var failure: Failure? {
        switch self {
        case .delivered: nil
        case .temporary(let failure), .permanent(let failure), .unknown(let failure): failure
        }
    }
}

extension Outcome: CustomStringConvertible {
    /// Kind, reason and code, fit for a log.
    package var description: String {
        switch self {
        case .delivered(let acceptance): join("delivered", acceptance.code)
        case .temporary(let failure): join("temporary \(failure.reason.rawValue)", failure.code)
        case .permanent(let failure): join("permanent \(failure.reason.rawValue)", failure.code)
        case .unknown(let failure): join("unknown \(failure.reason.rawValue)", failure.code)
        }
    }

    private func join(_ text: String, _ code: String) -> String {
        code.isEmpty ? text : "\(text) (\(code))"
    }
}

/// Why a provider did not deliver. Raw values are stable: they are stored with attempts and shown to tenants.
package enum FailureReason: String, Sendable, Hashable, CaseIterable {
    /// The address does not exist or takes no mail at all: it should not be written to again.
    case addressRejected = "address_rejected"
    /// The mailbox is full.
    case mailboxFull = "mailbox_full"
    /// The recipient's side cannot be reached or does not answer for the address.
    case undeliverable
    /// The provider does not let this sender send.
    case senderRejected = "sender_rejected"
    /// A rule of the provider or the recipient's side forbids the message.
    case policyRejected = "policy_rejected"
    /// The content is refused.
    case messageRejected = "message_rejected"
    /// The message is larger than the provider or the recipient takes.
    case messageTooLarge = "message_too_large"
    /// The message cannot be put into the channel's form: a header value with a line break and the like.
    case messageInvalid = "message_invalid"
    /// The provider asks for patience: too many messages, greylisting.
    case rateLimited = "rate_limited"
    /// The provider refuses our credentials.
    case authenticationRefused = "authentication_refused"
    /// The provider cannot be trusted: certificate or encryption.
    case encryptionFailed = "encryption_failed"
    /// The provider's address may not be connected to.
    case providerForbidden = "provider_forbidden"
    /// The provider cannot be reached, is busy, closes, or does not keep to its protocol.
    case providerUnavailable = "provider_unavailable"
    /// The provider did not answer in time.
    case timeout
    /// The connection ended too early.
    case connectionLost = "connection_lost"
    /// The provider is set up in a way that cannot work.
    case providerMisconfigured = "provider_misconfigured"
    /// No room on the disk, or it cannot be written.
    case storageFailed = "storage_failed"
    /// Too much waits to be sent from here.
    case overloaded
    /// The attempt was given up from here.
    case cancelled

    /// Whether the recipient's address is to be marked so that nothing more is sent to it.
    package var condemnsAddress: Bool { self == .addressRejected }

    /// Whether the provider rather than the message failed, so that another provider may be tried at once.
    package var concernsProvider: Bool {
        switch self {
        case .authenticationRefused, .encryptionFailed, .providerForbidden, .providerUnavailable, .timeout,
            .connectionLost, .providerMisconfigured, .storageFailed, .senderRejected, .rateLimited:
            true
        case .addressRejected, .mailboxFull, .undeliverable, .policyRejected, .messageRejected, .messageTooLarge,
            .messageInvalid, .overloaded, .cancelled:
            false
        }
    }
}
