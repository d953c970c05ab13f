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

    /// Called by libpq for what the server says beside its answers, in its place between them.
    func notice(_ report: ServerReport) {
        if report.isFatal { lastWord = report }
        if report.severity == "WARNING", machine.isAtCommit { isCommitInDoubt = true }
        configuration.onEvent(.notice(connection: number, report))
    }
}
