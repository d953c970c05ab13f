import Testing

@testable import CarillonNet

/// What a peer may do, as transcripts.
@Suite struct ConnectionBudgetTests {
    private func limits() -> HTTP2Limits {
        var limits = HTTP2Limits()
        limits.idleFrameBurst = 20
        limits.idleFramesPerSecond = 10
        limits.hastyResetBurst = 5
        limits.hastyResetsPerSecond = 1
        limits.provokedResetBurst = 3
        limits.provokedResetsPerSecond = 1
        return limits
    }

    @Test func framesWithoutCallsRunOutAndComeBack() {
        var budget = ConnectionBudget(limits())
        let flood = (0..<21).map { _ in budget.idleFrame(at: .at(0)) }
        #expect(flood.dropLast().allSatisfy { $0 == nil })
        #expect(flood.last == .idleFrames)
        let later = [0.11, 0.12].map { budget.idleFrame(at: .at($0)) }
        #expect(later == [nil, .idleFrames])
    }

    /// A client that answers each frame of ours with two window updates and a PING, ten thousand times in no time.
    @Test func goodTrafficPaysForItself() {
        var budget = ConnectionBudget(limits())
        var refused = 0
        for _ in 0..<10_000 {
            budget.frameOfCall()
            for _ in 0..<4 where budget.idleFrame(at: .at(0)) != nil { refused += 1 }
        }
        #expect(refused == 0)
        // And yet nobody saves up more than a burst.
        for _ in 0..<1000 { budget.frameOfCall() }
        let saved = (0..<1000).filter { _ in budget.idleFrame(at: .at(0)) == nil }.count
        #expect(saved == 20)
    }

    @Test func aHeaderListThatIsThrownAwayCostsMore() {
        var budget = ConnectionBudget(limits())
        let answers = (0..<3).map { _ in budget.oversizedHeaderList(at: .at(0)) }
        #expect(answers == [nil, nil, .idleFrames])
    }

    @Test func hastyResetsEndTheConnectionAndCancelledCallsDoNot() {
        var budget = ConnectionBudget(limits())
        let cancelled = (0..<10_000).compactMap { _ in budget.resetByPeer(isHasty: false, at: .at(0)) }
        #expect(cancelled.isEmpty)
        let hasty = (0..<6).map { _ in budget.resetByPeer(isHasty: true, at: .at(0)) }
        #expect(hasty == [nil, nil, nil, nil, nil, .hastyResets])
    }

    @Test func whoseCallsMostlyEndWellMayCancelInHasteToo() {
        var budget = ConnectionBudget(limits())
        let refused = (0..<1000).compactMap { _ -> ConnectionAbuse? in
            budget.streamCompleted()
            return budget.resetByPeer(isHasty: true, at: .at(0))
        }
        #expect(refused.isEmpty)
    }

    @Test func errorsOnStreamsAreCountedAndNotForgivenByGoodCalls() {
        var budget = ConnectionBudget(limits())
        let answers = (0..<4).map { _ -> ConnectionAbuse? in
            budget.streamCompleted()
            budget.frameOfCall()
            return budget.resetProvoked(at: .at(0))
        }
        #expect(answers == [nil, nil, nil, .provokedResets])
    }
}

@Suite struct PingStrikesTests {
    @Test func theThirdStrikeEndsTheConnection() {
        var strikes = PingStrikes(interval: .seconds(300), permitsWithoutStreams: false)
        let answers = [0.0, 1, 2, 3].map { strikes.received(at: .at($0), hasStreams: true) }
        #expect(answers == [nil, nil, nil, .pings])
    }

    @Test func patientPingsAreNoStrikes() {
        var strikes = PingStrikes(interval: .seconds(10), permitsWithoutStreams: true)
        let answers = (0..<100).compactMap { strikes.received(at: .at(Double($0) * 10), hasStreams: false) }
        #expect(answers.isEmpty)
    }

    @Test func answersOfOursForgive() {
        var strikes = PingStrikes(interval: .seconds(300), permitsWithoutStreams: false)
        // A client that measures the bandwidth after each answer.
        let measuring = (0..<1000).compactMap { round -> ConnectionAbuse? in
            strikes.sentPartOfCall()
            return strikes.received(at: .at(Double(round) / 1000), hasStreams: true)
        }
        #expect(measuring.isEmpty)
        let after = [1.0, 1.1, 1.2].map { strikes.received(at: .at($0), hasStreams: true) }
        #expect(after == [nil, nil, .pings])
    }

    @Test func withoutStreamsTwoHoursAreWanted() {
        var strikes = PingStrikes(interval: .seconds(10), permitsWithoutStreams: false)
        let answers = [0.0, 60, 120, 180].map { strikes.received(at: .at($0), hasStreams: false) }
        #expect(answers == [nil, nil, nil, .pings])
        var patient = PingStrikes(interval: .seconds(10), permitsWithoutStreams: false)
        let hourly = (0..<10).compactMap { patient.received(at: .at(Double($0) * 7200), hasStreams: false) }
        #expect(hourly.isEmpty)
    }
}

@Suite struct RecentStreamsTests {
    @Test func tellsClosedFromNeverOpenedFromLate() {
        var recent = RecentStreams()
        for id: Int32 in [1, 3, 7, 9] { recent.opened(id) }
        recent.reset(7)
        #expect([1, 3, 5, 7, 9].map { recent.find($0) } == [.closed, .closed, .neverOpened, .late, .closed])
        // Far below nobody can tell any more: closed, which is a connection error too.
        recent.opened(1001)
        #expect([5, 7, 9, 999].map { recent.find($0) } == [.closed, .late, .closed, .neverOpened])
    }

    @Test func remembersAThousandResets() {
        var recent = RecentStreams()
        for index: Int32 in 0..<2000 {
            recent.opened(index * 2 + 1)
            recent.reset(index * 2 + 1)
        }
        #expect(recent.find(3999) == .late)
        #expect(recent.find((2000 - Int32(RecentStreams.limit)) * 2 + 1) == .late)
        #expect(recent.find((2000 - Int32(RecentStreams.limit)) * 2 - 1) == .closed)
    }
}
