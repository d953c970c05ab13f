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
        let pairs = parameters.keywordsAndValues
        handle = Self.withCStrings(pairs.map(\.keyword)) { keywords in
            Self.withCStrings(pairs.map(\.value)) { values in PQconnectStartParams(keywords, values, 0) }
        }
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
        for (name, value) in settings {
            send(text: "SET \(name) TO \(value)", as: .setting)
        }
        for (name, text) in [(Self.begin, "BEGIN"), (Self.commit, "COMMIT"), (Self.rollback, "ROLLBACK")] {
            send(.setting) { PQsendPrepare($0, name, text, 0, nil) }
        }
        sendSync()
    }

    private var settings: [(name: String, value: String)] {
        let fixed = [
            ("statement_timeout", Self.milliseconds(configuration.statementTimeout)),
            ("lock_timeout", Self.milliseconds(configuration.lockTimeout)),
            ("idle_in_transaction_session_timeout", Self.milliseconds(configuration.idleInTransactionTimeout)),
            ("search_path", "''"),
            ("TimeZone", "'UTC'"),
        ]
        return fixed
            + configuration.sessionSettings.sorted { $0.key < $1.key }.map { name, value in
                (Self.quoted(name, "\""), Self.quoted(value, "'"))
            }
    }

    /// PostgreSQL takes whole milliseconds, and zero for none: a short limit must not become no limit.
    static func milliseconds(_ duration: Duration) -> String {
        guard duration > .zero else { return "0" }
        return String(min(max(1, duration.wholeNanoseconds / 1_000_000), Int64(Int32.max)))
    }

    private static func quoted(_ text: String, _ quote: Character) -> String {
        let doubled = text.split(separator: quote, omittingEmptySubsequences: false).joined(
            separator: "\(quote)\(quote)")
        return "\(quote)\(doubled)\(quote)"
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let copies = strings.map { Array($0.utf8CString) }
        // The copies are moved into one buffer so that all pointers are valid together.
        let buffer = copies.flatMap(\.self)
        return buffer.withUnsafeBufferPointer { buffer in
            var pointers: [UnsafePointer<CChar>?] = []
            var offset = 0
            for copy in copies {
                pointers.append(buffer.baseAddress.map { $0 + offset })
                offset += copy.count
            }
            pointers.append(nil)
            return body(pointers)
        }
    }

    private func notice(_ report: ServerReport) {
        if report.isFatal { lastWord = report }
        configuration.onEvent(.notice(connection: number, report))
    }
}
