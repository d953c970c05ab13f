import CarillonNet
import Testing

@testable import Delivery

/// Transcripts: what happens, when, and what the machine says to it.
@Suite struct WorkerLeaseTests {
    enum Event {
        case look
        case alive
        case dead
        case failed
        case leave
    }

    /// Seconds after the start, the event, the action expected, and whether sends may begin then.
    typealias Line = (Double, Event, WorkerLease.Action, Bool)

    private func play(_ lines: [Line], sourceLocation: SourceLocation = #_sourceLocation) -> WorkerLease {
        let start = MonotonicTime(nanoseconds: 1_000)
        var lease = WorkerLease(now: start)
        for (number, line) in lines.enumerated() {
            let now = start.advanced(by: .seconds(line.0))
            var action = WorkerLease.Action.nothing
            switch line.1 {
            case .look: action = lease.look(at: now)
            case .alive: action = lease.answered(isAlive: true, at: now)
            case .dead: action = lease.answered(isAlive: false, at: now)
            case .failed: action = lease.failed(at: now)
            case .leave: lease.leave()
            }
            #expect(action == line.2, "line \(number + 1)", sourceLocation: sourceLocation)
            #expect(lease.isHeld(at: now) == line.3, "line \(number + 1)", sourceLocation: sourceLocation)
        }
        return lease
    }

    private static let joined: [Line] = [(0, .look, .join, false), (0.1, .alive, .nothing, true)]

    @Test func aLeaseIsRenewedEveryFiveSeconds() {
        let lease = play(
            Self.joined + [
                (4.9, .look, .nothing, true), (5, .look, .renew, true), (5, .look, .nothing, true),
                (5.1, .alive, .nothing, true), (10, .look, .renew, true), (12, .alive, .nothing, true),
                (14.9, .look, .nothing, true), (15, .look, .renew, true),
            ])
        // 25 s from the sending of the last renewal that was answered, less the margin of 5 s.
        #expect(lease.nextLook == MonotonicTime(nanoseconds: 1_000).advanced(by: .seconds(30)))
    }

    @Test func aLateRenewalFences() {
        _ = play(
            Self.joined + [
                (5, .look, .renew, true), (19.9, .look, .nothing, true), (20, .look, .fence, false),
                // The answer that comes after all does not bring the lease back.
                (21, .alive, .nothing, false), (21, .look, .join, false), (21.5, .alive, .nothing, true),
            ])
    }

    @Test func timeIsUpEvenBetweenLooks() {
        var lease = play(Self.joined)
        let late = MonotonicTime(nanoseconds: 1_000).advanced(by: .seconds(60))
        // A process that was stopped and goes on: the first question is answered by the clock alone.
        #expect(!lease.isHeld(at: late))
        let actions = [lease.look(at: late), lease.look(at: late)]
        #expect(actions == [.fence, .join])
    }

    @Test func failuresAreTriedAgainUntilTheTimeIsUp() {
        _ = play(
            Self.joined + [
                (5, .look, .renew, true), (6, .failed, .nothing, true), (6.5, .look, .nothing, true),
                (7, .look, .renew, true), (8, .failed, .nothing, true), (9, .look, .renew, true),
                (20, .failed, .fence, false), (20.5, .look, .nothing, false), (21, .look, .join, false),
                (22, .failed, .nothing, false), (22.5, .look, .nothing, false), (23, .look, .join, false),
            ])
    }

    @Test func aWorkerDeclaredDeadFences() {
        _ = play(
            Self.joined + [
                (5, .look, .renew, true), (5.1, .dead, .fence, false), (5.1, .look, .join, false),
                (5.2, .alive, .nothing, true),
            ])
    }

    @Test func anAnswerThatTookTooLongGrantsNothing() {
        _ = play([
            (0, .look, .join, false), (20, .alive, .nothing, false), (20.5, .look, .nothing, false),
            (21, .look, .join, false),
        ])
        _ = play(Self.joined + [(5, .look, .renew, true), (20, .alive, .fence, false)])
    }

    @Test func whoLeftStaysAway() {
        let lease = play(Self.joined + [(5, .look, .renew, true), (5.1, .leave, .nothing, false)])
        #expect(lease.nextLook == nil)
        _ = play(
            Self.joined + [
                (5, .look, .renew, true), (5.1, .leave, .nothing, false), (5.2, .alive, .nothing, false),
                (30, .look, .nothing, false), (31, .failed, .nothing, false),
            ])
    }

    @Test func sharesCoverAllTenantsAndSettle() {
        #expect(FairShare.move(held: 0, tenants: 10, workers: 1) == .take(10))
        #expect(FairShare.move(held: 0, tenants: 10, workers: 0) == .take(10))
        #expect(FairShare.move(held: 10, tenants: 10, workers: 2) == .give(5))
        #expect(FairShare.move(held: 5, tenants: 11, workers: 2) == .take(1))
        #expect(FairShare.move(held: 6, tenants: 11, workers: 2) == .stay)
        #expect(FairShare.move(held: 0, tenants: 5_000, workers: 2) == .take(256))
        for workers in 1...7 {
            for tenants in 0...40 {
                // Whoever starts with what, taking and giving comes to rest, and every tenant is worked.
                var held = [Int](repeating: 0, count: workers)
                held[0] = tenants
                var free = 0
                for _ in 0..<100 {
                    for worker in held.indices {
                        switch FairShare.move(held: held[worker], tenants: tenants, workers: workers) {
                        case .take(let count):
                            let taken = min(count, free)
                            held[worker] += taken
                            free -= taken
                        case .give(let count):
                            held[worker] -= count
                            free += count
                        case .stay: break
                        }
                    }
                }
                #expect(free == 0)
                #expect((held.max() ?? 0) <= (tenants + workers - 1) / workers)
            }
        }
    }
}
