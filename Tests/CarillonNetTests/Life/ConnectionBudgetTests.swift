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

    @Test func octetsOfBodiesEarnInProportion() {
        var budget = ConnectionBudget(limits())
        for _ in 0..<20 { _ = budget.idleFrame(at: .at(0)) }
        // Small messages cost nothing and pay for nothing.
        let small = (0..<100_000).compactMap { _ in budget.data(5, at: .at(0)) }
        #expect(small.isEmpty)
        let none = budget.idleFrame(at: .at(0))
        #expect(none == .idleFrames)
        _ = budget.data(600, at: .at(0))
        let two = (0..<3).map { _ in budget.idleFrame(at: .at(0)) }
        #expect(two == [nil, nil, .idleFrames])
        _ = budget.data(16_384, at: .at(0))
        let four = (0..<5).map { _ in budget.idleFrame(at: .at(0)) }
        #expect(four == [nil, nil, nil, nil, .idleFrames])
    }

    @Test func framesOfPaddingAndTrailersPayForThemselves() {
        var budget = ConnectionBudget(limits())
        let padding = (0..<21).map { _ in budget.data(0, at: .at(0)) }
        #expect(padding.last == .idleFrames)
        var other = ConnectionBudget(limits())
        let dropped = (0..<6).map { _ in other.trailers(at: .at(0)) }
        #expect(dropped == [nil, nil, nil, nil, nil, .idleFrames])
    }

    @Test func aHeaderListThatIsThrownAwayCostsMore() {
        var budget = ConnectionBudget(limits())
        let answers = (0..<3).map { _ in budget.wastedHeaders(at: .at(0)) }
        #expect(answers == [nil, nil, .idleFrames])
    }

    /// Twenty tokens: what is decoded for nothing costs by its octets.
    @Test func whatIsThrownAwayCostsByItsSize() {
        var lists = ConnectionBudget(limits())
        #expect((0..<3).map { _ in lists.discarded(8 << 10, at: .at(0)) } == [nil, nil, .idleFrames])
        var blocks = ConnectionBudget(limits())
        #expect(blocks.lateHeaders(0, at: .at(0)) == nil)
        #expect((0..<3).map { _ in blocks.lateContinuation(160, at: .at(0)) } == [nil, nil, .idleFrames])
        var block = ConnectionBudget(limits())
        #expect(block.lateHeaders(11 << 5, at: .at(0)) == .idleFrames)
        var data = ConnectionBudget(limits())
        #expect((0..<3).map { _ in data.lateData(9 << 10, at: .at(0)) } == [nil, nil, .idleFrames])
    }

    @Test func aWindowThatIsIgnoredCostsAsMuchAsTenErrors() {
        var limits = limits()
        limits.provokedResetBurst = 25
        var budget = ConnectionBudget(limits)
        #expect((0..<3).map { _ in budget.windowIgnored(at: .at(0)) } == [nil, nil, .provokedResets])
        #expect(budget.resetProvoked(at: .at(0)) == nil)
    }

    @Test func hastyResetsEndTheConnectionAndCancelledCallsDoNot() {
        var budget = ConnectionBudget(limits())
        let cancelled = (0..<9_000).compactMap { _ in budget.resetByPeer(.late, at: .at(0)) }
        #expect(cancelled.isEmpty)
        let hasty = (0..<6).map { _ in budget.resetByPeer(.hasty, at: .at(0)) }
        #expect(hasty == [nil, nil, nil, nil, nil, .hastyResets])
        // Not even those go on for ever.
        let more = (0..<1000).map { _ in budget.resetByPeer(.late, at: .at(0)) }
        #expect(more.first == .some(nil))
        #expect(more.last == .hastyResets)
    }

    @Test func briefResetsHaveALargerBucketThanHastyOnes() {
        var limits = limits()
        (limits.briefResetBurst, limits.briefResetsPerSecond) = (20, 10)
        var budget = ConnectionBudget(limits)
        let brief = (0..<21).map { _ in budget.resetByPeer(.brief, at: .at(0)) }
        #expect(brief.dropLast().allSatisfy { $0 == nil })
        #expect(brief.last == .hastyResets)
        // A deadline of 50 ms that each call misses, fewer than ten a second.
        let later = (1...100).compactMap { budget.resetByPeer(.brief, at: .at(Double($0) * 0.11)) }
        #expect(later.isEmpty)
    }

    @Test func whoseCallsMostlyEndWellMayCancelInHasteToo() {
        var budget = ConnectionBudget(limits())
        let refused = (0..<1000).compactMap { _ -> ConnectionAbuse? in
            budget.streamCompleted()
            return budget.resetByPeer(.hasty, at: .at(0)) ?? budget.resetByPeer(.brief, at: .at(0))
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

    @Test func whatTheClientHasEndedIsNoLongerUnderWay() {
        var recent = RecentStreams()
        for id: Int32 in [1, 3] { recent.opened(id) }
        recent.reset(1)
        recent.reset(3)
        recent.ended(1)
        recent.ended(1)
        #expect([1, 3].map { recent.find($0) } == [.closed, .late])
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

@Suite struct LateFramesTests {
    @Test func asMuchMayComeLateAsFlowControlLets() {
        var limits = HTTP2Limits()
        (limits.streamWindow, limits.connectionWindow) = (1000, 2500)
        var late = LateFrames(limits, ofClient: true)
        let unasked = late.covers(1)
        #expect(!unasked)
        for _ in 0..<10 { late.reset() }
        let octets = [1000, 1000, 501, 500, 1, 0].map { late.covers($0) }
        #expect(octets == [true, true, false, true, false, false])
        let block = late.coversBlock()
        #expect(!block)
    }

    @Test func aClientThatCancelsExpectsAnswers() {
        var late = LateFrames(HTTP2Limits(), ofClient: false)
        late.reset()
        let blocks = (0..<3).map { _ in late.coversBlock() }
        #expect(blocks == [true, true, false])
    }
}
