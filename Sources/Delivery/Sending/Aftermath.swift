internal import Channels
internal import Domain
internal import Storage

/// What follows from a try to hand a message to a provider: pure.
struct Aftermath {
    let policy: RetryPolicy
    let now: Instant
    /// 0..<1.
    let randomness: Double

    /// What becomes of the delivery.
    ///
    /// - Parameters:
    ///   - outcome: how the try ended.
    ///   - attempts: how many attempts were made, this one included.
    ///   - expiresAt: after this it is not worth sending.
    ///   - hasOtherProvider: whether another provider may be tried at once.
    func resolution(
        of outcome: Outcome, attempts: Int, expiresAt: Instant?, hasOtherProvider: Bool
    ) -> DeliveryResult.Resolution {
        let mayGoElsewhere = outcome.failsProvider && hasOtherProvider
        switch outcome {
        case .delivered:
            return .delivered
        case .permanent(let failure) where !mayGoElsewhere:
            return .failed(failure.reason.rawValue)
        case .permanent(let failure), .temporary(let failure):
            let again = retry(failure, attempts, mayGoElsewhere)
            guard let again else { return .failed(failure.reason.rawValue) }
            return isTooLate(again, expiresAt) ? .expired : .retry(at: again)
        case .unknown(let failure):
            // It may have arrived, so another provider, which cannot know the Message-ID, is no help.
            guard let again = retry(failure, attempts, false), !isTooLate(again, expiresAt) else {
                return .outcomeUnknown
            }
            return .retry(at: again)
        }
    }

    /// What becomes of each delivery in a parcel. Those that are tried again are tried again together, so that they stay one message;
    /// one that has had all of its attempts ends, and does not end the others.
    func resolutions(
        of outcome: Outcome, for items: [Parcel.Item], hasOtherProvider: Bool
    ) -> [DeliveryResult.Resolution] {
        let most = items.map { Int($0.attempts) }.max() ?? 0
        // Before the last attempt that anything may have, so that there is a time for those who have attempts left.
        let together = resolution(
            of: outcome, attempts: min(most + 1, max(policy.attempts - 1, 1)), expiresAt: nil,
            hasOtherProvider: hasOtherProvider)
        return items.map { item in
            let own = resolution(
                of: outcome, attempts: Int(item.attempts) + 1, expiresAt: nil, hasOtherProvider: hasOtherProvider)
            guard case .retry = own, case .retry(let again) = together else { return own }
            guard isTooLate(again, item.expiresAt) else { return together }
            if case .unknown = outcome { return .outcomeUnknown }
            return .expired
        }
    }

    private func retry(_ failure: Outcome.Failure, _ attempts: Int, _ atOnce: Bool) -> Instant? {
        guard let pause = policy.pause(after: attempts, asked: failure.retryAfter, randomness: randomness) else {
            return nil
        }
        // A failure of the provider says nothing of the message: the next provider may have it at once.
        return atOnce ? now : now.advanced(by: pause)
    }

    private func isTooLate(_ time: Instant, _ expiresAt: Instant?) -> Bool { expiresAt.map { $0 <= time } ?? false }
}

extension Outcome {
    /// Whether other messages would meet the same failure: the provider could not be reached, will have none of us, or asks
    /// for a pause. Then it rests, and another may take over.
    ///
    /// A relay that says 450, 451 or 452 has answered: it speaks of this message or its recipient (greylisting, a full
    /// or busy mailbox), and others may pass.
    var failsProvider: Bool {
        guard let failure, failure.reason.concernsProvider else { return false }
        return !["450", "451", "452"].contains(failure.code.prefix(3))
    }

    /// Whether the try ended for reasons of our own, so that it says nothing of provider or message and is no attempt.
    var isOurOwnDoing: Bool {
        guard case .temporary(let failure) = self else { return false }
        return failure.reason == .cancelled || failure.reason == .overloaded
    }

    /// The attempt to be recorded. What the provider said in words is left out: it may name the recipient.
    func attempt(by provider: ProviderID, from start: Instant, to end: Instant) -> NewAttempt {
        let outcome: AttemptOutcome =
            switch self {
            case .delivered: .accepted
            case .temporary: .temporaryFailure
            case .permanent: .permanentFailure
            case .unknown: .unknown
            }
        var (code, reference): (String, String?) = (failure?.code ?? "", nil)
        if case .delivered(let acceptance) = self { (code, reference) = (acceptance.code, acceptance.reference) }
        return NewAttempt(
            provider: provider, outcome: outcome, code: code.isEmpty ? nil : code, detail: failure?.reason.rawValue,
            providerMessageID: reference.flatMap { $0.isEmpty ? nil : $0 }, startedAt: start, finishedAt: end)
    }
}
