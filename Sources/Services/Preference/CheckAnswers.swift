internal import CarillonAPI
internal import CarillonGRPC
internal import Telemetry

/// An answer of checks as it is sent, and how often it was given.
///
/// Confined to its loop.
final class PreparedAnswer {
    let message: PreparedMessage<Carillon_V1_CheckPreferenceResponse>
    private let answer: CheckAnswer
    private var times = 0

    /// Nil for what cannot be serialized.
    init?(_ answer: CheckAnswer) {
        guard let message = try? PreparedMessage(answer.message) else { return nil }
        self.message = message
        self.answer = answer
    }

    /// Takes note that it was given.
    func count() { times &+= 1 }

    /// Adds what was decided as often as it was given.
    func add(to counts: inout DecisionCounts) { counts.add(answer, times: times) }
}

/// The answers that were given lately, as they are sent, and how often each was: there are few different ones, and making one, or counting
/// what it tells of each channel, takes as long as deciding.
///
/// Confined to its loop.
final class CheckAnswers {
    private var prepared: [UInt64: PreparedAnswer] = [:]
    /// What was given of answers that are not kept.
    private var others = DecisionCounts()
    /// The most that are kept. There are some hundreds; nobody can make thousands.
    private let limit: Int

    /// - Parameter limit: the most answers that are kept.
    init(limit: Int = 4_096) {
        self.limit = limit
    }

    /// An answer ready to be sent, which counts when that is done; nil for one that is made anew each time, and counted by ``count(_:)``.
    func prepared(_ answer: CheckAnswer) -> PreparedAnswer? {
        guard let signature = answer.signature else { return nil }
        if let known = prepared[signature] { return known }
        guard let made = PreparedAnswer(answer) else { return nil }
        if prepared.count >= limit { drop() }
        prepared[signature] = made
        return made
    }

    /// An answer as a message, to be counted when it is given.
    func message(_ answer: CheckAnswer) -> Carillon_V1_CheckPreferenceResponse {
        prepared(answer)?.message.message ?? answer.message
    }

    /// Takes note that an answer was given.
    func count(_ answer: CheckAnswer) {
        if let prepared = prepared(answer) { prepared.count() } else { others.add(answer, times: 1) }
    }

    /// What was decided by all answers that were given, however and whenever.
    var counts: DecisionCounts {
        var counts = others
        for answer in prepared.values { answer.add(to: &counts) }
        return counts
    }

    private func drop() {
        others = counts
        prepared = [:]
    }
}
