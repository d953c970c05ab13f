internal import Synchronization

/// The wish that long work, such as a migration, ends soon. It is heard between transactions, never inside of one. Any thread.
package final class StopRequest: Sendable {
    private let flag = Atomic(false)

    /// Nobody wishes yet.
    package init() {}

    /// Whether somebody does.
    package var isRequested: Bool { flag.load(ordering: .relaxed) }

    /// Wishes.
    package func request() {
        flag.store(true, ordering: .relaxed)
    }
}
