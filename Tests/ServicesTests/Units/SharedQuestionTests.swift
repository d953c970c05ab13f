import CarillonGRPC
import CarillonNet
import Domain
import Storage
import Testing

@testable import Services

/// Work that several callers wait for together, each for as long as it likes.
@Suite struct SharedQuestionTests {
    @Test func whoDoesNotWaitForeverTakesNothingFromTheOthers() async throws {
        let loop = EventLoop(name: "questions")
        try await loop.run { () async throws in
            let questions = SharedQuestions<String, Int>()
            let work = Work()
            let ask: @Sendable (String) async throws(StorageError) -> Int = { _ throws(StorageError) in
                work.begun += 1
                await work.end()
                return work.begun
            }
            for patience in [Duration.milliseconds(20), .zero] {
                do throws(Status) {
                    let answer = try await questions.answer(
                        to: "acme", on: loop, until: loop.now.advanced(by: patience), ask)
                    Issue.record("it answered \(answer)")
                } catch {
                    #expect(error.code == .deadlineExceeded)
                }
            }
            loop.schedule(after: .milliseconds(20)) { work.letEnd() }
            #expect(try await questions.answer(to: "acme", on: loop, ask) == 1)
            // Nobody waits for the first one any more, so this is another.
            #expect(try await questions.answer(to: "acme", on: loop, ask) == 2)
        }
        await loop.shutDown()
    }

    /// Something that takes until it is let end. Confined to the loop.
    private final class Work: @unchecked Sendable {
        var begun = 0
        private var mayEnd = false
        private var waiting: CheckedContinuation<Void, Never>?

        func end() async {
            guard !mayEnd else { return }
            await withCheckedContinuation { waiting = $0 }
        }

        func letEnd() {
            mayEnd = true
            waiting?.resume()
            waiting = nil
        }
    }
}
