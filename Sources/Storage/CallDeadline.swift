package import CarillonNet

/// Until when somebody waits for what is read or written.
///
/// It is bound to the task rather than handed through every method: whoever calls a store for a caller of its own says so
/// once (``within(_:_:)``), and what is done for several callers at once has none.
package enum CallDeadline {
    @TaskLocal static var current: MonotonicTime?

    /// Runs work on stores whose units are refused after a time, and given up with it.
    ///
    /// - Parameters:
    ///   - deadline: by the clock of the loop; `nil` or `.distantFuture` for none.
    ///   - body: the work; tasks that it starts inherit the deadline.
    /// - Throws: what the body throws; `deadlineExceeded` when the time has passed.
    package static func within<Value>(
        _ deadline: MonotonicTime?, _ body: () async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        guard let deadline, deadline < .distantFuture else { return try await body() }
        let result: Result<Value, StorageError> = await $current.withValue(deadline) {
            do throws(StorageError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
