internal import CLibPQ
internal import CarillonNet

extension PostgresConnection {
    /// Takes the connection string apart and has names looked up on the loop's thread pool.
    func beginConnecting() {
        let parsed: ConnectionParameters
        do {
            parsed = try ConnectionParameters(
                configuration.connectionInfo, applicationName: configuration.applicationName)
        } catch {
            // The owner must not be called back from within start().
            state = .resolving
            return loop.execute { self.close(error) }
        }
        state = .resolving
        guard parsed.hosts.contains(where: \.needsResolution) else { return connect(parsed) }
        loop.spawn {
            let hosts = try? await self.loop.offload { HostResolution.resolve(parsed.hosts) }
            var resolved = parsed
            resolved.hosts = hosts ?? []
            guard self.state == .resolving else { return }
            guard !resolved.hosts.isEmpty else {
                return self.close(PostgresError(.connectionFailed, "the host's name has no address"))
            }
            self.connect(resolved)
        }
    }

    private func connect(_ parameters: ConnectionParameters) {
        state = .connecting
        handle = parameters.beginConnecting()
        guard let handle, PQstatus(handle) != CONNECTION_BAD else {
            return loop.execute { if self.state == .connecting { self.lose("connecting failed") } }
        }
        // Safe unretained: libpq calls the receiver only within our calls, and PQfinish comes before deinit.
        PQsetNoticeReceiver(
            handle,
            { argument, result in
                guard let argument, let result, let report = ServerReport(result) else { return }
                Unmanaged<PostgresConnection>.fromOpaque(argument).takeUnretainedValue().notice(report)
            }, Unmanaged.passUnretained(self).toOpaque())
        // "behave as if PQconnectPoll last returned PGRES_POLLING_WRITING" (manual, 34.1)
        watchWhileConnecting(.writable)
    }

    private func poll() {
        guard let handle, state == .connecting else { return }
        // PQconnectPoll may close the descriptor and open another one by the same number, which an open watch would
        // take for the old one.
        watch?.close()
        watch = nil
        switch PQconnectPoll(handle) {
        case PGRES_POLLING_READING: watchWhileConnecting(.readable)
        case PGRES_POLLING_WRITING: watchWhileConnecting(.writable)
        case PGRES_POLLING_OK: setUp(handle)
        default: lose("connecting failed")
        }
    }

    private func watchWhileConnecting(_ interest: ReadyEvents) {
        guard let handle else { return }
        let watch = loop.watch(descriptor: PQsocket(handle)) { [weak self] _ in self?.poll() }
        watch.interest = interest
        self.watch = watch
    }

    // MARK: The session

    /// One exchange prepares the session, in one round trip.
    private func setUp(_ handle: OpaquePointer) {
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
        for (name, text) in [(Self.begin, "BEGIN"), (Self.commit, "COMMIT"), (Self.rollback, "ROLLBACK")] {
            send(.setting) { PQsendPrepare($0, name, text, 0, nil) }
        }
        sendSync()
    }

    private func notice(_ report: ServerReport) {
        if report.isFatal { lastWord = report }
        configuration.onEvent(.notice(connection: number, report))
    }
}
