import Testing

@testable import Domain

/// The engine and the reference say the same of every world.
@Suite struct ReferenceTests {
    /// What is learnt of a run of worlds.
    private struct Findings: Sendable {
        /// In how many worlds each reason was given, of the whole or of a channel.
        var counts: [Reason: Int] = [:]
        /// What to tell of the first world on which the two differ, made small.
        var failure: String?
    }

    private static let worlds: UInt64 = 100_000
    /// How often each reason must come up for the agreement to mean something.
    private static let enough = 50

    @Test func engineAndReferenceAgree() async {
        let halves = [0..<Self.worlds / 2, Self.worlds / 2..<Self.worlds]
        var counts: [Reason: Int] = [:]
        var hasFailed = false
        await withTaskGroup(of: Findings.self) { group in
            for seeds in halves { group.addTask(priority: .background) { await Self.findings(seeds) } }
            for await findings in group {
                if let failure = findings.failure {
                    Issue.record("\(failure)")
                    hasFailed = true
                }
                counts.merge(findings.counts) { $0 + $1 }
            }
        }
        // Who stopped at a failure has not counted all.
        for reason in Reason.allCases where !hasFailed {
            let count = counts[reason] ?? 0
            #expect(count >= Self.enough, "\(reason.rawValue) came up in \(count) worlds")
        }
    }

    private static func findings(_ seeds: Range<UInt64>) async -> Findings {
        var findings = Findings()
        for seed in seeds {
            // Other tests have clocks that run: they come first.
            await Task.yield()
            let world = WorldGenerator.world(seed)
            let engine = Outcome(engine: world)
            for reason in engine.reasons { findings.counts[reason, default: 0] += 1 }
            guard engine != Outcome(reference: world) else { continue }
            findings.failure = "seed \(seed)\n" + report(Shrinking.smallest(world, where: differs))
            return findings
        }
        return findings
    }

    private static func differs(_ world: World) -> Bool { Outcome(engine: world) != Outcome(reference: world) }

    private static func report(_ world: World) -> String {
        world.text + "\n" + Outcome.differences(engine: Outcome(engine: world), reference: Outcome(reference: world))
    }
}

extension Outcome {
    /// The reasons given, each once. The stranger, of whom every world says the same, is left out.
    fileprivate var reasons: Set<Reason> {
        var reasons: Set<Reason> = []
        for entry in resolved + asked where entry.recipient != .user(Self.stranger) {
            reasons.insert(entry.answer.reason)
            for channel in Channel.allCases {
                if let decision = entry.answer.channels[channel] { reasons.insert(decision.reason) }
            }
        }
        return reasons
    }
}
