import Testing

@testable import Postgres

/// Transcripts: what was sent, what came back, what was decided.
@Suite struct PipelineStateMachineTests {
    typealias Answer = PipelineStateMachine.Answer
    typealias Action = PipelineStateMachine.Action

    private var machine = PipelineStateMachine()

    private mutating func sendUnit(role: Bool = true, prepare: Bool = false, queries: Int = 1) {
        machine.begin(.unit)
        machine.sent(.begin)
        if role { machine.sent(.setRole) }
        for query in 0..<queries {
            if prepare { machine.sent(.prepare(query: query)) }
            machine.sent(.query(query))
        }
        machine.sent(.commit)
        machine.sent(.sync)
    }

    private mutating func sendRepair() {
        machine.begin(.repair)
        machine.sent(.rollback)
        machine.sent(.sync)
    }

    /// Gives the answer to one whole command.
    private mutating func answer(_ answer: Answer) -> Action {
        let action = machine.receive(answer)
        #expect(machine.receive(.endOfCommand) == .nothing)
        return action
    }

    private func error(_ sqlState: String, isFatal: Bool = false) -> Answer {
        .failure(sqlState: sqlState, isFatal: isFatal)
    }

    @Test mutating func aUnitCommits() {
        sendUnit(prepare: true, queries: 2)
        #expect(machine.unitsInFlight == 1)
        #expect(answer(.success) == .nothing)
        #expect(answer(.success) == .nothing)
        #expect(answer(.success) == .confirmPrepared(query: 0))
        #expect(answer(.success) == .keepResult(query: 0))
        #expect(answer(.success) == .confirmPrepared(query: 1))
        #expect(answer(.success) == .keepResult(query: 1))
        #expect(answer(.success) == .nothing)
        #expect(machine.receive(.sync) == .finish(.succeeded))
        #expect(!machine.isWaiting)
        #expect(machine.unitsInFlight == 0)
    }

