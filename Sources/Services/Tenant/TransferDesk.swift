internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Postgres
internal import Storage
internal import Synchronization

/// Long work of the owner on one tenant, such as exports and imports: a few at a time, each with sessions of its own on the owner's loop, where they are opened,
/// used and closed. Calls reach it from any loop.
final class TransferDesk: Sendable {
    /// Which database besides the registry's is needed.
    enum Place: Sendable {
        /// That of a tenant that is there.
        case of(TenantRecord)
        /// One that a tenant is to be put into.
        case into(DatabaseName)
    }

    private let loop: EventLoop
    private let session: PostgresConfiguration
    private let limits: ServiceLimits
    private let running = Mutex(0)

    init(_ owner: ServiceDependencies.Owner, limits: ServiceLimits) {
        loop = owner.loop
        session = owner.session
        self.limits = limits
    }

    /// Runs an export or import with sessions that are closed at its end, however that comes. Cancelling the caller's task
    /// ends what the database is at.
    ///
    /// - Parameters:
    ///   - place: where the tenant is, or shall be.
    ///   - deadline: the call's.
    ///   - body: the work, on the call's loop; ``on(_:)`` takes its steps to the owner's.
    func transfer<Value: Sendable>(
        _ place: Place, until deadline: MonotonicTime, _ body: (OwnerSessions) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let isAdmitted = running.withLock { count in
            guard count < limits.transfersOfTenants else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { throw .tooManyTransfers }
        defer { running.withLock { $0 -= 1 } }
        let sessions = try await open(place, until: deadline)
        let result: Result<Value, Status>
        do throws(Status) {
            result = .success(try await body(sessions))
        } catch {
            result = .failure(error)
        }
        await loop.run { sessions.close() }
        return try result.get()
    }

    /// Takes a step on the owner's loop.
    func step<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(StorageError) -> Value
    ) async throws(Status) -> Value {
        do throws(StorageError) {
            return try await loop.run(body)
        } catch {
            throw Status(error)
        }
    }

    private func open(_ place: Place, until deadline: MonotonicTime) async throws(Status) -> OwnerSessions {
        let (loop, configuration, limit) = (loop, session, limits.transferTime)
        let opened = try await step { () async throws(StorageError) -> OwnerSessions? in
            let last = min(deadline, loop.now.advanced(by: limit))
            return switch place {
            case .of(let record): try await OwnerSessions.open(on: loop, configuration, at: record.place, until: last)
            case .into(let database):
                try await OwnerSessions.open(on: loop, configuration, into: database, until: last)
            }
        }
        guard let opened else { throw .databaseNotOpen }
        return opened
    }
}
