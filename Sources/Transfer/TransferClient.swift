package import CarillonNet

/// Sends mail and HTTP requests from one event loop: bounded, cancellable, with connections kept for reuse.
///
/// Confined to `loop`; every entry asserts it. That is what makes `@unchecked Sendable` safe.
package final class TransferClient: @unchecked Sendable {
    /// What may go to the same connection.
    enum Destination: Hashable {
        case mail(MailRoute)
        case http(origin: String)
    }

    let loop: EventLoop
    let limits: TransferLimits
    /// Sessions with mail relays live in a multi handle of their own, whose bound libcurl never reaches: it must not
    /// choose one of them to be closed. Their bound is ours.
    let mailMulti: CurlMulti
    let httpMulti: CurlMulti
    var idleSessions: [MailRoute: [MailConnection]] = [:]
    var idleCount = 0
    /// How many sessions were opened since the client was made.
    package internal(set) var openedSessions = 0
    private var queue: TransferQueue<Destination, TransferJob>
    private var jobs: [UInt64: TransferJob] = [:]
    private var lastID: UInt64 = 0
    private var isClosed = false

    /// Makes a client on a loop. Loop's thread only.
    ///
    /// Traps when the libcurl at hand cannot do what Carillon needs; ``missingFeatures`` says so beforehand.
    package init(loop: EventLoop, limits: TransferLimits = TransferLimits()) {
        loop.assertOnLoop()
        precondition(Self.missingFeatures.isEmpty, "libcurl lacks \(Self.missingFeatures.joined(separator: ", "))")
        self.loop = loop
        self.limits = limits
        mailMulti = CurlMulti(loop: loop, connections: Int(Int32.max))
        httpMulti = CurlMulti(loop: loop, connections: limits.transfers + limits.idleConnections)
        queue = TransferQueue(limits: limits)
    }

    deinit {
        assert(isClosed, "a transfer client was dropped without close()")
    }

    /// What the libcurl at hand lacks that Carillon needs, in words; empty when it serves. Any thread.
    package static var missingFeatures: [String] { CurlLibrary.missing }

    /// Transfers under way and waiting.
    package var load: (active: Int, waiting: Int) {
        loop.assertOnLoop()
        return (queue.active, queue.waiting)
    }

    /// Hands one message to a relay and returns its receipt.
    ///
    /// A task that is cancelled gets its answer at once; the session is closed, and a message whose end was sent has an
    /// unknown outcome. Called from a task on the loop.
    ///
    /// - Throws: ``TransferError``; nothing was delivered unless ``TransferError/isOutcomeUnknown`` says so.
    package func perform(_ transfer: MailTransfer) async throws(TransferError) -> MailReceipt {
        loop.assertOnLoop()
        guard transfer.isValid else { throw TransferError(.invalidRequest, phase: .queued) }
        return try await run { id, resume in
            MailJob(id: id, transfer: transfer, client: self, resume)
        }
    }

    /// Sends one HTTP request and returns the answer, whatever its status.
    ///
    /// Called from a task on the loop; cancellation as for mail.
    ///
    /// - Throws: ``TransferError``; the server did nothing unless ``TransferError/isOutcomeUnknown`` says so.
    package func perform(_ transfer: HTTPTransfer) async throws(TransferError) -> HTTPReply {
        loop.assertOnLoop()
        guard let url = ParsedURL(transfer.url), url.scheme == "https" || transfer.allowsPlaintext,
            transfer.headers.allSatisfy(\.isValid)
        else { throw TransferError(.invalidRequest, phase: .queued) }
        return try await run { id, resume in
            HTTPJob(id: id, transfer: transfer, url: url, client: self, resume)
        }
    }

    /// Ends everything: what is under way or waits fails with ``TransferError/Code/closed``. Loop's thread only.
    package func close() {
        loop.assertOnLoop()
        guard !isClosed else { return }
        isClosed = true
        _ = queue.removeAll()
        for job in jobs.values { job.abandon(.closed) }
        for sessions in idleSessions.values { for session in sessions { session.close() } }
        idleSessions = [:]
        mailMulti.close()
        httpMulti.close()
    }

    // MARK: Jobs

    private func run<Value: Sendable>(
        _ makeJob: (UInt64, @escaping (Result<Value, TransferError>) -> Void) -> TransferJob
    ) async throws(TransferError) -> Value {
        if Task.isCancelled { throw TransferError(.cancelled, phase: .queued) }
        if isClosed { throw TransferError(.closed, phase: .queued) }
        lastID += 1
        let id = lastID
        // The continuation is resumed exactly once: by TransferJob.settle.
        let result: Result<Value, TransferError> = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                submit(makeJob(id) { continuation.resume(returning: $0) })
            }
        } onCancel: {
            loop.execute { [weak self] in self?.abandon(id, .cancelled) }
        }
        return try result.get()
    }

    private func submit(_ job: TransferJob) {
        jobs[job.id] = job
        let id = job.id
        job.deadline = loop.schedule(after: job.total) { [weak self] in self?.abandon(id, .timeout) }
        switch queue.admit(job, to: job.destination) {
        case .start: job.begin()
        case .wait: break
        case .refuse:
            jobs[id] = nil
            job.settle(.init(.queueFull, phase: .queued))
        }
    }

    private func abandon(_ id: UInt64, _ code: TransferError.Code) {
        guard let job = jobs[id] else { return }
        if queue.remove(id, to: job.destination) != nil {
            jobs[id] = nil
            job.settle(.init(code, phase: .queued))
        } else {
            job.abandon(code)
        }
    }

    /// Called by a job that has begun and is done: its place goes to the next.
    func ended(_ job: TransferJob) {
        jobs[job.id] = nil
        guard !isClosed else { return }
        for next in queue.release(job.destination) { next.begin() }
    }
}
