import CarillonNet
import Domain
import Storage
import Synchronization
import Testing

@testable import Services

/// A flood of calls that a database refuses must not become a flood on the registry.
@Suite struct TenantSearchTests {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }

    private typealias Look = @Sendable (String) async -> Void

    private static func asked(pause: Duration, _ ask: @escaping @Sendable (@escaping Look) async -> Void) async -> Int {
        let loop = EventLoop(name: "search")
        let count = Count()
        await loop.run {
            let searches = TenantSearches(loop: loop, limit: 4, pause: pause)
            await ask { name in
                _ = await searches.news(of: TenantID(unchecked: name)) { _ throws(StorageError) in
                    count.value.add(1, ordering: .relaxed)
                    throw StorageError(.unavailable, "there is no registry")
                }
            }
        }
        await loop.shutDown()
        return count.value.load(ordering: .relaxed)
    }

    @Test func allThatAskTogetherAreOneQuestion() async {
        let count = await Self.asked(pause: .zero) { look in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<1_000 { group.addTask { await look("acme") } }
            }
        }
        #expect(count == 1)
    }

    @Test(arguments: [(Duration.seconds(3_600), 2), (.zero, 7)])
    func whatWasHeardCountsForAWhile(_ pause: Duration, _ expected: Int) async {
        let count = await Self.asked(pause: pause) { look in
            for _ in 0..<6 { await look("acme") }
            await look("other")
        }
        #expect(count == expected)
    }
}
