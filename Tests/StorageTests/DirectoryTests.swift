import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct DirectoryTests {
    private static let acme = AccountID(unchecked: "ACME")

    @Test func accountsAreMadeChangedAndListed() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let write = AccountWrite(
                id: Self.acme, displayName: "Acme", assignedUsers: [UserID(unchecked: "rep")],
                billingEmail: "billing@acme.example", notificationsSuppressed: true, timeZone: "Europe/Rome",
                locale: "it")
            let made = try await tenant.upsertAccount(write, stamp: fixture.stamp(), now: fixture.now)
            #expect(made.created)
            #expect(made.record.displayName == "Acme")
            #expect(made.record.assignedUsers == [UserID(unchecked: "rep")])
            #expect(made.record.billingEmail == "billing@acme.example")
            #expect(made.record.notificationsSuppressed)
            #expect(made.record.timeZone == "Europe/Rome")
            #expect(made.record.locale == "it")
            #expect(made.record.createdAt == fixture.now)

            let later = fixture.now.adding(seconds: 1)
            let renamed = try await tenant.upsertAccount(
                AccountWrite(id: Self.acme, displayName: "Acme Inc."), fields: [.displayName],
                expectedRevision: made.record.revision, stamp: fixture.stamp(), now: later)
            #expect(!renamed.created)
            #expect(renamed.record.displayName == "Acme Inc.")
            #expect(renamed.record.billingEmail == "billing@acme.example")
            #expect(renamed.record.updatedAt == later)
            #expect(renamed.record.createdAt == fixture.now)
            #expect(renamed.record.factsVersion > made.record.factsVersion)

            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.upsertAccount(
                    write, expectedRevision: made.record.revision, stamp: fixture.stamp(), now: later)
            }
            #expect(stale.code == .revisionMismatch)
            #expect(try await tenant.account(Self.acme) == renamed.record)
            #expect(try await tenant.account(AccountID(unchecked: "nobody")) == nil)

            for name in ["A1", "B2", "C3"] {
                _ = try await tenant.upsertAccount(
                    AccountWrite(id: AccountID(unchecked: name)), stamp: fixture.stamp(), now: fixture.now)
            }
            let first = try await tenant.accounts(size: 3)
            #expect(first.elements.map(\.id.rawValue) == ["A1", "ACME", "B2"])
            let second = try await tenant.accounts(after: first.next, size: 3)
            #expect(second.elements.map(\.id.rawValue) == ["C3"])
            #expect(second.next == nil)
        }
    }

    @Test func usersAreMadeChangedMovedAndListed() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            for account in [Self.acme, AccountID(unchecked: "OTHER")] {
                _ = try await tenant.upsertAccount(AccountWrite(id: account), stamp: fixture.stamp(), now: fixture.now)
            }
            let ann = UserID(unchecked: "ann")
            let write = UserWrite(
                id: ann, account: Self.acme, displayName: "Ann", status: .invited, isAdmin: true,
                timeZone: "Asia/Tokyo",
                locale: "ja",
                contactPoints: [
                    ContactPoint(channel: .email, address: "ann@acme.example"),
                    ContactPoint(channel: .email, address: "ann@home.example"),
                    ContactPoint(channel: .sms, address: "+390612345", state: .unverified),
                ])
            let before = try await tenant.factsVersions(of: [Self.acme, AccountID(unchecked: "OTHER"), nil]).versions
            let made = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now)
            #expect(made.created)
            #expect(made.record.status == .invited)
            #expect(made.record.isAdmin)
            #expect(!made.record.isTeamMember)
            #expect(made.record.contactPoint(on: .email)?.address == "ann@acme.example")
            #expect(made.record.contactPoint(on: .sms)?.state == .unverified)
            let between = try await tenant.factsVersions(of: [Self.acme, AccountID(unchecked: "OTHER"), nil]).versions
            #expect(between[Self.acme] == before[Self.acme].map { $0 + 1 })
            #expect(between[AccountID(unchecked: "OTHER")] == before[AccountID(unchecked: "OTHER")])
            #expect(between[AccountID?.none] == before[AccountID?.none])

            // A user who moves changes the facts of both accounts.
            var move = write
            move.account = AccountID(unchecked: "OTHER")
            let moved = try await tenant.upsertUser(
                move, fields: [.account], expectedRevision: made.record.revision, stamp: fixture.stamp(),
                now: fixture.now)
            #expect(moved.record.account == AccountID(unchecked: "OTHER"))
            #expect(moved.record.contactPoints == made.record.contactPoints)
            let after = try await tenant.factsVersions(of: [Self.acme, AccountID(unchecked: "OTHER")]).versions
            #expect(after[Self.acme] == between[Self.acme].map { $0 + 1 })
            #expect(after[AccountID(unchecked: "OTHER")] == between[AccountID(unchecked: "OTHER")].map { $0 + 1 })

            // Who means a user of one account does not move one of another.
            let kept = try await storageError { () async throws(StorageError) in
                try await tenant.upsertUser(write, keepsAccount: true, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(kept.code == .revisionMismatch)

            let homeless = try await storageError { () async throws(StorageError) in
                try await tenant.upsertUser(
                    UserWrite(id: UserID(unchecked: "bob"), account: AccountID(unchecked: "nowhere")),
                    stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(homeless.code == .referenceMissing)
            let stale = try await storageError { () async throws(StorageError) in
                var change = write
                change.contactPoints = []
                return try await tenant.upsertUser(
                    change, expectedRevision: made.record.revision, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            #expect(try await tenant.users([ann, UserID(unchecked: "bob")]) == [ann: moved.record])

            for name in ["zoe", "amy"] {
                _ = try await tenant.upsertUser(
                    UserWrite(id: UserID(unchecked: name), isTeamMember: true), stamp: fixture.stamp(), now: fixture.now
                )
            }
            let team = try await tenant.users(of: nil, size: 1)
            #expect(team.elements.map(\.id.rawValue) == ["amy"])
            #expect(try await tenant.users(of: nil, after: team.next, size: 1).elements.map(\.id.rawValue) == ["zoe"])
            #expect(try await tenant.users(of: AccountID(unchecked: "OTHER"), size: 9).elements == [moved.record])
        }
    }

    @Test func aUserWhoKeepsTheAccountIsNotMoved() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let other = AccountID(unchecked: "OTHER")
            for account in [Self.acme, other] {
                _ = try await tenant.upsertAccount(AccountWrite(id: account), stamp: fixture.stamp(), now: fixture.now)
            }
            let ann = UserID(unchecked: "ann")
            let write = UserWrite(id: ann, account: Self.acme, displayName: "Ann")
            #expect(
                try await tenant.upsertUser(write, keepsAccount: true, stamp: fixture.stamp(), now: fixture.now).created
            )
            #expect(
                try await !tenant.upsertUser(write, keepsAccount: true, stamp: fixture.stamp(), now: fixture.now)
                    .created)
            for account in [other, nil] {
                let moved = try await storageError { () async throws(StorageError) in
                    try await tenant.upsertUser(
                        UserWrite(id: ann, account: account, displayName: "Moved"), keepsAccount: true,
                        stamp: fixture.stamp(), now: fixture.now)
                }
                #expect(moved.code == .revisionMismatch)
            }
            let stored = try await tenant.users([ann])[ann]
            #expect(stored?.account == Self.acme)
            #expect(stored?.displayName == "Ann")
        }
    }

    @Test func whatTheWorkerFindsOutOfAnAddressIsInTheAudit() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let ann = UserWrite(
                id: UserID(unchecked: "ann"), contactPoints: [ContactPoint(channel: .email, address: "ann@x.example")])
            _ = try await tenant.upsertUser(ann, stamp: fixture.stamp(), now: fixture.now)
            let before = try await tenant.audit(size: 10).elements.count
            for address in ["ann@x.example", "ann@x.example"] {
                try await tenant.suppress(
                    [NewSuppression(Address(.email, address), .hardBounced, at: fixture.now, reason: "recipient")],
                    source: .worker, stamp: AuditStamp(id: fixture.id(), actor: "worker", origin: ""))
            }
            let lines = try await tenant.audit(size: 10).elements
            #expect(lines.count == before + 1, "once")
            let line = try #require(lines.first)
            #expect(line.actor == "worker" && line.action == "address.suppress" && line.object == "suppressions")
            #expect(line.before == nil)
            let said = try #require(line.after)
            for part in [
                #""state": "hard_bounced""#, #""reason": "recipient""#, #""address": "a***@x.example""#,
                #""channel": "email""#, #""source": "worker""#, #""user_ids": ["ann"]"#,
            ] {
                #expect(said.contains(part), "\(part) in \(said)")
            }
        }
    }

    @Test func aBadAddressStaysBadWhenItIsGivenUpAndTakenAgain() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            var write = UserWrite(
                id: UserID(unchecked: "ann"), contactPoints: [ContactPoint(channel: .email, address: "a@x.example")])
            _ = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now)
            let before = try #require(try await tenant.factsVersions(of: [nil]).versions[AccountID?.none])
            for address in ["a@x.example", "gone@x.example"] {
                try await tenant.suppress(
                    [NewSuppression(Address(.email, address), .hardBounced, at: fixture.now, reason: "mailbox")],
                    source: .worker, stamp: fixture.stamp())
            }
            #expect(try await tenant.factsVersions(of: [nil]).versions == [nil: before + 1], "nobody has the other one")
            let people = try await tenant.people([write.id], includingSupplier: false, .utc)
            #expect(people.users[write.id]?.facts.addresses[.email] == .hardBounced)
            write.contactPoints = [ContactPoint(channel: .email, address: "b@x.example")]
            let second = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now).record
            #expect(second.contactPoints == [ContactPoint(channel: .email, address: "b@x.example")])
            write.contactPoints = [
                ContactPoint(channel: .email, address: "a@x.example"),
                ContactPoint(channel: .email, address: "b@x.example"),
            ]
            let third = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now).record
            #expect(third.contactPoints.map(\.state) == [.hardBounced, .usable])
            #expect(third.contactPoint(on: .email)?.address == "b@x.example")
        }
    }

    @Test func theDefaultUserBelongsToTheAccount() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let ann = UserID(unchecked: "ann")
            let other = AccountID(unchecked: "OTHER")
            for account in [Self.acme, other] {
                _ = try await tenant.upsertAccount(AccountWrite(id: account), stamp: fixture.stamp(), now: fixture.now)
            }
            _ = try await tenant.upsertUser(
                UserWrite(id: ann, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            guard
                case .done(let record) = try await tenant.setDefaultUser(
                    of: Self.acme, to: ann, stamp: fixture.stamp(), now: fixture.now)
            else {
                Issue.record("not done")
                return
            }
            #expect(record.defaultUser == ann)
            #expect(
                try await tenant.setDefaultUser(of: other, to: ann, stamp: fixture.stamp(), now: fixture.now)
                    == .noSuchUser)
            #expect(
                try await tenant.setDefaultUser(
                    of: AccountID(unchecked: "none"), to: ann, stamp: fixture.stamp(), now: fixture.now)
                    == .noSuchAccount)
            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.setDefaultUser(
                    of: Self.acme, to: nil, expectedRevision: record.revision - 1, stamp: fixture.stamp(),
                    now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            guard
                case .done(let cleared) = try await tenant.setDefaultUser(
                    of: Self.acme, to: nil, stamp: fixture.stamp(), now: fixture.now)
            else {
                Issue.record("not done")
                return
            }
            #expect(cleared.defaultUser == nil)
            #expect(cleared.factsVersion > record.factsVersion)
        }
    }

    @Test func textThatPostgreSQLCannotHoldIsRefused() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let error = try await storageError { () async throws(StorageError) in
                try await tenant.upsertAccount(
                    AccountWrite(id: Self.acme, displayName: "a\0b"), stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(error.code == .invalidValue)
        }
    }
}
