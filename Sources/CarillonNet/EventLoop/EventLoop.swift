internal import CarillonCLibUV
internal import Synchronization

/// One thread that waits for descriptors and timers and runs what they cause: the only place in Carillon where
/// bytes, timers and tasks meet.
///
/// A tick: libuv polls and calls the descriptor watchers; due timers fire; queued work runs (bounded, so that
/// descriptors are looked at again); each participant that asked for it is flushed once; at last a few take the turn
/// that they waited for. A connection, its calls and its database connection stay on one loop, so nothing of theirs needs a lock.
///
/// It is a `TaskExecutor` only: a loop that is also a `SerialExecutor` makes every task switch slower. Tasks that
/// touch loop-confined things are made by ``spawn(_:)`` or ``run(_:)``.
///
/// Safe as `@unchecked Sendable` because all state below the marker is touched on the loop's thread only (asserted at
/// every entry), and what stands above it is immutable or guarded by the foreign queue's mutex.
package final class EventLoop: TaskExecutor, @unchecked Sendable {
    /// Name of the loop and its thread, for logs and debuggers; the system shows its first 15 bytes.
    package let name: String
    let foreign = ForeignWorkQueue()
    let uv: UnsafeMutablePointer<uv_loop_t>
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let alarm: UnsafeMutablePointer<uv_timer_t>
    private let started = ThreadIdentity()
    private let end = LoopEnd()

    // Everything below belongs to the loop's thread.
    private var local = LocalWorkQueue()
    private let timers = TimerHeap()
    private var armed: MonotonicTime?
    @exclusivity(unchecked) private var isClockStale = false
    @exclusivity(unchecked) private var touched: [any TickParticipant] = []
    @exclusivity(unchecked) private var touchedSpare: [any TickParticipant] = []
    private var turns = TurnQueue()
    /// Pieces of blocking work that are under way elsewhere; who waits for one goes on here.
    var offloaded = 0
    private var isStopping = false
    private var executorReference: UnownedTaskExecutor?
    private var locals: [ObjectIdentifier: AnyObject] = [:]

    /// Memory for one read of a descriptor; its bytes are good until the owner returns. Loop's thread only.
    let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    /// Memory in which one write is gathered; as `readBuffer`.
    let writeBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)

    /// The time of the current tick. Loop's thread only.
    package var now: MonotonicTime { tickTime }
    // Behind a function, since the attribute works in this module alone.
    @exclusivity(unchecked) private var tickTime: MonotonicTime

    /// How many queued pieces of work run before descriptors are looked at again.
    private static let workPerTick = 128
    /// How long they may take together before that; the clock is read behind each eighth.
    private static let workTime = Duration.milliseconds(2)

    /// Makes the loop and starts its thread.
    package init(name: String) {
        self.name = name
        uv = .allocate(capacity: 1)
        wake = .allocate(capacity: 1)
        alarm = .allocate(capacity: 1)
        tickTime = MonotonicTime.current
        precondition(uv_loop_init(uv) == 0, "libuv could not make a loop: out of descriptors?")
        uv_async_init(uv, wake) { handle in
            guard let data = handle?.pointee.data else { return }
            Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue().takeForeignWork()
        }
        uv_timer_init(uv, alarm)
        // Safe unretained: the thread below holds the loop until both handles are closed.
        wake.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        // One retain for the thread, taken back by it exactly once.
        var thread = uv_thread_t()
        let argument = Unmanaged.passRetained(self).toOpaque()
        let result = uv_thread_create(
            &thread, { Unmanaged<EventLoop>.fromOpaque($0.unsafelyUnwrapped).takeRetainedValue().main() }, argument)
        precondition(result == 0, "the loop's thread could not be started")
        carillon_thread_detach(thread)
    }

    /// Whether the caller runs on this loop's thread. Any thread.
    package var isOnLoop: Bool { started.isCurrent }

    /// Traps when the caller is not on this loop's thread. Debug builds only.
    @inline(__always)
    package func assertOnLoop() {
        assert(isOnLoop, "called off the loop \(name)")
    }

    // MARK: Work

    /// Runs a closure on the loop soon, after what is queued already. Any thread.
    package func execute(_ work: @escaping @Sendable () -> Void) {
        if isOnLoop { return local.append(.closure(work)) }
        switch foreign.append(closure: work) {
        case .wakeNeeded: uv_async_send(wake)
        case .alreadySignalled: break
        case .closed: work()
        }
    }

    /// Takes a piece of a Swift task. Called by the runtime, from any thread.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isOnLoop { return local.append(.job(job)) }
        switch foreign.append(job: job) {
        case .wakeNeeded: uv_async_send(wake)
        case .alreadySignalled: break
        // A task that outlives its loop ends on the pool of the runtime rather than never.
        case .closed: job.runSynchronously(on: globalConcurrentExecutor.asUnownedTaskExecutor())
        }
    }

    /// Asks for one call of `endOfTick()` when this tick's work is done; the participant makes sure that it asks only
    /// once a tick. Loop's thread only.
    package func atEndOfTick(_ participant: any TickParticipant) {
        assertOnLoop()
        touched.append(participant)
    }

    /// Asks for one call of `takeTurn()`, behind all who asked before; only a few are called in a tick. The taker makes sure
    /// that it asks only once. Loop's thread only.
    package func waitForTurn(_ taker: any TurnTaker) {
        assertOnLoop()
        turns.append(taker)
    }

    /// The one object of its type that those who run on the loop share, made when it is first asked for; it lives as long
    /// as the loop. Loop's thread only.
    package func local<Value: AnyObject>(_ make: () -> Value) -> Value {
        assertOnLoop()
        if let value = locals[ObjectIdentifier(Value.self)] as? Value { return value }
        let value = make()
        locals[ObjectIdentifier(Value.self)] = value
        return value
    }

    // MARK: Timers

    /// Runs an action once after a delay (at once in the next tick if it is not positive). Loop's thread only.
    @discardableResult
    package func schedule(after delay: Duration, _ action: @escaping () -> Void) -> LoopTimer {
        schedule(at: now.advanced(by: delay), action)
    }

    /// Runs an action once at a point in time. Loop's thread only.
    @discardableResult
    package func schedule(at deadline: MonotonicTime, _ action: @escaping () -> Void) -> LoopTimer {
        assertOnLoop()
        let timer = LoopTimer(deadline: deadline, heap: timers, action: action)
        timers.insert(timer)
        return timer
    }

    // MARK: The thread

    private func main() {
        started.adoptCurrentThread()
        // A write to a connection that the peer closed answers EPIPE; the signal would end the process.
        carillon_thread_block_sigpipe()
        carillon_thread_set_name(name)
        executorReference = asUnownedTaskExecutor()
        while true {
            readClock()
            fireTimers()
            runQueuedWork()
            flushTouched()
            takeTurns()
            if isStopping, offloaded == 0, local.isEmpty, foreign.closeIfEmpty() { break }
            armAlarm()
            isClockStale = true
            uv_run(uv, local.isEmpty && touched.isEmpty && turns.isEmpty ? UV_RUN_ONCE : UV_RUN_NOWAIT)
        }
        closeHandles()
        // The system may give the thread's identity to another one.
        started.abandon()
        end.come()
    }

    /// Reads the clock before the first thing that runs after the loop has slept. Called by every callback of libuv.
    func wakeUp() {
        guard isClockStale else { return }
        readClock()
    }

    private func takeForeignWork() {
        wakeUp()
        foreign.drain(into: &local)
    }

    private func readClock() {
        isClockStale = false
        tickTime = MonotonicTime.current
    }

    private func fireTimers() {
        while let action = timers.popDue(at: now) { action() }
    }

    private func runQueuedWork() {
        let reference = executorReference.unsafelyUnwrapped
        var budget = Self.workPerTick
        var end: MonotonicTime?
        while budget > 0, let work = local.popFirst() {
            budget -= 1
            switch work {
            case .job(let job): job.runSynchronously(on: reference)
            case .closure(let closure): closure()
            }
            guard budget % 8 == 0 else { continue }
            let time = MonotonicTime.current
            if let end, time >= end { return }
            if end == nil { end = time.advanced(by: Self.workTime) }
        }
    }

    private func flushTouched() {
        guard !touched.isEmpty else { return }
        swap(&touched, &touchedSpare)
        for participant in touchedSpare { participant.endOfTick() }
        touchedSpare.removeAll(keepingCapacity: true)
    }

    private func takeTurns() {
        for _ in 0..<TurnQueue.turnsPerTick {
            guard let taker = turns.popFirst() else { return }
            taker.takeTurn()
        }
    }

    private func armAlarm() {
        guard let next = timers.next else {
            if armed != nil { uv_timer_stop(alarm) }
            armed = nil
            return
        }
        // A fired alarm is not active any more, and libuv counts in whole milliseconds: rounding up keeps the loop
        // from spinning through the last one.
        guard armed != next || uv_is_active(alarm.handle) == 0 else { return }
        let remaining = max(0, next.nanoseconds - Int64(truncatingIfNeeded: uv_hrtime()))
        uv_update_time(uv)
        // libuv before 1.45 runs an alarm that is due before it computes how long to poll, and would then poll without
        // end; `uv_stop` makes that poll return at once.
        uv_timer_start(alarm, { uv_stop($0?.pointee.loop) }, UInt64(remaining + 999_999) / 1_000_000, 0)
        armed = next
    }

    // MARK: Shutting down

    /// Ends the loop after the work that is queued or offloaded. Owners close their descriptors and cancel their timers
    /// before. Returns at once; a loop that has ended stays so. Any thread.
    package func stop() {
        execute {
            if self.isOnLoop { self.isStopping = true }
        }
    }

    /// Returns when the loop's thread is done, at once if it is already. Never called on the loop itself.
    package func ended() async {
        precondition(!isOnLoop, "a loop cannot wait for its own end")
        await withUnsafeContinuation { continuation in
            end.wait { continuation.resume() }
        }
    }

    /// Ends the loop as ``stop()`` does, and returns when its thread is done. May be called several times, never on the loop
    /// itself.
    package func shutDown() async {
        stop()
        await ended()
    }

    private func closeHandles() {
        uv_close(wake.handle, nil)
        uv_close(alarm.handle, nil)
        while uv_run(uv, UV_RUN_NOWAIT) != 0 { uv_run(uv, UV_RUN_ONCE) }
        uv_loop_close(uv)
        wake.deallocate()
        alarm.deallocate()
        uv.deallocate()
        readBuffer.deallocate()
        writeBuffer.deallocate()
    }
}

