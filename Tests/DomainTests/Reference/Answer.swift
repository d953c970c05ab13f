@testable import Domain

/// What both sides are asked to agree on: the reason of the whole, and the verdict and reason on each channel.
struct Answer: Hashable {
    let reason: Reason
    let channels: PerChannel<ChannelDecision?>

    init(reason: Reason, channels: PerChannel<ChannelDecision?>) {
        self.reason = reason
        self.channels = channels
    }

    init(_ decision: Decision) { self.init(reason: decision.reason, channels: decision.channels) }

    /// The same refusal on all of these channels.
    init(refusal reason: Reason, on channels: [Channel]) {
        var verdicts = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in channels { verdicts[channel] = ChannelDecision(.suppress(reason), reason) }
        self.init(reason: reason, channels: verdicts)
    }

    /// Whether anything is sent, now or later.
    var tells: Bool { Channel.allCases.contains { channels[$0]?.verdict.isPositive == true } }
}
