internal import CarillonNet

// How the writers of streaming answers wait for the room that streams share. Unary answers do not wait: they are refused.
extension ConnectionState {
    /// Whether a writer has to wait: others wait already, or there is no room.
    var mustWait: Bool { !line.isEmpty || !hasRoomForOutput }

    /// A writer begins to wait.
    func enterLine(_ waiter: Waiter) {
        line.append(waiter)
        if !isFull { part.waiting.insert(self) }
    }

    /// Whether it is the turn of a writer, and there is room.
    func isTurn(of waiter: Waiter) -> Bool { line.first === waiter && hasRoomForOutput }

    /// A writer goes on or gives up; the next looks whether there is room behind what he sends.
    func leaveLine(_ waiter: Waiter) {
        line.remove(waiter)
        if line.isEmpty { part.waiting.remove(self) }
        outputMoved()
    }

    /// Octets were queued or sent since this was said last: who waits for that may go on.
    func outputMoved() {
        countOutput()
        if !line.isEmpty, !isFull {
            if hasRoomForOutput { line.first?.wake() } else { part.waiting.insert(self) }
        }
        part.letWriterOn()
    }
}
