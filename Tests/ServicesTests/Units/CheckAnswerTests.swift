import CarillonAPI
import Domain
import Telemetry
import Testing

@testable import Services

@Suite("Prepared answers of checks, and how often they were given")
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

    private static func counts(_ answers: CheckAnswers) -> [[String]: Int] {
        var counts: [[String]: Int] = [:]
        answers.counts.visit { labels, count in counts[[labels.verdict, labels.reason, labels.channel]] = count }
        return counts
    }

    @Test("an answer counts when it is given, and once for each channel that it tells of")
    func given() {
        let answers = CheckAnswers()
        let both = Self.answer([.inApp, .email]) { channel in
            channel == .inApp ? ChannelDecision(.deliver, .optedIn) : .suppressed(.hardBounce)
        }
        let one = Self.answer([.email]) { _ in .suppressed(.hardBounce) }
        let later = Self.answer([.email]) { _ in ChannelDecision(.defer(until: Instant(seconds: 1)), .quietHours) }
        #expect(answers.prepared(both) === answers.prepared(both))
        #expect(answers.message(both).channels.count == 2 && answers.message(later).channels.count == 1)
        #expect(Self.counts(answers).isEmpty)
        answers.prepared(both)?.count()
        for answer in [both, one, later] { answers.count(answer) }
        #expect(
            Self.counts(answers) == [
                ["deliver", "opted_in", "in_app"]: 2, ["suppress", "address_suppressed:hard_bounce", "email"]: 3,
                ["defer", "quiet_hours", "email"]: 1,
            ])
    }

    @Test("what was counted stays when answers are dropped for others")
    func dropped() {
        let answers = CheckAnswers(limit: 2)
        let few = Reason.allCases.prefix(7)
        for round in 1...3 {
            for reason in few { answers.count(Self.answer([.push]) { _ in .suppressed(reason) }) }
            #expect(
                Self.counts(answers)
                    == Dictionary(uniqueKeysWithValues: few.map { (["suppress", $0.rawValue, "push"], round) }))
        }
    }
}
