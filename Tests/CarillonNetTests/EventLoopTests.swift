import Dispatch
import Synchronization
import Testing

@testable import CarillonNet

@Suite struct EventLoopTests {
    @Test func workFromOtherThreadsRunsOnTheLoopInOrder() async {
        let loop = EventLoop(name: "test")
        let seen = Mutex<[Int]>([])
        for number in 0..<1000 {
            loop.execute {
                loop.assertOnLoop()
                seen.withLock { $0.append(number) }
            }
        }
        // Shutting down runs what is queued first.
        await loop.shutDown()
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test func tasksStayOnTheLoopAcrossSuspensions() async {
        let loop = EventLoop(name: "test")
        let stayed = await loop.run {
            var stayed = loop.isOnLoop
            try? await loop.sleep(for: .milliseconds(1))
            stayed = stayed && loop.isOnLoop
            await Task.yield()
            return stayed && loop.isOnLoop
        }
        #expect(stayed)
        #expect(!loop.isOnLoop)
        await loop.shutDown()
    }

    @Test func timersFireInOrderOfTheirDeadlinesNotOfTheirMaking() async {
        let loop = EventLoop(name: "test")
        let order = await loop.run {
            await withUnsafeContinuation { continuation in
                let fired = Mutex<[Int]>([])
                for (place, delay) in [3, 1, 2].enumerated() {
                    loop.schedule(after: .milliseconds(delay * 5)) {
                        let all = fired.withLock { fired in
                            fired.append(place)
                            return fired
                        }
                        if all.count == 3 { continuation.resume(returning: all) }
                    }
                }
            }
        }
        #expect(order == [1, 2, 0])
        await loop.shutDown()
    }

    /// Found with libuv 1.44: an alarm that is due when polling begins was run first, and polling then had no time-out.
    @Test(.timeLimit(.minutes(5)), arguments: [0, 1, 300, 999, 1_000_001])
    func aTimerThatIsDueAtOnceWakesAnIdleLoop(nanoseconds: Int) async {
        let loop = EventLoop(name: "test")
        let fired = await loop.run {
            await withUnsafeContinuation { continuation in
                let chain = Chain(loop: loop, delay: .nanoseconds(nanoseconds), length: 200) {
                    continuation.resume(returning: $0)
                }
                chain.step()
            }
        }
        #expect(fired == 200)
        await loop.shutDown()
    }

    @Test func aCancelledTimerNeverFires() async {
        let loop = EventLoop(name: "test")
        let fired = Atomic<Bool>(false)
        await loop.run {
            let timer = loop.schedule(after: .milliseconds(2)) { fired.store(true, ordering: .relaxed) }
            loop.schedule(after: .milliseconds(1)) { timer.cancel() }
            try? await loop.sleep(for: .milliseconds(10))
        }
        let hasFired = fired.load(ordering: .relaxed)
        #expect(!hasFired)
        await loop.shutDown()
    }

    @Test func sleepingEndsAtOnceWhenTheTaskIsCancelled() async {
        let loop = EventLoop(name: "test")
        let outcome = Mutex("none")
        let task = loop.spawn {
            do throws(CancellationError) {
                try await loop.sleep(for: .seconds(600))
                outcome.withLock { $0 = "slept" }
            } catch {
                outcome.withLock { $0 = "cancelled" }
            }
        }
        task.cancel()
        await task.value
        #expect(outcome.withLock { $0 } == "cancelled")
        await loop.shutDown()
    }

    @Test func offloadedWorkRunsElsewhereAndComesBack() async throws {
        let loop = EventLoop(name: "test")
        let (wasOnLoop, isBack) = try await loop.run {
            let wasOnLoop = try await loop.offload { loop.isOnLoop }
            return (wasOnLoop, loop.isOnLoop)
        }
        #expect(!wasOnLoop)
        #expect(isBack)
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await loop.offload { () throws -> Int in throw Broken() } }
        await loop.shutDown()
    }

