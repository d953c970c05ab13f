internal import CarillonCLibUV

extension EventLoop {
    /// Starts a task that runs on this loop. Any thread.
    @discardableResult
    package func spawn(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await operation() }
    }

    /// Starts a task that runs on this loop, and runs it up to its first suspension before this returns: a task that does
    /// not have to wait costs no round through the loop's queue. Loop's thread only.
    @discardableResult
    package func spawnAtOnce(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        assertOnLoop()
        return Task.immediate(executorPreference: self) { await operation() }
    }

    /// Runs an operation on this loop and returns its result to the caller's own executor. Any thread.
    ///
    /// It is a task of its own, since `withTaskExecutorPreference` leaves a caller that has no executor where it is;
    /// the caller's cancellation reaches it.
    package func run<Value: Sendable, Failure: Error>(
        _ operation: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let task = Task(executorPreference: self) { () async -> Result<Value, Failure> in
            do throws(Failure) {
                return .success(try await operation())
            } catch {
                return .failure(error)
            }
        }
        return try await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }.get()
    }

    /// Waits on the loop's own timers. Called from a task on this loop.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func sleep(for duration: Duration) async throws(CancellationError) {
        assertOnLoop()
        let waiter = Waiter(on: self)
        let timer = schedule(after: duration) { waiter.wake() }
        await waiter.wait()
        timer.cancel()
        if Task.isCancelled { throw CancellationError() }
    }

    /// Runs blocking work (files, name resolution) on libuv's thread pool and returns to the caller's executor.
    /// The pool has four threads unless `UV_THREADPOOL_SIZE` says otherwise. Any thread.
    package func offload<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withUnsafeThrowingContinuation { continuation in
            execute { OffloadedWork.submit(to: self) { continuation.resume(with: Result(catching: work)) } }
        }
    }
}

/// One `uv_work_t` with the closure it runs.
private final class OffloadedWork {
    private let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
    private let loop: EventLoop
    private let work: @Sendable () -> Void

    private init(loop: EventLoop, _ work: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.work = work
    }

    deinit {
        request.deallocate()
    }

    static func submit(to loop: EventLoop, _ work: @escaping @Sendable () -> Void) {
        loop.assertOnLoop()
        let offloaded = OffloadedWork(loop: loop, work)
        // Retained for libuv, released once by the after-work callback, which runs on the loop.
        offloaded.request.pointee.data = Unmanaged.passRetained(offloaded).toOpaque()
        let result = uv_queue_work(
            loop.uv, offloaded.request,
            { request in
                guard let data = request?.pointee.data else { return }
                Unmanaged<OffloadedWork>.fromOpaque(data).takeUnretainedValue().work()
            },
            { request, _ in
                guard let data = request?.pointee.data else { return }
                let loop = Unmanaged<OffloadedWork>.fromOpaque(data).takeRetainedValue().loop
                loop.wakeUp()
                loop.offloaded -= 1
            })
        precondition(result == 0, "libuv refused work for its pool")
        loop.offloaded += 1
    }
}
