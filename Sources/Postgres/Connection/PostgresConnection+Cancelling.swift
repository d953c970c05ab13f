internal import CLibPQ
internal import CarillonNet

// A unit that was sent cannot be taken back. When its waiter has left and the server is still at it after a moment, the
// server is told to cancel what it runs. The answers come in order, so the oldest unit is the one that runs; but it may end
// before the request arrives, and then the next one is hit. A unit that is hit so has been rolled back as a whole, and is
// sent again (`CancelWindow`).
extension PostgresConnection {
    /// The waiter of a unit has left, or another exchange is the oldest: sees to it that a unit that nobody waits for does
    /// not run for long.
    func lookAtOldest() {
        guard cancelTimer == nil, case .unit(let pending) = inFlight.first, pending.isFinished else { return }
        // Without a pause the timer would be due again in the tick in which it fires, for ever.
        let pause = max(configuration.cancelPause, .milliseconds(1))
        cancelTimer = loop.schedule(after: pause) { [weak self] in self?.cancelIfUnwanted(pending) }
    }

    /// Has the server cancel a unit, if it is at it still. Looks again later, in case that the request does not hit.
    private func cancelIfUnwanted(_ pending: PendingUnit) {
        cancelTimer = nil
        if case .unit(let oldest) = inFlight.first, oldest === pending { cancel() }
        lookAtOldest()
    }

    private func cancel() {
        guard !cancelWindow.isSending, let handle, let request = CancelRequest(handle) else { return }
        cancelWindow.begin()
        let loop = self.loop
        loop.spawn {
            try? await loop.offload { request.send() }
            // The loop may have ended meanwhile.
            if loop.isOnLoop { self.cancelWindow.carriedOut(inFlight: self.inFlight.count) }
        }
    }
}
