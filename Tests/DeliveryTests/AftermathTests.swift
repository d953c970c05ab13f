import Channels
import Domain
import Storage
import Testing

@testable import Delivery

@Suite struct AftermathTests {
    private static let now = Instant(seconds: 1_000_000)
    private let aftermath = Aftermath(policy: .standard(for: .email), now: Self.now, randomness: 0)

    private func after(
        _ outcome: Outcome, attempts: Int = 1, expiresIn life: Duration? = .seconds(86_400), other: Bool = false
    ) -> DeliveryResult.Resolution {
        aftermath.resolution(
            of: outcome, attempts: attempts, expiresAt: life.map { Self.now.advanced(by: $0) }, hasOtherProvider: other)
    }

    private func retry(in pause: Duration) -> DeliveryResult.Resolution { .retry(at: Self.now.advanced(by: pause)) }

    private static let busy = Outcome.temporary(.init(.mailboxFull, code: "452 4.2.2"))
    private static let away = Outcome.temporary(.init(.providerUnavailable))

    @Test func whatWasTakenIsDelivered() {
        #expect(after(.delivered(.init())) == .delivered)
        #expect(after(.delivered(.init()), attempts: 99, expiresIn: .seconds(-1)) == .delivered)
    }

    @Test func whatWillNotPassFails() {
        #expect(after(.permanent(.init(.addressRejected))) == .failed("address_rejected"))
        #expect(after(.permanent(.init(.messageTooLarge)), other: true) == .failed("message_too_large"))
        // A relay that refuses the sender says nothing of what another relay would do.
        #expect(after(.permanent(.init(.senderRejected))) == .failed("sender_rejected"))
        #expect(after(.permanent(.init(.senderRejected)), other: true) == retry(in: .zero))
    }

    @Test func whatMayPassIsTriedAgain() {
        #expect(after(Self.busy) == retry(in: .seconds(60)))
        #expect(after(Self.busy, attempts: 2) == retry(in: .seconds(300)))
        #expect(after(Self.busy, attempts: 15, expiresIn: nil) == retry(in: .seconds(21_600)))
        #expect(after(Self.busy, attempts: 16) == .failed("mailbox_full"))
        // Another provider does not help against a failure of the message.
        #expect(after(Self.busy, other: true) == retry(in: .seconds(60)))
        let asked = Outcome.temporary(.init(.rateLimited, code: "450", retryAfter: .seconds(90)))
        #expect(after(asked) == retry(in: .seconds(90)))
    }

    @Test func theNextProviderIsTriedAtOnce() {
        #expect(after(Self.away, other: true) == retry(in: .zero))
        #expect(after(Self.away) == retry(in: .seconds(60)))
        #expect(after(Self.away, attempts: 16, other: true) == .failed("provider_unavailable"))
    }

    @Test func nothingIsTriedAfterItsTime() {
        #expect(after(Self.busy, expiresIn: .seconds(60)) == .expired)
        #expect(after(Self.busy, expiresIn: .seconds(61)) == retry(in: .seconds(60)))
        #expect(after(.unknown(.init(.connectionLost)), expiresIn: .seconds(60)) == .outcomeUnknown)
    }

    @Test func whatIsUnknownIsRepeatedByTheSameProviderAndNeverCalledFailed() {
        let unknown = Outcome.unknown(.init(.connectionLost))
        #expect(after(unknown, other: true) == retry(in: .seconds(60)))
        #expect(after(unknown, attempts: 16) == .outcomeUnknown)
    }

    @Test(
        "who failed",
        arguments: [
            (FailureReason.providerUnavailable, "", true), (.providerUnavailable, "421 4.3.2", true),
            (.providerUnavailable, "451 4.3.0", false), (.rateLimited, "450 4.7.1", false), (.timeout, "", true),
            (.authenticationRefused, "535 5.7.8", true), (.addressRejected, "550 5.1.1", false),
            (.overloaded, "", false),
        ])
    func blame(reason: FailureReason, code: String, isProvider: Bool) {
        #expect(Outcome.temporary(.init(reason, code: code)).failsProvider == isProvider)
    }

    @Test func attemptsNameNobody() {
        let provider = ProviderID(unchecked: "relay")
        let failure = Outcome.Failure(
            .addressRejected, code: "550 5.1.1", detail: "<ann@example.com> unknown")
        let attempt = Outcome.permanent(failure).attempt(by: provider, from: Self.now, to: Self.now)
        #expect(attempt.outcome == .permanentFailure)
        #expect(attempt.code == "550 5.1.1")
        #expect(attempt.detail == "address_rejected")
        let taken = Outcome.delivered(.init(reference: "queued as 1", code: "250 2.0.0"))
            .attempt(by: provider, from: Self.now, to: Self.now)
        #expect(taken.outcome == .accepted)
        #expect(taken.providerMessageID == "queued as 1")
        #expect(taken.detail == nil)
    }
}
