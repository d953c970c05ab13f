import Domain
import Prometheus
import Telemetry
import Testing

@Suite("Counters of decisions")
struct CounterTests {
    private static func registry() -> MetricRegistry {
        MetricRegistry([
            MetricFamily(DecisionCounters.name, .counter, "Decisions.", labels: DecisionCounters.labels),
            MetricFamily(PublishCounters.eventsName, .counter, "Events."),
            MetricFamily(PublishCounters.dutiesName, .counter, "Duties.", labels: ["to"]),
        ])
    }

    private static func lines(_ registry: MetricRegistry) async -> Set<String> {
        let text = String(decoding: await registry.text(), as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") })
    }

    @Test("Every decision there can be has a counter of its own")
    func allDecisions() async {
        let registry = Self.registry()
        let now = Instant(seconds: 1_700_000_000)
        let window = DigestWindow(cadence: .daily, opens: now, closes: now)
        var expected: Set<String> = []
        for place in DecisionPlace.allCases {
            let counters = DecisionCounters(place, registry)
            for channel in Channel.allCases {
                for reason in Reason.allCases {
                    let verdicts: [(Verdict, String)] = [
                        (.deliver, "deliver"), (.defer(until: now), "defer"), (.digest(window), "digest"),
                        (.suppress(reason), "suppress"),
                    ]
                    for (number, (verdict, word)) in verdicts.enumerated() {
                        for _ in 0...number { counters.count(ChannelDecision(verdict, reason), on: channel) }
                        expected.insert(
                            "carillon_decisions_total{where=\"\(place.rawValue)\",verdict=\"\(word)\","
                                + "reason=\"\(reason.rawValue)\",channel=\"\(channel.rawValue)\"} \(number + 1)")
                    }
                }
            }
        }
        let lines = await Self.lines(registry).filter { $0.hasPrefix("carillon_decisions_total") }
        // There is room for more series of one name than decisions can make.
        #expect(lines.count <= MetricLimits().seriesPerFamily)
        #expect(lines.isSubset(of: expected))
        #expect(lines == expected, "\(expected.subtracting(lines).count) are missing")
    }

    @Test("Loops that count the same add up")
    func loops() async {
        let registry = Self.registry()
        for _ in 0..<3 {
            DecisionCounters(.check, registry).count(ChannelDecision(.deliver, .optedIn), on: .push)
        }
        #expect(
            await Self.lines(registry).contains(
                #"carillon_decisions_total{where="check",verdict="deliver",reason="opted_in",channel="push"} 3"#))
    }

    @Test("Counts of one loop tell every decision there can be apart, and add up with another's")
    func counts() {
        let now = Instant(seconds: 1_700_000_000)
        let window = DigestWindow(cadence: .daily, opens: now, closes: now)
        var (counts, others) = (DecisionCounts(), DecisionCounts())
        var expected: [[String]: Int] = [:]
        for channel in Channel.allCases {
            for reason in Reason.allCases {
                let verdicts: [(Verdict, String)] = [
                    (.deliver, "deliver"), (.defer(until: now), "defer"), (.digest(window), "digest"),
                    (.suppress(reason), "suppress"),
                ]
                for (verdict, word) in verdicts {
                    let times = expected.count
                    counts.add(ChannelDecision(verdict, reason), on: channel, times: times)
                    others.add(ChannelDecision(verdict, reason), on: channel)
                    expected[[word, reason.rawValue, channel.rawValue]] = times + 1
                }
            }
        }
        counts.add(others)
        var visited: [[String]: Int] = [:]
        counts.visit { labels, count in visited[[labels.verdict, labels.reason, labels.channel]] = count }
        #expect(visited == expected)
        DecisionCounts().visit { labels, _ in Issue.record("\(labels) was never decided") }
    }

    @Test("Duties that moved are counted by whom they moved to")
    func duties() async {
        let registry = Self.registry()
        let counters = PublishCounters(registry)
        let user = Recipient.user(UserID(unchecked: "ann"))
        counters.countEvent()
        counters.count(user, .mandatoryForStandIn)
        counters.count(user, .mandatoryForDefaultUser)
        counters.count(.mailbox(nil), .mandatoryForStandIn)
        counters.count(.nobody(nil), .noEligibleRecipient)
        counters.count(.nobody(nil), .noEligibleRecipient)
        let lines = await Self.lines(registry)
        #expect(
            lines.isSuperset(of: [
                "carillon_events_published_total 1", #"carillon_duties_moved_total{to="stand_in"} 1"#,
                #"carillon_duties_moved_total{to="mailbox"} 1"#, #"carillon_duties_moved_total{to="nobody"} 2"#,
            ]))
    }
}
