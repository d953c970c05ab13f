internal import Domain

/// The numbers that decisions at one place are counted by: one for each verdict, reason and channel, found by arithmetic.
enum DecisionSeries {
    /// The values of the label `verdict`.
    private static let verdicts = ["deliver", "defer", "digest", "suppress"]
    /// See ``Reason/index``.
    private static let reasons = 64

    /// How many there are, those included that no decision leads to.
    static let count = Channel.allCases.count * verdicts.count * reasons

    /// The place of a decision among them.
    static func index(of decided: ChannelDecision, on channel: Channel) -> Int {
        (channel.index * verdicts.count + index(of: decided.verdict)) * reasons + Int(decided.reason.index)
    }

    /// The values of the labels behind the first, of a place that a decision led to.
    static func labels(of index: Int) -> (verdict: String, reason: String, channel: String) {
        let (verdict, channel) = (index / reasons % verdicts.count, index / reasons / verdicts.count)
        return (verdicts[verdict], Reason.allCases[index % reasons].rawValue, Channel.allCases[channel].rawValue)
    }

    private static func index(of verdict: Verdict) -> Int {
        switch verdict {
        case .deliver: 0
        case .defer: 1
        case .digest: 2
        case .suppress: 3
        }
    }
}
