import CarillonNet
import Domain
import Support
import Testing

@testable import Storage

/// A caller's deadline reaches the database.
@Suite(.timeLimit(.minutes(5))) struct CallDeadlineTests {
    @Test func nothingIsAskedBehindTheDeadline() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let past = fixture.loop.now
            let error = await #expect(throws: StorageError.self) {
                try await CallDeadline.within(past) { () async throws(StorageError) in
                    try await tenant.account(AccountID(unchecked: "globex"))
                }
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.isCommitUnknown == false)
            // Only what stands within has the deadline.
            #expect(try await tenant.account(AccountID(unchecked: "globex")) == nil)
        }
    }

    /// The lock is held to the end: only the deadline ends the wait, and the backend's with it.
    @Test func whatWaitsForALockIsGivenUpAtTheServerToo() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let patient = fixture.another(tenant)
            let cluster = try SharedDatabase.sharedCluster()
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant.tenant).account IN ACCESS EXCLUSIVE MODE"], cluster: cluster,
                database: try SharedDatabase.name())
            let deadline = MonotonicTime.current.advanced(by: .milliseconds(100))
            let error = await #expect(throws: StorageError.self) {
                try await CallDeadline.within(deadline) { () async throws(StorageError) in
                    try await patient.account(AccountID(unchecked: "globex"))
                }
            }
            #expect(error?.code == .deadlineExceeded)
            let waits = """
                SELECT 1 FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND query LIKE '%t_\(tenant.tenant).account%'
                """
            try await HeldLock.wait(for: "SELECT 1 WHERE NOT EXISTS (\(waits))", cluster)
            try lock.release()
            try await lock.end()
        }
    }
}
