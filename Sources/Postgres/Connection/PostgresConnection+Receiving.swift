internal import CLibPQ
internal import CarillonNet
internal import DequeModule

extension PostgresConnection {
    /// The descriptor is ready.
    func ready(_ events: ReadyEvents) {
        loop.assertOnLoop()
        guard let handle else { return }
        if events.contains(.writable), !isFlushRequested {
            isFlushRequested = true
            loop.atEndOfTick(self)
        }
        guard events.contains(.readable) else { return }
        let loadBefore = load
        // libpq reads at least 8 KiB at a time. A TLS record may hold twice that, and what OpenSSL keeps of it does not
        // make the descriptor readable.
        for _ in 0..<(PQsslInUse(handle) == 1 ? 3 : 1) {
            let isOpen = PQconsumeInput(handle) == 1
            takeAnswers()
            guard state != .closed else { return }
            // A fatal report is the last thing that the server says.
            guard isOpen, lastWord == nil else { return lose("the connection was lost") }
            guard machine.isWaiting else { break }
        }
        // With nothing on its way libpq knows the state of the session; anything but idle is a mistake of ours.
        guard machine.isWaiting || PQtransactionStatus(handle) == PQTRANS_IDLE else {
            return lose("a unit left its transaction open")
        }
        closeIfRetired()
        if state == .ready, load < loadBefore { owner?.connectionHasRoom(self) }
    }

    /// Takes every answer that has come in whole.
    private func takeAnswers() {
        // Asked even if nothing is expected: this is where libpq reads notices and the reason of a shutdown.
        while let handle, PQisBusy(handle) == 0, machine.isWaiting {
            guard let result = PQgetResult(handle) else {
                carryOut(machine.receive(.endOfCommand), nil)
                continue
            }
            guard let answer = answer(of: result) else {
                PQclear(result)
                return lose("the connection was lost")
            }
            take(result, answer)
        }
    }

    private func take(_ result: OpaquePointer, _ answer: PipelineStateMachine.Answer) {
        let action = machine.receive(answer)
        if case .keepResult = action {
            // The result set takes the result over.
            if case .unit(let pending) = inFlight.first { pending.keep(ResultSet(taking: result)) }
            return
        }
        carryOut(action, result)
        PQclear(result)
    }

    /// `nil` for a report that libpq made itself: the line is broken, and it says nothing about the server.
    private func answer(of result: OpaquePointer) -> PipelineStateMachine.Answer? {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return .success
        case PGRES_PIPELINE_SYNC: return .sync
        case PGRES_PIPELINE_ABORTED: return .skipped
        case PGRES_FATAL_ERROR:
            guard let report = ServerReport(result) else { return nil }
            if report.isFatal { lastWord = report }
            return .failure(sqlState: report.sqlState, isFatal: report.isFatal)
        // COPY has no place in a pipeline.
        default: return nil
        }
    }

    private func carryOut(_ action: PipelineStateMachine.Action, _ result: OpaquePointer?) {
        switch action {
        case .nothing, .keepResult: break
        case .confirmPrepared(let query):
            guard case .unit(let pending) = inFlight.first, let name = pending.name(ofPreparedQuery: query) else {
                return
            }
            cache.confirm(pending.unit.queries[query].statement, name: name)
        case .keepFailure(let command, let leavesTransactionOpen):
            if leavesTransactionOpen { cache.forgetUnconfirmed() }
            guard let report = result.flatMap({ ServerReport($0) }) else { return }
            keepFailure(report, at: command)
        case .keepStatement(let place):
            if case .deallocation(let names) = inFlight.first { cache.returnEvicted(names[place]) }
        case .finish(let outcome):
            guard let exchange = inFlight.popFirst() else { return }
            oldestChanged()
            finish(exchange, outcome)
        case .close: lose("the answers do not fit what was sent")
        }
    }

    private func keepFailure(_ report: ServerReport, at command: PipelineStateMachine.Command) {
        guard case .unit(let pending) = inFlight.first else {
            lastWord = report
            return lose("the session could not be set up")
        }
        pending.keep(report, at: command, mayBeHit: cancelWindow.isOpen)
        // Whoever dropped our own statements has dropped the session's settings too.
        if report.sqlState == "26000", command == .begin || command == .commit { retire() }
        // The server was demoted: another one may be the primary now.
        if report.sqlState == "25006" { owner?.connectionFoundServerReadOnly(self) }
    }

    private func finish(_ exchange: InFlight, _ outcome: PipelineStateMachine.Outcome) {
        switch (exchange, outcome) {
        case (.setUp, _): becomeReady()
        case (.unit(let pending), .succeeded):
            hasServed = true
            pending.finish(isCommitInDoubt ? .failure(Self.commitInDoubt) : .success(pending.results))
        case (.unit(let pending), .failed(let needsRepair)):
            hasServed = true
            if needsRepair { sendRepair() }
            fail(pending)
        case (.unit(let pending), .refused(let needsRepair)):
            if needsRepair { sendRepair() }
            // It has not run. If its waiter has left meanwhile, nobody wants it any more.
            if !pending.isFinished { send(pending) }
        case (.repair, .failed(needsRepair: true)): sendRepair()
        case (.repair, _), (.deallocation, _): break
        }
        isCommitInDoubt = false
    }

    private func fail(_ pending: PendingUnit) {
        if pending.takeChanceAfterHit() || pending.takeChanceAfterConflict() { return send(pending) }
        if pending.takeSecondChance() {
            for query in pending.unit.queries where query.statement.prepared {
                cache.forget(query.statement)
            }
            return send(pending)
        }
        let unexplained = PostgresError(.other, "the unit failed without a report")
        pending.finish(.failure(pending.failure ?? unexplained))
    }
}
