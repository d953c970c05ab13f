import Testing

@testable import CarillonNet

@Suite struct TurnQueueTests {
    private final class Note: TurnTaker, TickParticipant, @unchecked Sendable {
        let number: Int
        private let act: (Int) -> Void

        init(_ number: Int, _ act: @escaping (Int) -> Void) {
            self.number = number
            self.act = act
        }

        func takeTurn() { act(number) }
        func endOfTick() { act(number) }
    }

    @Test func whoCameFirstIsServedFirstAndMayComeAgain() {
        var queue = TurnQueue()
        for number in 0..<3000 { queue.append(Note(number) { _ in }) }
        var served: [Int] = []
        while let taker = queue.popFirst() as? Note {
            served.append(taker.number)
            // Every third comes again, once.
            if taker.number < 3000, taker.number.isMultiple(of: 3) { queue.append(Note(3000 + taker.number) { _ in }) }
        }
        #expect(served == Array(0..<3000) + stride(from: 3000, to: 6000, by: 3))
        #expect(queue.isEmpty)
    }

    /// What others have to do comes between the turns of one tick and those of the next.
    @Test func onlyAFewTurnsAreTakenInATick() async {
        let loop = EventLoop(name: "test")
        let perTick = TurnQueue.turnsPerTick
        let seen = await loop.run {
            await withUnsafeContinuation { continuation in
                let log = Log()
                for number in 0..<(3 * perTick) {
                    loop.waitForTurn(
                        Note(number) { number in
                            log.seen.append(number)
                            if number.isMultiple(of: perTick) {
                                loop.atEndOfTick(Note(-1) { log.seen.append($0) })
                            }
                            if number == 3 * perTick - 1 { continuation.resume(returning: log.seen) }
                        })
                }
            }
        }
        let turns = Array(0..<(3 * perTick))
        #expect(
            seen == Array(turns[..<perTick]) + [-1] + Array(turns[perTick..<(2 * perTick)]) + [-1]
                + Array(turns[(2 * perTick)...]))
        await loop.shutDown()
    }

    /// Touched on the loop only.
    private final class Log: @unchecked Sendable {
        var seen: [Int] = []
    }
}
