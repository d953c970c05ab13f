internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// The work of `tenant move`.
struct Moving: Sendable {
    /// Which tenant.
    let tenant: TenantID
    /// The logins.
    let ways: DatabaseWays
    /// How long its calls may be refused.
    var holdLimit: Duration = .seconds(10)
    let display: ProgressDisplay

    /// Moves the tenant, or goes on with a move.
    ///
    /// - Parameter stop: asked between pieces of work.
    func move(
        to target: DatabaseName, on loop: EventLoop, stop: StopRequest
    ) async -> Result<MoveOutcome, StorageError> {
        await work(on: loop, stop) { move async throws(StorageError) in
            do throws(StorageError) {
                try await self.check(target, on: loop)
            } catch {
                throw await move.refusal(error)
            }
            return try await move.move(to: target)
        }
    }

    /// Takes a move back.
    func abort(on loop: EventLoop) async -> Result<Void, StorageError> {
        await work(on: loop, StopRequest()) { move async throws(StorageError) in try await move.abort() }
    }

    private func work<Value: Sendable>(
        on loop: EventLoop, _ stop: StopRequest,
        _ body: @escaping @Sendable (TenantMove) async throws(StorageError) -> Value
    ) async -> Result<Value, StorageError> {
        await loop.run {
            var options = TenantMove.Options(
                stamp: { AuditStamp(id: Clock.freshID, actor: "owner", origin: "carillon tenant move") },
                now: { Clock.now })
            options.stop = stop
            options.holdLimit = holdLimit
            options.onEvent = { [display, tenant] in display.note($0, of: tenant) }
            let move = TenantMove(
                tenant, on: loop, owner: PostgresConfiguration(connectionInfo: ways.owner), options: options)
            let ticking = loop.spawn {
                while (try? await loop.sleep(for: .seconds(1))) != nil { display.tick() }
            }
            let result: Result<Value, StorageError>
            do throws(StorageError) {
                result = .success(try await body(move))
            } catch {
                result = .failure(error)
            }
            ticking.cancel()
            await ticking.value
            display.end()
            return result
        }
    }

    /// Looks whether the target is as hardened as the registry's database. Whether there is one of the name is seen later.
    private func check(_ target: DatabaseName, on loop: EventLoop) async throws(StorageError) {
        let databases = await OwnerWork.run(as: ways.owner, "carillon tenant move", on: loop, log: display.log) {
            work throws(StorageError) in try await work.administration.databases()
        }
        guard let record = try databases.get().first(where: { $0.name == target }) else { return }
        let differences: ConnectionDifferences
        do throws(PostgresError) {
            differences = try ConnectionDifferences(record.connection)
        } catch {
            throw StorageError(.notReady, "the connection of \(target) cannot be read")
        }
        try await DatabaseChecks.check(differences, ways, on: loop)
    }
}
