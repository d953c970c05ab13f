internal import CLibPQ
internal import CarillonNet

extension PostgresConnection {
    /// One exchange prepares the session, in one round trip.
    func setUp(_ handle: OpaquePointer) {
        state = .settingUp
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            return lose("libpq refused the pipeline mode")
        }
        let watch = loop.watch(descriptor: PQsocket(handle)) { [weak self] in self?.ready($0) }
        watch.interest = .readable
        self.watch = watch

        machine.begin(.setUp)
        inFlight.append(.setUp)
        for command in configuration.sessionCommands { send(text: command, as: .setting) }
        for (name, text) in [
            (Self.begin, "BEGIN"), (Self.commit, "COMMIT"), (Self.rollback, "ROLLBACK"),
            (Self.planOnce, "SET LOCAL plan_cache_mode = force_generic_plan"),
        ] {
            send(.setting) { PQsendPrepare($0, name, text, 0, nil) }
        }
        sendSync()
    }

    /// Called by libpq for what the server says beside its answers, in its place between them.
    func notice(_ report: ServerReport) {
        if report.isFatal { lastWord = report }
        if report.severity == "WARNING", machine.isAtCommit { isCommitInDoubt = true }
        configuration.onEvent(.notice(connection: number, report))
    }
}