    @Test mutating func unitsBehindAFailedOneAreRefusedAndLaterOnesRun() {
        sendUnit()
        sendUnit()
        sendUnit(role: false)
        // The first fails at its query; its COMMIT is skipped, so its transaction stays open.
        #expect(answer(.success) == .nothing)
        #expect(answer(.success) == .nothing)
        #expect(answer(error("23505")) == .keepFailure(at: .query(0), leavesTransactionOpen: true))
        #expect(answer(.skipped) == .nothing)
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: true)))
        sendRepair()
        sendUnit()
        // Those that were already on their way have not run.
        #expect(answer(error("25P02")) == .nothing)
        for _ in 0..<3 { #expect(answer(.skipped) == .nothing) }
        #expect(machine.receive(.sync) == .finish(.refused(needsRepair: false)))
        #expect(answer(error("25P02")) == .nothing)
        for _ in 0..<2 { #expect(answer(.skipped) == .nothing) }
        #expect(machine.receive(.sync) == .finish(.refused(needsRepair: false)))
        // The repair, then the one that was sent behind it.
        #expect(answer(.success) == .nothing)
        #expect(machine.receive(.sync) == .finish(.succeeded))
        for expected: Action in [.nothing, .nothing, .keepResult(query: 0), .nothing] {
            #expect(answer(.success) == expected)
        }
        #expect(machine.receive(.sync) == .finish(.succeeded))
        #expect(!machine.isWaiting)
    }

    @Test mutating func aFailedCommitEndsItsTransaction() {
        sendUnit(role: false)
        sendUnit(role: false)
        _ = answer(.success)
        _ = answer(.success)
        #expect(answer(error("40001")) == .keepFailure(at: .commit, leavesTransactionOpen: false))
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: false)))
        #expect(answer(.success) == .nothing)
    }

    @Test(arguments: [("25P02", Action.nothing), ("26000", .keepFailure(at: .begin, leavesTransactionOpen: false))])
    mutating func onlyAFailedTransactionRefusesBegin(sqlState: String, expected: Action) {
        sendUnit(role: false)
        #expect(answer(error(sqlState)) == expected)
        _ = answer(.skipped)
        _ = answer(.skipped)
        let outcome: PipelineStateMachine.Outcome =
            sqlState == "25P02" ? .refused(needsRepair: true) : .failed(needsRepair: false)
        #expect(machine.receive(.sync) == .finish(outcome))
    }

    @Test mutating func aMissingCommitStatementLeavesTheTransactionOpen() {
        sendUnit(role: false)
        _ = answer(.success)
        _ = answer(.success)
        #expect(answer(error("26000")) == .keepFailure(at: .commit, leavesTransactionOpen: true))
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: true)))
    }

    /// Any command can be cancelled in another one's place. BEGIN and COMMIT may then leave their transaction open.
    @Test mutating func whatWasCancelledIsRepaired() {
        sendUnit(role: false)
        #expect(answer(error("57014")) == .keepFailure(at: .begin, leavesTransactionOpen: true))
        for _ in 0..<2 { _ = answer(.skipped) }
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: true)))
        sendRepair()
        sendUnit(role: false)
        #expect(answer(error("57014")) == .nothing)
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: true)))
        sendRepair()
        #expect(answer(error("25P02")) == .nothing)
        for _ in 0..<2 { _ = answer(.skipped) }
        #expect(machine.receive(.sync) == .finish(.refused(needsRepair: false)))
        #expect(answer(.success) == .nothing)
        #expect(machine.receive(.sync) == .finish(.succeeded))
        sendUnit(role: false)
        _ = answer(.success)
        _ = answer(.success)
        #expect(answer(error("57014")) == .keepFailure(at: .commit, leavesTransactionOpen: true))
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: true)))
    }

    @Test mutating func aFailedRollbackClosesTheConnection() {
        sendRepair()
        #expect(machine.receive(error("26000")) == .close)
    }

    @Test mutating func deallocationsThatDidNotRunAreKept() {
        machine.begin(.deallocation)
        for place in 0..<3 { machine.sent(.deallocate(place)) }
        machine.sent(.sync)
        #expect(answer(.success) == .nothing)
        // Already gone, which was wanted; but it makes the server skip the next one.
        #expect(answer(error("26000")) == .nothing)
        #expect(answer(.skipped) == .keepStatement(2))
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: false)))
        machine.begin(.deallocation)
        machine.sent(.deallocate(0))
        machine.sent(.sync)
        #expect(answer(error("25P02")) == .keepStatement(0))
    }

    @Test mutating func settingUpFailsAsAWhole() {
        machine.begin(.setUp)
        for _ in 0..<2 { machine.sent(.setting) }
        machine.sent(.sync)
        #expect(answer(error("42704")) == .keepFailure(at: .setting, leavesTransactionOpen: false))
        #expect(answer(.skipped) == .nothing)
        #expect(machine.receive(.sync) == .finish(.failed(needsRepair: false)))
    }

    // MARK: Answers that cannot be

    @Test(arguments: [Answer.success, .skipped, .sync, .endOfCommand])
    mutating func nothingIsExpectedOfAQuietConnection(answer: Answer) {
        #expect(machine.receive(answer) == .close)
    }

    @Test(arguments: [Answer.sync, .endOfCommand, .skipped])
    mutating func aCommandIsAnsweredFirst(answer: Answer) {
        sendUnit()
        #expect(machine.receive(answer) == .close)
    }

    @Test mutating func aCommandHasOneAnswer() {
        sendUnit()
        #expect(machine.receive(.success) == .nothing)
        #expect(machine.receive(.success) == .close)
    }

    @Test mutating func nothingSucceedsAfterAFailure() {
        sendUnit()
        _ = answer(.success)
        _ = answer(error("42501"))
        #expect(machine.receive(.success) == .close)
    }

    @Test mutating func onlySyncEndsAUnit() {
        sendUnit(role: false, queries: 0)
        _ = answer(.success)
        _ = answer(.success)
        #expect(machine.receive(.success) == .close)
    }

    // MARK: What is known when the connection is lost

    @Test mutating func withoutAWordEverythingIsUnknown() {
        sendUnit()
        sendUnit()
        _ = answer(.success)
        #expect(machine.fates() == [.unknown, .unknown])
    }

    @Test mutating func anAnsweredCommitIsKnownBeforeItsSync() {
        sendUnit(role: false)
        sendUnit(role: false)
        for _ in 0..<3 { _ = answer(.success) }
        #expect(machine.fates() == [.succeeded, .unknown])
        #expect(machine.receive(error("57P01", isFatal: true)) == .close)
        #expect(machine.fates() == [.succeeded, .notRun])
    }

    @Test mutating func afterTheServersLastWordNothingRan() {
        sendUnit()
        sendUnit()
        #expect(
            machine.receive(error("57P01", isFatal: true)) == .keepFailure(at: .begin, leavesTransactionOpen: false))
        #expect(machine.fates() == [.failed, .notRun])
    }

    @Test mutating func aFatalReportAtCommitSaysNothing() {
        sendUnit(role: false, queries: 0)
        sendUnit()
        _ = answer(.success)
        _ = machine.receive(error("57P01", isFatal: true))
        #expect(machine.fates() == [.failedAtCommit, .notRun])
    }

    @Test mutating func behindAFailureNothingRanUntilTheRepair() {
        sendUnit(role: false)
        sendUnit()
        _ = answer(.success)
        _ = answer(error("22001"))
        #expect(machine.fates() == [.failed, .notRun])
        _ = answer(.skipped)
        _ = machine.receive(.sync)
        sendRepair()
        sendUnit()
        #expect(machine.fates() == [.notRun, .unknown, .unknown])
        _ = answer(error("25P02"))
        #expect(machine.fates() == [.notRun, .unknown, .unknown])
    }
}
