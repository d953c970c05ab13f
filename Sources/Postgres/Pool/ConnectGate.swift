internal import CarillonNet
internal import DequeModule
internal import Synchronization

/// Lets only so many connections of the process be made at the same time; the others wait in line. A server that comes
/// back, or has just been promoted, is then met by a few handshakes of each process and not by all of its connections.
///
/// Any thread.
final class ConnectGate: Sendable {
    /// That of the process.
    static let shared = ConnectGate(limit: 8)

    /// One connection's place: in line, inside, and then over. Leaving is harmless when it is over.
    final class Place: Sendable {
        fileprivate enum State { case waiting, inside, over }
        // Only touched under the gate's lock.
        fileprivate let state = Mutex(State.waiting)
        private let gate: ConnectGate
        fileprivate let loop: EventLoop
        fileprivate let onEntering: @Sendable () -> Void

        fileprivate init(_ gate: ConnectGate, _ loop: EventLoop, _ onEntering: @escaping @Sendable () -> Void) {
            (self.gate, self.loop, self.onEntering) = (gate, loop, onEntering)
        }

        /// Lets the next one in, or leaves the line.
        func leave() {
            gate.leave(self)
        }

        fileprivate var isInside: Bool { state.withLock { $0 == .inside } }
    }

    private struct State {
        var inside = 0
        var line: Deque<Place> = []
    }
    private let state = Mutex(State())
    private let limit: Int

    /// A gate for so many at a time.
    init(limit: Int) {
        self.limit = limit
    }

    /// Asks to be let in.
    ///
    /// - Parameters:
    ///   - loop: where `onEntering` is called; on its thread.
    ///   - onEntering: called once when there is room, at once if there is; not after the place was left.
    func enter(on loop: EventLoop, _ onEntering: @escaping @Sendable () -> Void) -> Place {
        let place = Place(self, loop, onEntering)
        let isLetIn = state.withLock { state in
            guard state.inside < limit else {
                state.line.append(place)
                return false
            }
            state.inside += 1
            place.state.withLock { $0 = .inside }
            return true
        }
        if isLetIn { onEntering() }
        return place
    }

    private func leave(_ place: Place) {
        let next: Place? = state.withLock { state in
            let before = place.state.withLock { current in
                defer { current = .over }
                return current
            }
            switch before {
            case .over: return nil
            case .waiting:
                state.line.removeAll { $0 === place }
                return nil
            case .inside:
                guard let next = state.line.popFirst() else {
                    state.inside -= 1
                    return nil
                }
                next.state.withLock { $0 = .inside }
                return next
            }
        }
        guard let next else { return }
        // It may leave before its loop comes to this.
        next.loop.execute { if next.isInside { next.onEntering() } }
    }
}
