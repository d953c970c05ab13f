internal import CarillonNet
internal import Domain
internal import Logging
internal import Synchronization

/// The alarm that events are refused because tenants have no partitions for the month: one line a minute at most, which counts
/// what came since the last one. Any thread.
final class MonthAlarm: Sendable {
    private static let pause: Duration = .seconds(60)

    private struct State {
        var next: MonotonicTime?
        var refused = 0
    }
    private let log: Logger
    private let state = Mutex(State())

    /// Writes to a log.
    init(_ log: Logger) {
        self.log = log
    }

    /// An event of a tenant was refused.
    func raise(_ tenant: TenantID, now: MonotonicTime = .current) {
        let refused: Int? = state.withLock { state in
            state.refused += 1
            if let next = state.next, now < next { return nil }
            state.next = now.advanced(by: Self.pause)
            defer { state.refused = 0 }
            return state.refused
        }
        guard let refused else { return }
        log.error(
            "events are refused: a tenant has no partitions for this month; a process with database.owner-url makes them",
            metadata: ["tenant": "\(tenant)", "refused": .stringConvertible(refused)])
    }
}
