internal import CarillonNet
internal import Domain

/// Which of one tenant's providers are given a rest because they could not be reached or asked for it.
///
/// After a failure of the provider itself (not of one message) it rests, longer each time. When a rest is over, one
/// message tries; the others go on waiting for its outcome.
struct ProviderRests {
    /// The first rest; it doubles with each further failure.
    static let firstRest: Duration = .seconds(1)
    /// The longest rest.
    static let longestRest: Duration = .seconds(60)

    private struct Rest {
        var failures = 0
        var until: MonotonicTime
        var isTried = false
    }

    private var rests: [ProviderID: Rest] = [:]

    /// Whether the provider could have a message now.
    func isAwake(_ provider: ProviderID, at now: MonotonicTime) -> Bool {
        guard let rest = rests[provider] else { return true }
        return rest.until <= now && !rest.isTried
    }

    /// Takes the provider for one message, if it may have one now.
    mutating func take(_ provider: ProviderID, at now: MonotonicTime) -> Bool {
        guard isAwake(provider, at: now) else { return false }
        rests[provider]?.isTried = true
        return true
    }

    /// The provider has answered, whatever it said of the message.
    mutating func answered(_ provider: ProviderID) {
        rests[provider] = nil
    }

    /// The provider could not be reached, or asks for a pause.
    ///
    /// - Returns: how long it rests from now on.
    @discardableResult
    mutating func failed(
        _ provider: ProviderID, at now: MonotonicTime, asked: Duration? = nil, randomness: Double
    ) -> Duration {
        var rest = rests[provider] ?? Rest(until: now)
        // Messages that were on their way together fail together; that counts once.
        if rest.until > now, !rest.isTried { return now.duration(to: rest.until) }
        let longest = min(Self.firstRest * (1 << min(rest.failures, 10)), Self.longestRest)
        let drawn = longest / 2 + longest / 2 * min(max(randomness, 0), 1)
        let pause = min(max(drawn, asked ?? drawn), Self.longestRest)
        rest.failures += 1
        rest.until = now.advanced(by: pause)
        rest.isTried = false
        rests[provider] = rest
        return pause
    }

    /// The message that tried the provider never got to an answer, for reasons of ours: another may try.
    mutating func gaveUp(_ provider: ProviderID) {
        rests[provider]?.isTried = false
    }

    /// How long until one of these providers may be tried.
    func wait(for providers: [ProviderID], at now: MonotonicTime) -> Duration {
        let waits = providers.map { provider -> Duration in
            guard let rest = rests[provider] else { return .zero }
            return rest.until <= now ? Self.firstRest : now.duration(to: rest.until)
        }
        return waits.min() ?? .zero
    }

    /// Forgets providers that are configured no more.
    mutating func keep(only providers: Set<ProviderID>) {
        rests = rests.filter { providers.contains($0.key) }
    }
}