/// Something that gathers work during a tick and does it once at the tick's end, such as a connection that writes.
package protocol TickParticipant: AnyObject {
    /// Called once on the loop's thread at the end of the tick in which it was asked for.
    func endOfTick()
}

/// Remembers which thread a loop runs on; read from any thread.
final class ThreadIdentity: Sendable {
    private let thread = Atomic<UInt>(0)

    func adoptCurrentThread() {
        thread.store(carillon_thread_id(), ordering: .releasing)
    }

    /// The thread ends: from now on no thread is the one.
    func abandon() {
        thread.store(0, ordering: .releasing)
    }

    var isCurrent: Bool {
        thread.load(ordering: .acquiring) == carillon_thread_id()
    }
}

/// The end of a loop's thread, and who waits for it. Any thread.
private final class LoopEnd: Sendable {
    // `nil` once it has come.
    private let waiters = Mutex<[@Sendable () -> Void]?>([])

    func wait(_ waiter: @escaping @Sendable () -> Void) {
        let hasCome = waiters.withLock { waiters in
            waiters?.append(waiter)
            return waiters == nil
        }
        if hasCome { waiter() }
    }

    func come() {
        for waiter in waiters.withLock({ $0.take() }) ?? [] { waiter() }
    }
}

extension UnsafeMutablePointer {
    /// The base handle of a libuv handle; every libuv handle begins with the fields of `uv_handle_t`.
    var handle: UnsafeMutablePointer<uv_handle_t> {
        UnsafeMutableRawPointer(self).assumingMemoryBound(to: uv_handle_t.self)
    }
}
