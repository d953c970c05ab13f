package import Transfer

/// What the failure of a mail means for its delivery. Pure: the mapping is a table, and its test is the table.
package enum SMTPOutcome {
    /// The outcome of a failed transfer.
    package static func outcome(of error: TransferError) -> Outcome {
        if error.isOutcomeUnknown { return .unknown(failure(lossReason(error.code), error.reply)) }
        switch error.code {
        case .refused, .authenticationRefused:
            guard let reply = error.reply else { return .temporary(.init(.authenticationRefused)) }
            return outcome(of: reply, at: error.phase, isAuthentication: error.code == .authenticationRefused)
        case .invalidRequest: return .permanent(.init(.providerMisconfigured))
        case .addressForbidden: return .temporary(.init(.providerForbidden))
        default: return .temporary(failure(lossReason(error.code), error.reply))
        }
    }

    private static func lossReason(_ code: TransferError.Code) -> FailureReason {
        switch code {
        case .tls, .encryptionRefused: .encryptionFailed
        case .timeout: .timeout
        case .connectionLost: .connectionLost
        case .queueFull: .overloaded
        case .cancelled, .closed: .cancelled
        default: .providerUnavailable
        }
    }

    private static func outcome(
        of reply: SMTPReply, at phase: TransferError.Phase, isAuthentication: Bool
    ) -> Outcome {
        // Before the envelope nothing is about the message: the relay will have none of us, which its operator or the
        // tenant can mend, and until then another relay or a later attempt may do.
        if phase == .connecting {
            let isCredential = isAuthentication || [530, 534, 535, 538].contains(reply.code)
            return .temporary(failure(isCredential ? .authenticationRefused : .providerUnavailable, reply))
        }
        if reply.isTransient { return .temporary(failure(transientReason(reply), reply)) }
        // 530 and its kin to MAIL FROM: the relay wants credentials that it was not given, or other ones.
        if [530, 534, 535, 538].contains(reply.code) { return .temporary(failure(.authenticationRefused, reply)) }
        return .permanent(failure(permanentReason(reply, at: phase), reply))
    }

    private static func transientReason(_ reply: SMTPReply) -> FailureReason {
        switch (reply.code, reply.enhanced?.subject, reply.enhanced?.detail) {
        case (421, _, _): .providerUnavailable
        case (_, 2, 2): .mailboxFull
        case (_, 7, _): .rateLimited
        case (_, 4, 5), (_, 3, 2): .providerUnavailable
        case (452, _, _), (450, _, _): .rateLimited
        default: .providerUnavailable
        }
    }

    /// The enhanced status says more than the code, which relays use freely; without one the step must do.
    private static func permanentReason(_ reply: SMTPReply, at phase: TransferError.Phase) -> FailureReason {
        if let status = reply.enhanced, let reason = reason(of: status, at: phase) { return reason }
        switch (phase, reply.code) {
        case (.sender, 552): return .messageTooLarge
        case (.sender, _): return .senderRejected
        case (.recipient, 550), (.recipient, 551), (.recipient, 553), (.recipient, 556), (.recipient, 501):
            return .addressRejected
        case (.recipient, 552): return .mailboxFull
        case (_, 552): return .messageTooLarge
        case (.acknowledgement, 554), (.message, 554), (.data, 554): return .messageRejected
        default: return .policyRejected
        }
    }

    private static func reason(of status: EnhancedStatus, at phase: TransferError.Phase) -> FailureReason? {
        switch (status.subject, status.detail) {
        case (1, 7), (1, 8): .senderRejected
        case (1, 1), (1, 2), (1, 3), (1, 6), (1, 10): .addressRejected
        case (2, 1): .addressRejected
        case (2, 2): .mailboxFull
        case (2, 3), (3, 4): .messageTooLarge
        case (4, _): .undeliverable
        case (6, _): .messageRejected
        case (7, _): phase == .sender ? .senderRejected : .policyRejected
        default: nil
        }
    }

    private static func failure(_ reason: FailureReason, _ reply: SMTPReply?) -> Outcome.Failure {
        .init(reason, code: reply?.description ?? "", detail: reply?.text ?? "")
    }
}
