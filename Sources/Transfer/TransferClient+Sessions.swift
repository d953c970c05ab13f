internal import CarillonNet

/// Sessions with mail relays between two messages.
extension TransferClient {
    /// The session that was used last, which the relay is least likely to have closed.
    func takeIdleSession(for route: MailRoute) -> MailConnection? {
        guard let session = idleSessions[route]?.popLast() else { return nil }
        idleCount -= 1
        if idleSessions[route]?.isEmpty == true { idleSessions[route] = nil }
        session.onIdleEnd = nil
        return session
    }

    func makeSession(for route: MailRoute) -> MailConnection {
        openedSessions += 1
        return MailConnection(route: route, loop: loop, multi: mailMulti)
    }

    /// Keeps a session for reuse; the one that waits longest goes when there are too many.
    func keep(_ session: MailConnection) {
        if idleCount >= limits.idleConnections { closeLongestIdle() }
        idleSessions[session.route, default: []].append(session)
        idleCount += 1
        session.onIdleEnd = { [unowned self, unowned session] in forget(session) }
        session.expire(after: limits.idleTimeout)
    }

    private func closeLongestIdle() {
        // The first of each route is its oldest.
        let oldest = idleSessions.values.compactMap(\.first).min { $0.idleSince < $1.idleSince }
        guard let oldest else { return }
        forget(oldest)
        oldest.close()
    }

    private func forget(_ session: MailConnection) {
        guard let index = idleSessions[session.route]?.firstIndex(where: { $0 === session }) else { return }
        idleSessions[session.route]?.remove(at: index)
        idleCount -= 1
        if idleSessions[session.route]?.isEmpty == true { idleSessions[session.route] = nil }
    }
}
