import Testing
import Transfer

@testable import Channels

/// What relays answer, and what follows from it: the table of the product.
@Suite("The outcome of a mail")
struct SMTPOutcomeTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let reply: String
        let phase: TransferError.Phase
        let kind: String
        let reason: FailureReason

        init(_ reply: String, _ phase: TransferError.Phase, _ kind: String, _ reason: FailureReason) {
            self.reply = reply
            self.phase = phase
            self.kind = kind
            self.reason = reason
        }

        var testDescription: String { "\(reply) at \(phase.rawValue)" }

        var error: TransferError {
            let code = Int(reply.prefix(3))!
            return TransferError(
                .refused, phase: phase, reply: SMTPReply(code: code, lines: [String(reply.dropFirst(4))]))
        }
    }

    static let rows = [
        Row("421 4.3.2 Closing", .connecting, "temporary", .providerUnavailable),
        Row("554 5.7.1 Blocked", .connecting, "temporary", .providerUnavailable),
        Row("530 5.7.0 Sign in", .connecting, "temporary", .authenticationRefused),
        Row("530 5.7.0 Sign in", .sender, "temporary", .authenticationRefused),
        Row("550 5.7.1 Not your address", .sender, "permanent", .senderRejected),
        Row("550 Not your address", .sender, "permanent", .senderRejected),
        Row("552 5.3.4 Too big", .sender, "permanent", .messageTooLarge),
        Row("552 Too big", .sender, "permanent", .messageTooLarge),
        Row("451 4.3.0 Later", .sender, "temporary", .providerUnavailable),
        Row("421 4.7.0 Too many", .recipient, "temporary", .providerUnavailable),
        Row("450 4.2.0 Greylisted", .recipient, "temporary", .rateLimited),
        Row("450 Busy", .recipient, "temporary", .rateLimited),
        Row("451 4.7.1 Try again", .recipient, "temporary", .rateLimited),
        Row("452 4.2.2 Over quota", .recipient, "temporary", .mailboxFull),
        Row("452 4.3.1 No space", .recipient, "temporary", .rateLimited),
        Row("451 Local error", .recipient, "temporary", .providerUnavailable),
        Row("550 5.1.1 No such user", .recipient, "permanent", .addressRejected),
        Row("550 No such user", .recipient, "permanent", .addressRejected),
        Row("551 Elsewhere", .recipient, "permanent", .addressRejected),
        Row("553 5.1.3 Bad syntax", .recipient, "permanent", .addressRejected),
        Row("556 5.1.10 Null MX", .recipient, "permanent", .addressRejected),
        Row("550 5.2.1 Disabled", .recipient, "permanent", .addressRejected),
        Row("552 5.2.2 Full", .recipient, "permanent", .mailboxFull),
        Row("552 Full", .recipient, "permanent", .mailboxFull),
        Row("550 5.4.1 Access denied", .recipient, "permanent", .undeliverable),
        Row("550 5.7.1 Policy", .recipient, "permanent", .policyRejected),
        Row("554 5.7.1 Relay denied", .recipient, "permanent", .policyRejected),
        Row("554 Denied", .recipient, "permanent", .policyRejected),
        Row("550 5.1.8 Bad sender", .recipient, "permanent", .senderRejected),
        Row("503 5.5.1 Bad sequence", .data, "permanent", .policyRejected),
        Row("451 4.3.0 Later", .acknowledgement, "temporary", .providerUnavailable),
        Row("550 5.7.1 Spam", .acknowledgement, "permanent", .policyRejected),
        Row("550 Spam", .acknowledgement, "permanent", .policyRejected),
        Row("552 5.3.4 Too big", .acknowledgement, "permanent", .messageTooLarge),
        Row("552 Too big", .acknowledgement, "permanent", .messageTooLarge),
        Row("554 5.6.0 Bad content", .acknowledgement, "permanent", .messageRejected),
        Row("554 Refused", .acknowledgement, "permanent", .messageRejected),
        Row("550 5.1.1 No such user", .acknowledgement, "permanent", .addressRejected),
    ]

    @Test("follows from the reply and the step", arguments: rows)
    func replies(row: Row) throws {
        let outcome = SMTPOutcome.outcome(of: row.error)
        #expect("\(outcome)".hasPrefix("\(row.kind) \(row.reason.rawValue) ("))
        #expect(outcome.failure?.code.hasPrefix(String(row.reply.prefix(3))) == true)
        #expect(outcome.failure?.detail.isEmpty == false && !"\(outcome)".contains(outcome.failure!.detail))
    }

    @Test("of a transfer that came to no reply")
    func losses() {
        let table: [(TransferError, String)] = [
            (.init(.resolve, phase: .connecting), "temporary provider_unavailable"),
            (.init(.connect, phase: .connecting), "temporary provider_unavailable"),
            (.init(.addressForbidden, phase: .connecting), "temporary provider_forbidden"),
            (.init(.tls, phase: .connecting), "temporary encryption_failed"),
            (.init(.encryptionRefused, phase: .connecting), "temporary encryption_failed"),
            (.init(.authenticationRefused, phase: .connecting), "temporary authentication_refused"),
            (.init(.timeout, phase: .recipient), "temporary timeout"),
            (.init(.connectionLost, phase: .message), "temporary connection_lost"),
            (.init(.protocolViolation, phase: .sender), "temporary provider_unavailable"),
            (.init(.queueFull, phase: .queued), "temporary overloaded"),
            (.init(.cancelled, phase: .queued), "temporary cancelled"),
            (.init(.closed, phase: .queued), "temporary cancelled"),
            (.init(.library, phase: .connecting), "temporary provider_unavailable"),
            (.init(.invalidRequest, phase: .queued), "permanent provider_misconfigured"),
            (.init(.connectionLost, phase: .acknowledgement, isOutcomeUnknown: true), "unknown connection_lost"),
            (.init(.timeout, phase: .acknowledgement, isOutcomeUnknown: true), "unknown timeout"),
            (.init(.cancelled, phase: .acknowledgement, isOutcomeUnknown: true), "unknown cancelled"),
        ]
        for (error, text) in table { #expect("\(SMTPOutcome.outcome(of: error))" == text, "\(error)") }
    }

    @Test("only condemns an address that the reply condemns, and only blames providers for what is theirs")
    func consequences() {
        for reason in FailureReason.allCases {
            #expect(reason.condemnsAddress == (reason == .addressRejected))
            #expect(!(reason.condemnsAddress && reason.concernsProvider))
        }
        #expect(FailureReason.timeout.concernsProvider && !FailureReason.policyRejected.concernsProvider)
    }
}
