internal import Domain
internal import Synchronization

/// Tenants of which somebody said that they have work: filled by any thread, emptied by the worker's loop.
///
/// Bounded: a tenant stands in it once, and when it is full further ones are not taken, only the fact that there were some;
/// the worker then looks at all of its tenants.
final class WakeBox: Sendable {
    /// What was in the box.
    struct Contents: Equatable {
        var tenants: Set<TenantID> = []
        var isOverfull = false
    }

    private let limit: Int
    private let contents = Mutex(Contents())

    init(limit: Int = 4_096) {
        self.limit = limit
    }

    /// Puts a tenant in. Any thread.
    ///
    /// - Returns: whether the box was empty, so that somebody has to be told.
    func put(_ tenant: TenantID) -> Bool {
        contents.withLock { contents in
            let wasEmpty = contents.tenants.isEmpty && !contents.isOverfull
            if contents.tenants.count < limit {
                contents.tenants.insert(tenant)
            } else if !contents.tenants.contains(tenant) {
                contents.isOverfull = true
            }
            return wasEmpty
        }
    }

    /// Takes everything out.
    func take() -> Contents {
        contents.withLock { contents in
            defer { contents = Contents() }
            return contents
        }
    }
}
