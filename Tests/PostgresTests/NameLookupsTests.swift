import CarillonNet
import Foundation
import Support
import Testing

@testable import Postgres

/// Names of servers, and a name server that has its own troubles.
@Suite(.timeLimit(.minutes(5))) struct NameLookupsTests {
    /// A resolver whose answers the test chooses; a name without one blocks until it has one.
    ///
    /// Safe as `@unchecked Sendable` because the lock guards all it has.
    private final class Resolver: @unchecked Sendable {
        private let lock = NSCondition()
        private var answers: [String: HostResolution.Answer] = [:]
        private var asked: [String] = []

        func answer(_ name: String, _ answer: HostResolution.Answer) {
            lock.withLock {
                answers[name] = answer
                lock.broadcast()
            }
        }

        var questions: [String] { lock.withLock { asked } }

        func look(up name: String) -> HostResolution.Answer {
            lock.withLock {
                asked.append(name)
                while true {
                    if let answer = answers[name] { return answer }
                    lock.wait()
                }
            }
        }
    }

    private static func lookUp(_ name: String, _ lookups: NameLookups, on loop: EventLoop) async -> [String] {
        await withCheckedContinuation { continuation in
            lookups.look(up: name, on: loop) { continuation.resume() }
        }
        return lookups.addresses(of: name)
    }

    @Test func oneLookUpAnswersAllWhoAskMeanwhile() async {
        let resolver = Resolver()
        let lookups = NameLookups { resolver.look(up: $0) }
        let loop = EventLoop(name: "test")
        await loop.run {
            async let first = Self.lookUp("db", lookups, on: loop)
            while resolver.questions.isEmpty { await Task.yield() }
            async let second = Self.lookUp("db", lookups, on: loop)
            for _ in 0..<10 { await Task.yield() }
            resolver.answer("db", .addresses(["192.0.2.1"]))
            #expect(await [first, second] == [["192.0.2.1"], ["192.0.2.1"]])
            #expect(resolver.questions == ["db"])
            #expect(await Self.lookUp("db", lookups, on: loop) == ["192.0.2.1"])
            #expect(resolver.questions == ["db", "db"])
        }
        await loop.shutDown()
    }

    @Test func addressesOutliveANameServerButNotTheirName() async {
        let resolver = Resolver()
        let lookups = NameLookups { resolver.look(up: $0) }
        let loop = EventLoop(name: "test")
        await loop.run {
            resolver.answer("db", .addresses(["192.0.2.1"]))
            #expect(await Self.lookUp("db", lookups, on: loop) == ["192.0.2.1"])
            resolver.answer("db", .noAnswer)
            #expect(await Self.lookUp("db", lookups, on: loop) == ["192.0.2.1"])
            resolver.answer("db", .none)
            #expect(await Self.lookUp("db", lookups, on: loop) == [])
        }
        await loop.shutDown()
    }

    /// The look-up of the first name hangs for as long as the test runs.
    @Test func aNameThatIsNotAnsweredDoesNotHoldUpTheOthers() async throws {
        let database = try makeDatabase()
        let resolver = Resolver()
        let lookups = NameLookups { resolver.look(up: $0) }
        let info =
            "host=lost.example,\(database.cluster.folder.path) user=postgres dbname=\(database.name) connect_timeout=1"
        try await withPool(info, configure: { $0.names = lookups }) { pool, _ async throws in
            #expect(try await pool.integer("SELECT 1::int8") == 1)
            #expect(resolver.questions == ["lost.example"])
            // A loop ends when its threads have.
            resolver.answer("lost.example", .none)
        }
    }
}
