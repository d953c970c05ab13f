import CarillonNet
import Domain
import Storage
import Testing

@testable import Services

@Suite("Inbox watchers")
struct InboxWatcherTests {
    @Test("counters that nobody reads give way to newer ones")
    func counters() async throws {
        let loop = EventLoop(name: "watcher")
        let updates = try await loop.run {
            let watcher = InboxWatcher(
                loop: loop, tenant: TenantID(unchecked: "acme"), user: UserID(unchecked: "ann"),
                key: PortalKey(kid: "portal", jwk: "{}"), after: nil)
            for number in 0..<1000 as Range<Int64> {
                let counters = InboxCounters(lastSequence: 7, total: 7, unread: number, unseen: 0)
                if number % 2 == 0 { watcher.take([], counters) } else { watcher.takeChanged([], counters) }
            }
            return try await watcher.next()
        }
        await loop.shutDown()
        #expect(updates.count == 1)
        guard case .counters(let last, cursor: 7)? = updates.last else {
            Issue.record("the last counters are missing")
            return
        }
        #expect(last.unread == 999)
    }
}
