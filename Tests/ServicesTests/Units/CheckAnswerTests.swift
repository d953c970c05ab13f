import CarillonAPI
import Domain
import Testing

@testable import Services

@Suite("Prepared answers of checks")
struct CheckAnswerTests {
    private static func answer(_ channels: [Channel], _ decide: (Channel) -> ChannelDecision) -> CheckAnswer {
        var decided = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in channels { decided[channel] = decide(channel) }
        return CheckAnswer(channels: channels, decided: decided)
    }

    @Test("two answers have one signature if and only if they look the same")
    func signatures() throws {
        var seen: [UInt64: Carillon_V1_CheckPreferenceResponse] = [:]
        var count = 0
        let orders: [[Channel]] = [
            [], [.email], [.inApp], [.email, .inApp], [.inApp, .email], [.email, .push, .sms], Channel.allCases,
            [.sms, .webhook, .push, .inApp, .email],
        ]
        for channels in orders {
            for reason in Reason.allCases {
                for other in [Reason.subscribedByDefault, .optedOut, reason] {
                    for isPositive in [true, false] {
                        let answer = Self.answer(channels) { channel in
                            guard channel == channels.last else { return .suppressed(other) }
                            return isPositive ? ChannelDecision(.deliver, reason) : .suppressed(reason)
                        }
                        count += 1
                        let signature = try #require(answer.signature)
                        if let known = seen[signature] { #expect(known == answer.message) }
                        seen[signature] = answer.message
                    }
                }
            }
        }
        #expect(count > 1_500)
        #expect(Set(seen.values.map { "\($0)" }).count == seen.count)
    }

    @Test("what tells of a time is made anew")
    func times() {
        let later = Self.answer([.email]) { _ in ChannelDecision(.defer(until: Instant(seconds: 9)), .quietHours) }
        #expect(later.signature == nil && CheckAnswers().prepared(later) == nil)
        #expect(CheckAnswers().message(later).channels.map(\.verdict) == [.defer])
    }
}
