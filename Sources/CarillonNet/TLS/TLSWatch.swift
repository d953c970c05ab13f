internal import Synchronization

/// What a look at the files of a context came to, when it came to something: one line for the log each.
package enum TLSReload: Sendable, CustomStringConvertible {
    /// New connections use what the files hold now.
    case replaced(String)
    /// The files have changed and are of no use; new connections go on with what was there.
    case refused(TLSError)

    /// One line for the log.
    package var description: String {
        switch self {
        case .replaced(let what): "new TLS files are in use: \(what)"
        case .refused(let error): "new TLS files cannot be used, the old ones stay: \(error)"
        }
    }
}

/// Looks now and then whether the files of a context have changed, and has them read when they did: certificates are
/// renewed without a restart, and no connection notices.
///
/// A change is taken when two looks in a row saw the same: who writes a certificate and its key one after the other is not
/// met in between. Files are looked at and read on the pool.
package final class TLSWatch: Sendable {
    private let task: Task<Void, Never>

    /// Begins to look, until ``stop()``. Any thread.
    ///
    /// - Parameters:
    ///   - pause: between two looks; a change is in use after two pauses at the latest.
    ///   - report: called on the loop, once for each change.
    package init(
        _ context: TLSContext, on loop: EventLoop, every pause: Duration = .seconds(5),
        report: @escaping @Sendable (TLSReload) -> Void
    ) {
        let files = context.role.files
        // What the material was made of, whenever that was: what changed since then is met by the first two looks.
        let taken = context.current.stamps
        task = loop.spawn {
            var change = FileChange(taken: taken)
            while true {
                do {
                    try await loop.sleep(for: pause)
                    let seen = try await loop.offload { files.map { FileStamp($0) } }
                    guard change.look(seen) else { continue }
                    let outcome = try await loop.offload { () -> TLSReload in
                        do throws(TLSError) { return .replaced(try context.reload()) } catch { return .refused(error) }
                    }
                    report(outcome)
                } catch {
                    return
                }
            }
        }
    }

    /// Ends the looking, and returns when the last look is over; the loop must go on until then. Any thread.
    package func stop() async {
        task.cancel()
        await task.value
    }
}

/// Says when a change of files is complete: when two looks in a row saw the same, other than what was taken last.
struct FileChange {
    private var taken: [FileStamp]
    private var previous: [FileStamp]?

    init(taken: [FileStamp]) {
        self.taken = taken
    }

    /// Whether what is seen is to be taken now; then it counts as taken, whatever comes of it.
    mutating func look(_ seen: [FileStamp]) -> Bool {
        defer { previous = seen }
        guard seen != taken, seen == previous else { return false }
        taken = seen
        return true
    }
}
