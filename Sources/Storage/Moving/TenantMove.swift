package import CarillonNet
package import Domain
package import Postgres

/// Moves a tenant to another database, while it is served but for seconds.
///
/// ```
/// (begin) ─▶ copying ─▶ draining ─▶ held ─▶ switched ─▶ opened ─▶ (over)
///               ▲                      │
///               └───── restoring ◀─────┘ broken off, from any of the three
/// ```
/// 1. *copying*: the tenant is served. Its schema is made at the target and brought up to the original again and again
///    (``TenantCopy``), until little is missing.
/// 2. *draining*: workers finish what they hold of it and give it back, so that the word on every message that was sent is
///    written before anybody else sends.
/// 3. *held*: its role is shut out of the original, which from then on nobody can write to, whatever he believes; what is still
///    missing is copied, and both sides are compared.
/// 4. *switched*: the registry names the target. Only now is its role let in there, so there is never a moment at which it
///    could write to both.
/// 5. *opened*: it is served; the original is removed.
///
/// *restoring*: the registry says first that the tenant stays, so that no step of an earlier run can come true any more; then its
/// role is let in at the source, then its calls.
///
/// The stage is a row of the registry (``MoveStage``), written before what it is about is done. So a move that was broken off
/// at any moment is found by the next run, which goes on or takes it back. Whoever fails before the switch takes everything
/// back by itself; but the copy stays when only the time was too short (``Options/holdLimit``).
///
/// Confined to its loop, on which every method must be called.
package final class TenantMove: @unchecked Sendable {
    /// What a move is told.
    package struct Options: Sendable {
        /// Makes the stamp of a line of the audit.
        package var stamp: @Sendable () -> AuditStamp
        /// The time.
        package var now: @Sendable () -> Instant
        /// Asked between pieces of work.
        package var stop = StopRequest()
        /// Hears how far it is. Called on the loop.
        package var onEvent: @Sendable (MoveEvent) -> Void = { _ in }
        /// How long workers may take to finish what they hold. A send may last for a minute, and a worker that died holds for
        /// half of one.
        var drainTime: Duration = .seconds(120)

        /// How long its calls may be refused before the switch; what is not done by then is given up.
        package var holdLimit: Duration = .seconds(10)

        /// The usual options.
        package init(stamp: @escaping @Sendable () -> AuditStamp, now: @escaping @Sendable () -> Instant) {
            self.stamp = stamp
            self.now = now
        }
    }

    let loop: EventLoop
    let configuration: PostgresConfiguration
    let tenant: TenantID
    let schema: SchemaName
    let options: Options
    /// The session that keeps other moves out, while there is one.
    var holder: PostgresSession?
    /// Whether the copy is left for the next run when this one fails.
    var keepsCopy = false
    /// How many rows this run has copied.
    var rows: Int64 = 0
    /// About how many there are; nil before that is known.
    private var estimate: Int64?

    /// A move that was not begun.
    ///
    /// - Parameters:
    ///   - tenant: whose.
    ///   - owner: how the owner logs in to the registry's database.
    package init(_ tenant: TenantID, on loop: EventLoop, owner: PostgresConfiguration, options: Options) {
        self.tenant = tenant
        schema = SchemaName(tenant)
        self.loop = loop
        self.options = options
        var configuration = owner
        configuration.applicationName = "carillon move"
        // Copying takes as long as it takes, and what waits for it waits inside its transaction. A migration may be before it.
        configuration.lockTimeout = .seconds(30)
        configuration.statementTimeout = .zero
        configuration.idleInTransactionTimeout = .zero
        // A program that was killed must not hold locks until its query is done, and one whose machine is gone not for hours.
        configuration.sessionSettings["client_connection_check_interval"] = "1s"
        configuration.noticeVanishedClient()
        self.configuration = configuration
    }

    /// Moves the tenant, or goes on with a move that was broken off.
    ///
    /// - Throws: ``StorageError/Code/moveRefused`` when it cannot be moved as things are. Whatever is thrown before the switch,
    ///   the tenant is served where it was, unless the message says otherwise.
    package func move(to target: DatabaseName) async throws(StorageError) -> MoveOutcome {
        var isUnderWay = false
        do throws(StorageError) {
            return try await guarded { desk async throws(StorageError) in
                let record = try await self.open(target, desk)
                isUnderWay = true
                return .moved(try await self.goOn(record, desk))
            }
        } catch {
            guard isUnderWay else { throw await refusal(error) }
            return try await settle(error)
        }
    }

    /// What is said of a run that never was under way: also, when an earlier one has left the tenant in a move, what that means
    /// for it and how it ends.
    ///
    /// - Parameter error: why there was no run.
    package func refusal(_ error: StorageError) async -> StorageError {
        // Where the registry cannot be asked, that is what the error says, or what comes of trying again.
        guard let left = try? await registered() else { return error }
        return StorageError(error.code, "\(error.cause == nil ? error.message : "\(error)"); \(left.leftover)")
    }

    private func goOn(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) -> MoveReport {
        switch record.stage.continuation {
        case .copy:
            let isInterrupted = record.stage != .copying
            let restored = isInterrupted ? try await restore(record, desk) : record
            tell(.copying)
            return try await carryOver(restored, desk)
        case .open:
            tell(.switched)
            try await openTarget(record, desk)
        case .clear: tell(.opened)
        }
        try await clear(record, desk)
        return MoveReport(source: record.source, target: record.target, rows: rows, held: nil)
    }

    /// Takes a move back: the tenant is served where it was, and the copy is removed.
    ///
    /// - Throws: ``StorageError/Code/moveRefused`` when the tenant is in no move, or lives at the target already.
    package func abort() async throws(StorageError) {
        var isUnderWay = false
        do throws(StorageError) {
            try await takeBack { isUnderWay = true }
        } catch {
            throw isUnderWay ? error : await refusal(error)
        }
    }

    private func takeBack(_ underWay: () -> Void) async throws(StorageError) {
        try await guarded { desk async throws(StorageError) in
            guard let record = try await desk.move() else {
                throw .moveRefused("the tenant is in no move")
            }
            guard record.stage.canBeAborted else {
                throw .moveRefused("it is too late: end the move, then move the tenant back")
            }
            underWay()
            let restored: TenantMoveRecord
            do throws(StorageError) {
                restored = try await self.restore(record, desk)
            } catch {
                throw self.unsettled(error)
            }
            try await self.discard(restored, desk)
        }
    }

    // MARK: The end of a run

    /// How long the end is tried for, with pauses of a second: about as long as a failover takes, and longer than a server needs to
    /// notice that a session of this run is gone, which may hold the table of moves until then.
    private static let settlingTime: Duration = .seconds(40)

    /// Brings a run that failed to its end: what was not switched is taken back, or, when it was told to stop, given its service
    /// back.
    ///
    /// - Throws: why it failed; or that its end could not be had.
    private func settle(_ error: StorageError) async throws(StorageError) -> MoveOutcome {
        let end = loop.now.advanced(by: Self.settlingTime)
        while true {
            let outcome: Result<MoveOutcome, StorageError>
            do throws(StorageError) {
                // The sessions may be lost, or in the middle of something.
                outcome = try await guarded { desk async throws(StorageError) in try await self.end(error, desk) }
            } catch {
                // Whatever it is: the tenant may be held.
                guard loop.now < end, (try? await pause(.seconds(1))) != nil else { throw unsettled(error) }
                continue
            }
            return try outcome.get()
        }
    }

    /// What is said when nobody knows whether the tenant has its service back.
    private func unsettled(_ error: StorageError) -> StorageError {
        .moveRefused(
            "the tenant may still be held, and its calls refused: run `carillon tenant move \(tenant) --abort` as soon as the "
                + "databases can be reached, or the same command again (\(error))")
    }

    private func end(
        _ error: StorageError, _ desk: MoveDesk
    ) async throws(StorageError) -> Result<MoveOutcome, StorageError> {
        guard let record = try await desk.move() else { return .failure(error) }
        guard record.stage.canBeAborted else {
            return .failure(
                .moveRefused(
                    "the tenant lives in \(record.target) now, but the move could not be ended, and until then its calls may be "
                        + "refused: run the same command again (\(error))"))
        }
        let restored = try await restore(record, desk)
        guard !options.stop.isRequested else { return .success(.stopped) }
        guard !keepsCopy else { return .failure(error) }
        do throws(StorageError) {
            try await discard(restored, desk)
        } catch let further {
            return .failure(further)
        }
        return .failure(error)
    }

    // MARK: Telling

    func tell(_ stage: MoveStage) { options.onEvent(.stage(stage)) }

    /// Makes a copy that tells of its progress and ends when it is told to.
    func copy(_ record: TenantMoveRecord, _ sessions: MoveSessions) async throws(StorageError) -> TenantCopy {
        let now = options.now()
        let margin: Int64 = 2 * 86_400_000
        let recent = UUIDv7.lowerBound(milliseconds: UInt64(max(0, now.microseconds / 1_000 - margin)))
        let copy = TenantCopy(of: record, from: sessions.source, to: sessions.target, recent: recent) {
            count throws(PostgresError) in
            try self.note(count)
        }
        estimate = try await storing { () async throws(PostgresError) in try await copy.estimate() }
        return copy
    }

    private func note(_ count: Int) throws(PostgresError) {
        rows += Int64(count)
        options.onEvent(.progress(ProgressCount(done: Int(rows), total: Int(max(rows, estimate ?? 0)))))
        guard !options.stop.isRequested else { throw PostgresError(.cancelled, "the move was told to stop") }
    }

    func checkStop() throws(StorageError) {
        guard !options.stop.isRequested else { throw StorageError(.deadlineExceeded, "the move was told to stop") }
    }
}

/// What a move tells while it runs.
package enum MoveEvent: Sendable, Hashable {
    /// It has come so far.
    case stage(MoveStage)
    /// So many rows were copied, of about so many.
    case progress(ProgressCount)
}

/// What became of a move.
package enum MoveOutcome: Sendable, Hashable {
    /// The tenant lives at the target, and nothing is left at the source.
    case moved(MoveReport)
    /// It was told to stop: the tenant is served where it was. What was copied stays for the next run.
    case stopped
}

/// What a move came to.
package struct MoveReport: Sendable, Hashable {
    /// Where the tenant lived.
    package let source: DatabaseName
    /// Where it lives.
    package let target: DatabaseName
    /// How many rows this run has copied; those that changed meanwhile count again.
    package let rows: Int64
    /// How long its calls were refused; nil if an earlier run has switched it.
    package let held: Duration?
}

extension StorageError {
    /// A move that is not made, and why.
    static func moveRefused(_ why: String) -> StorageError { StorageError(.moveRefused, why) }
}
