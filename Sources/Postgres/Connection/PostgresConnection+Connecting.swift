internal import CLibPQ
internal import CarillonNet

// libpq would try the servers of a list by itself, but only where it blocks does it give up one that does not answer: a
// machine that is gone would take the time of all that stand behind it. So each is tried with an attempt of its own.
extension PostgresConnection {
    private var hostTimeout: Duration { target?.connectTimeout ?? configuration.connectTimeout }

    /// Takes the connection string apart and has names looked up on the loop's thread pool.
    func beginConnecting() {
        state = .resolving
        let parsed: ConnectionParameters
        do {
            parsed = try ConnectionParameters(
                configuration.connectionInfo, applicationName: configuration.applicationName)
        } catch {
            // The owner must not be called back from within start().
            return loop.execute { self.close(error) }
        }
        target = parsed
        let names = Set(parsed.hosts.filter(\.needsResolution).map(\.name))
        guard !names.isEmpty else { return tryHosts(parsed.hosts) }
        unresolved = names
        connectTimer = loop.schedule(after: hostTimeout) { [weak self] in self?.namesAreResolved() }
        for name in names {
            configuration.names.look(up: name, on: loop) { [weak self] in
                // The loop may have ended meanwhile.
                guard let self, loop.isOnLoop, state == .resolving else { return }
                unresolved.remove(name)
                if unresolved.isEmpty { namesAreResolved() }
            }
        }
    }

    /// Every name was looked up, or has had its time. One host becomes as many as its name has addresses; a name that has
    /// none is left out.
    private func namesAreResolved() {
        guard state == .resolving, let target else { return }
        connectTimer?.cancel()
        let hosts = target.hosts.flatMap { host in
            guard host.needsResolution else { return [host] }
            return configuration.names.addresses(of: host.name).map { address in
                ConnectionParameters.Host(name: host.name, address: address, port: host.port)
            }
        }
        guard !hosts.isEmpty else {
            return close(PostgresError(.connectionFailed, "the host's name has no address"))
        }
        tryHosts(hosts)
    }

    // MARK: One server after the other

    private func tryHosts(_ hosts: [ConnectionParameters.Host]) {
        state = .connecting
        // Without a host libpq knows one.
        route = memory.order(hosts.isEmpty ? [ConnectionParameters.Host(name: "")] : hosts)
        tryNext()
    }

    private func tryNext() {
        leaveHost()
        guard let target, !route.isEmpty else { return giveUp() }
        let host = route.removeFirst()
        self.host = host
        connectTimer = loop.schedule(after: hostTimeout) { [weak self] in self?.hostIsSilent(host) }
        handle = target.beginConnecting(to: host)
        guard let handle, PQstatus(handle) != CONNECTION_BAD else {
            return loop.execute { self.hostHasRefused(host) }
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

    /// Nobody listens, the session cannot write, the password is wrong, and whatever else is said at once.
    private func hostHasRefused(_ host: ConnectionParameters.Host) {
        guard state == .connecting, self.host == host else { return }
        memory.refused(host)
        refusals.append(handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "out of memory")
        tryNext()
    }

    private func hostIsSilent(_ host: ConnectionParameters.Host) {
        guard state == .connecting || state == .settingUp, self.host == host else { return }
        memory.wasSilent(host)
        isAnyHostSilent = true
        refusals.append("no answer in time from \(host.address ?? host.name)\n")
        // Once a session was begun the exchanges with it are too; the next attempt tries another server first.
        if state == .settingUp { giveUp() } else { tryNext() }
    }

    private func giveUp() {
        let error = PostgresError(
            .connectionFailed, isAnyHostSilent ? "connecting took too long" : "connecting failed",
            serverMessage: refusals.joined())
        close(error)
    }

    /// Drops what was begun with a server.
    private func leaveHost() {
        connectTimer?.cancel()
        // libpq closes the descriptor, so the watch goes first.
        watch?.close()
        watch = nil
        if let handle { PQfinish(handle) }
        handle = nil
        lastWord = nil
    }

    private func poll() {
        guard let handle, let host, state == .connecting else { return }
        // PQconnectPoll may close the descriptor and open another one by the same number, which an open watch would
        // take for the old one.
        watch?.close()
        watch = nil
        switch PQconnectPoll(handle) {
        case PGRES_POLLING_READING: watchWhileConnecting(.readable)
        case PGRES_POLLING_WRITING: watchWhileConnecting(.writable)
        case PGRES_POLLING_OK: setUp(handle)
        default: hostHasRefused(host)
        }
    }

    private func watchWhileConnecting(_ interest: ReadyEvents) {
        guard let handle else { return }
        let watch = loop.watch(descriptor: PQsocket(handle)) { [weak self] _ in self?.poll() }
        watch.interest = interest
        self.watch = watch
    }
}
