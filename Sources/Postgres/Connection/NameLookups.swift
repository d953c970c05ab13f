internal import CarillonNet
internal import Synchronization

/// The look-ups of host names of a process: one at a time for each name, whoever asks, since each takes a thread of libuv's
/// pool for as long as the system's resolver takes. A name server that is away must not take all of them.
///
/// What a name had last is kept and used while nobody can be asked: names of databases change their addresses seldom, and
/// a name server may be away for the very reason for which the database is. Any thread.
final class NameLookups: Sendable {
    /// Those of the process.
    static let shared = NameLookups()

    private struct State {
        var known: [String: [String]] = [:]
        var waiting: [String: [@Sendable () -> Void]] = [:]
    }
    private let state = Mutex(State())
    private let resolver: @Sendable (String) -> HostResolution.Answer
    /// Names come from settings; a test's processes have more than a few.
    private static let nameLimit = 256

    /// - Parameter resolver: looks one name up, and may block.
    init(resolver: @escaping @Sendable (String) -> HostResolution.Answer = { HostResolution.look(up: $0) }) {
        self.resolver = resolver
    }

    /// The addresses that a name had when it was last looked up; empty when it has none.
    func addresses(of name: String) -> [String] {
        state.withLock { $0.known[name] ?? [] }
    }

    /// Looks a name up, or joins who does.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - loop: whose thread pool is used; on its thread.
    ///   - done: called on `loop` when there is an answer, unless the loop has ended: then anywhere.
    func look(up name: String, on loop: EventLoop, done: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            state.waiting[name, default: []].append { loop.execute(done) }
            return state.waiting[name]?.count == 1
        }
        guard isFirst else { return }
        loop.spawn { try? await loop.offload { self.resolve(name) } }
    }

    private func resolve(_ name: String) {
        let answer = resolver(name)
        let waiting = state.withLock { state in
            switch answer {
            case .addresses(let addresses):
                if state.known.count >= Self.nameLimit { state.known = [:] }
                state.known[name] = addresses
            case .none: state.known[name] = nil
            case .noAnswer: break
            }
            return state.waiting.removeValue(forKey: name) ?? []
        }
        for done in waiting { done() }
    }
}