    /// A millisecond each, which is too long for all of them in one tick.
    @Test func longWorkLeavesTimeForTheRest() async {
        let loop = EventLoop(name: "test")
        let done = Mutex(0)
        await loop.run {
            for _ in 0..<64 {
                loop.execute {
                    let end = MonotonicTime.current.advanced(by: .milliseconds(1))
                    while MonotonicTime.current < end {}
                    done.withLock { $0 += 1 }
                }
            }
            let before = await withUnsafeContinuation { continuation in
                loop.schedule(after: .zero) { continuation.resume(returning: done.withLock { $0 }) }
            }
            #expect(before < 64)
        }
        await loop.shutDown()
        #expect(done.withLock { $0 } == 64)
    }

    @Test func aLoopEndsAfterWhatItOffloaded() async {
        let loop = EventLoop(name: "offload")
        let gate = DispatchSemaphore(value: 0)
        let task = loop.spawn {
            _ = try? await loop.offload { gate.wait() }
            #expect(loop.isOnLoop)
        }
        async let end: Void = loop.shutDown()
        // As many turns of the loop as it takes for the end to be asked for.
        for _ in 0..<100 { await loop.run {} }
        gate.signal()
        await task.value
        await end
    }

    @Test func descriptorsAreWatchedUntilTheWatchIsClosed() async {
        let loop = EventLoop(name: "test")
        let pipe = Pipe()
        let received = await loop.run {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Int, Never>) in
                var watch: DescriptorWatch?
                watch = loop.watch(descriptor: pipe.readEnd) { events in
                    let count = events.contains(.readable) ? pipe.read() : -1
                    watch?.close()
                    watch = nil
                    continuation.resume(returning: count)
                }
                watch?.interest = [.readable]
                pipe.write(7)
            }
        }
        #expect(received == 7)
        await loop.shutDown()
        pipe.close()
    }

    /// A call's deadline is counted from `now`: it must not be the time at which an idle loop went to sleep.
    @Test func theClockIsReadAnewWhenAnIdleLoopIsWoken() async {
        let loop = EventLoop(name: "idle")
        let other = EventLoop(name: "other")
        let pipe = Pipe()
        let lag = await loop.run {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Duration, Never>) in
                var watch: DescriptorWatch?
                watch = loop.watch(descriptor: pipe.readEnd) { _ in
                    let lag = loop.now.duration(to: .current)
                    watch?.close()
                    watch = nil
                    continuation.resume(returning: lag)
                }
                watch?.interest = [.readable]
                other.execute { other.schedule(after: .milliseconds(500)) { pipe.write(1) } }
            }
        }
        #expect(lag < .milliseconds(250))
        await loop.shutDown()
        await other.shutDown()
        pipe.close()
    }

    @Test func endOfTickComesOnceAfterAllWorkOfTheTick() async {
        let loop = EventLoop(name: "test")
        let participant = Recorder(loop: loop)
        let trace = await loop.run {
            await withUnsafeContinuation { continuation in
                participant.onEnd = { continuation.resume(returning: participant.trace) }
                loop.atEndOfTick(participant)
                loop.execute { participant.trace.append("work") }
                participant.trace.append("asked")
            }
        }
        #expect(trace == ["asked", "work", "end"])
        await loop.shutDown()
    }
}

/// Timers that are each made by the one before, with nothing else to keep the loop awake.
///
/// Safe as unchecked because it is touched on its loop only.
private final class Chain: @unchecked Sendable {
    private let loop: EventLoop
    private let delay: Duration
    private let length: Int
    private let onEnd: (Int) -> Void
    private var fired = 0

    init(loop: EventLoop, delay: Duration, length: Int, onEnd: @escaping (Int) -> Void) {
        self.loop = loop
        self.delay = delay
        self.length = length
        self.onEnd = onEnd
    }

    func step() {
        guard fired < length else { return onEnd(fired) }
        loop.schedule(after: delay) {
            self.fired += 1
            self.step()
        }
    }
}

// Safe as unchecked because it is touched on its loop only.
private final class Recorder: TickParticipant, @unchecked Sendable {
    let loop: EventLoop
    var trace: [String] = []
    var onEnd: () -> Void = {}

    init(loop: EventLoop) {
        self.loop = loop
    }

    func endOfTick() {
        trace.append("end")
        onEnd()
    }
}
