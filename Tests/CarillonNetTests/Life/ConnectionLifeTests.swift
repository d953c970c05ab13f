import Testing

@testable import CarillonNet

/// The times of a connection, as transcripts.
@Suite struct ConnectionLifeTests {
    /// As `#expect` does, for values of mutating calls, which the macro does not take.
    private func expect<Step: Equatable>(
        _ found: Step, _ wanted: Step, differs: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect((found == wanted) != differs, "\(found)", sourceLocation: sourceLocation)
    }

    @Test func aSilentPeerIsAskedAndTakenForDeadWithoutAnAnswer() {
        var clock = KeepaliveClock(time: .seconds(100), timeout: .seconds(20))
        expect(clock.look(at: .at(0), lastReceived: .at(0)), .wait(until: .at(100)))
        expect(clock.look(at: .at(100), lastReceived: .at(50)), .wait(until: .at(150)))
        expect(clock.look(at: .at(150), lastReceived: .at(50)), .ping)
        expect(clock.look(at: .at(150), lastReceived: .at(50)), .wait(until: .at(170)))
        // Any octet is an answer.
        expect(clock.look(at: .at(170), lastReceived: .at(160)), .wait(until: .at(260)))
        expect(clock.look(at: .at(260), lastReceived: .at(160)), .ping)
        expect(clock.look(at: .at(280), lastReceived: .at(160)), .dead)
        // Who may not ask has nothing to wait for, but still waits for an answer.
        expect(clock.look(at: .at(400), lastReceived: .at(281), asks: false), .wait(until: .distantFuture))
        expect(clock.look(at: .at(400), lastReceived: .at(281)), .ping)
        expect(clock.look(at: .at(410), lastReceived: .at(281), asks: false), .wait(until: .at(420)))
        expect(clock.look(at: .at(420), lastReceived: .at(281), asks: false), .dead)
        var never = KeepaliveClock(time: nil, timeout: .seconds(20))
        expect(never.look(at: .at(1_000_000), lastReceived: .at(0)), .wait(until: .distantFuture))
    }

    @Test(arguments: [(0.0, 900.0), (0.5, 1000.0), (1.0, 1100.0)])
    func anAgedConnectionDrainsAndThenEnds(chance: Double, end: Double) {
        var limits = HTTP2Limits()
        limits.maxAge = .seconds(1000)
        limits.ageGrace = .seconds(30)
        var age = ConnectionAge(limits, bornAt: .at(0), chance: chance)
        expect(age.look(at: .at(end - 1), idleSince: nil), .drain(.maxAge), differs: true)
        expect(age.look(at: .at(end), idleSince: nil), .drain(.maxAge))
        expect(age.look(at: .at(end), idleSince: nil), .wait(until: .at(end + 30)))
        expect(age.look(at: .at(end + 30), idleSince: .at(end)), .end)
    }

    @Test func anIdleConnectionDrains() {
        var limits = HTTP2Limits()
        limits.maxIdle = .seconds(60)
        var age = ConnectionAge(limits, bornAt: .at(0), chance: 0.5)
        expect(age.look(at: .at(0), idleSince: .at(0)), .wait(until: .at(60)))
        expect(age.look(at: .at(60), idleSince: nil), .wait(until: .at(120)))
        expect(age.look(at: .at(120), idleSince: .at(100)), .wait(until: .at(160)))
        expect(age.look(at: .at(160), idleSince: .at(100)), .drain(.maxIdle))
        expect(age.look(at: .at(1000), idleSince: .at(100)), .wait(until: .distantFuture))
    }

    @Test func eachThingThatIsOwedHasItsTime() {
        let limits = HTTP2Limits()
        var life = ConnectionLife(limits, bornAt: .at(0), chance: 0.5)
        var facts = ConnectionLife.Facts(now: .at(0), lastReceived: .at(0))
        expect(life.look(facts, limits), .wait(until: .at(7200)))
        facts.settingsSince = .at(0)
        expect(life.look(facts, limits), .wait(until: .at(10)))
        facts.headerBlockSince = .at(-5)
        expect(life.look(facts, limits), .wait(until: .at(5)))
        facts.hasStreams = true
        expect(life.look(facts, limits), .wait(until: .at(2)))
        facts.now = .at(5)
        expect(life.look(facts, limits), .end(.enhanceYourCalm, "a header block did not end in time"))
        facts.headerBlockSince = nil
        facts.now = .at(10)
        expect(life.look(facts, limits), .end(.settingsTimeout, "the peer did not acknowledge SETTINGS in time"))
        facts.settingsSince = nil
        facts.blockedSince = .at(10)
        facts.now = .at(70)
        expect(life.look(facts, limits), .end(.enhanceYourCalm, "the peer does not read"))
        // A client waits for a server that does not read.
        var patient = limits
        patient.outputStall = nil
        expect(life.look(facts, patient), .wait(until: .at(72)))
    }

    @Test func theEndOfAnAgedConnectionIsNobodysFault() {
        var limits = HTTP2Limits()
        (limits.maxAge, limits.ageGrace) = (.seconds(1000), .seconds(30))
        var life = ConnectionLife(limits, bornAt: .at(0), chance: 0.5)
        expect(life.look(.init(now: .at(1000), lastReceived: .at(1000)), limits), .drain(.maxAge))
        expect(life.look(.init(now: .at(1000), lastReceived: .at(1000)), limits), .wait(until: .at(1030)))
        expect(life.look(.init(now: .at(1030), lastReceived: .at(1000)), limits), .endOfAge)
    }

    @Test func anAnswerThatNobodyTakesStandsStill() {
        var pace = TransferPace()
        func stalled(_ sent: Int, _ waiting: Int, _ second: Double) -> Bool {
            pace.isOutputStalled(sent: sent, waiting: waiting, stall: .seconds(60), at: .at(second))
        }
        expect(stalled(0, 5000, 0), false)
        expect(stalled(0, 5000, 59), false)
        // A KiB was taken: the time begins anew.
        expect(stalled(1024, 4000, 59.5), false)
        expect(stalled(1024, 4000, 119), false)
        // An octet now and then is no movement.
        expect(stalled(1030, 3994, 119.5), true)
        // Nothing waits: nothing stands still, for however long.
        expect(stalled(5024, 0, 200), false)
        expect(stalled(5024, 100, 1000), false)
        expect(stalled(5024, 100, 1060), true)
    }

    @Test func aBodyMayBeginSlowlyAndMustNotStaySo() {
        let limits = HTTP2Limits()
        func slow(_ received: Int, _ seconds: Double) -> Bool {
            TransferPace.isInputTooSlow(received: received, age: .seconds(seconds), limits)
        }
        #expect(!slow(0, 10))
        #expect(slow(11, 11))
        #expect(!slow(256, 11))
        // A pause in a fast upload is none.
        #expect(!slow(20_000, 80))
        #expect(slow(20_000, 89))
    }
}
