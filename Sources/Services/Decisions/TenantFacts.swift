internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// How fresh facts have to be.
enum Freshness {
    /// Any age: what comes of them is compared with what is stored before it counts, or never changes.
    case any
    /// As checks have them: at most ``ServiceLimits/factsAge`` old, or vouched for (``FactsHearing``); and read after the last
    /// change that was heard of.
    case current
    /// Read for this question.
    case read
}

/// The facts of one tenant in the memory of one loop.
///
/// A side (an account, or the supplier) is unknown, being read, or known since a time. Checks use what is current
/// (``Freshness/current``) and read the rest; Publish uses what is known at any age, because its transaction compares versions,
/// and reads again when told that they are stale. Reads of the same side that are asked for together are one read.
///
/// A read counts from the time that it began. So what was read while something changed is as old as it has to be: it is not
/// current once that change is heard of, whenever its answer came.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
final class TenantFacts: @unchecked Sendable {
    /// What one read is about.
    private enum Subjects: Hashable {
        case accounts([AccountID?])
        case user(UserID)
    }
    /// A read. One that began before something was forgotten is no answer to who asks afterwards.
    private struct Question: Hashable {
        let subjects: Subjects
        let epoch: Int
    }
    private typealias Waiter = CheckedContinuation<Result<Answer, StorageError>, Never>

    private let loop: EventLoop
    private let store: TenantStore
    private let age: Duration
    private let hearing: FactsHearing
    private let budget: FactsBudget
    /// What plain "Enabled" means; from the tenant's record.
    var policy: TenantSettings.EnabledWithoutSubscription
    private var supplier: AccountSide?
    private var accounts: [AccountID: AccountSide] = [:]
    private var homes: [UserID: AccountSide] = [:]
    private var waiters: [Question: [Waiter]] = [:]
    /// Counts the times that something was forgotten: a read that began before is not kept.
    private var epoch = 0
    /// From when on facts must have been read to be current: another process has changed something.
    private var changedAt = MonotonicTime(nanoseconds: .min)

    init(
        loop: EventLoop, store: TenantStore, policy: TenantSettings.EnabledWithoutSubscription, age: Duration,
        hearing: FactsHearing, budget: FactsBudget
    ) {
        self.loop = loop
        self.store = store
        self.policy = policy
        self.age = age
        self.hearing = hearing
        self.budget = budget
        budget.add(self)
    }

    // MARK: Asking

    /// A user's facts, if they are known and fresh enough.
    func known(_ user: UserID, _ freshness: Freshness) -> Subject? {
        loop.assertOnLoop()
        guard let home = homes[user], isFresh(home, freshness), let supplier, isFresh(supplier, freshness) else {
            return nil
        }
        home.isWanted = true
        supplier.isWanted = true
        return Subject(home: home, supplier: supplier, settings: home.settings(under: supplier, policy))
    }

    /// A user's facts, read if need be in one round trip; nil if there is no such user.
    func subject(_ user: UserID, _ freshness: Freshness) async throws(Status) -> Subject? {
        if let known = known(user, freshness) { return known }
        let answer = try await read(.user(user))
        guard let supplier = answer.supplier, let home = answer.homes[user] else { return nil }
        return Subject(home: home, supplier: supplier, settings: home.settings(under: supplier, policy))
    }

    /// The facts of an event.
    ///
    /// - Parameters:
    ///   - account: the account that it is about; nil when none.
    ///   - freshness: how fresh they have to be.
    /// - Throws: NOT_FOUND if there is no such account.
    func sides(of account: AccountID?, _ freshness: Freshness) async throws(Status) -> EventSides {
        loop.assertOnLoop()
        var supplier = supplier.flatMap { isFresh($0, freshness) ? $0 : nil }
        var side = account.flatMap { accounts[$0] }.flatMap { isFresh($0, freshness) ? $0 : nil }
        var isOld = true
        if supplier == nil || (account != nil && side == nil) {
            isOld = false
            let answer = try await read(.accounts(account == nil ? [nil] : [account, nil]))
            supplier = answer.supplier
            side = account.flatMap { answer.accounts[$0] }
        }
        guard let supplier else {
            throw Status(.internalError, .internalError, "the tenant's own row is missing")
        }
        guard let account else {
            return EventSides(
                account: nil, supplier: supplier, settings: supplier.settings(under: supplier, policy), isOld: isOld)
        }
        guard let side else { throw .accountNotFound(account) }
        side.isWanted = true
        supplier.isWanted = true
        return EventSides(
            account: side, supplier: supplier, settings: side.settings(under: supplier, policy), isOld: isOld)
    }

    private func isFresh(_ side: AccountSide, _ freshness: Freshness) -> Bool {
        switch freshness {
        case .any: return true
        case .read: return false
        case .current:
            guard changedAt <= side.readAt else { return false }
            let now = loop.now
            return now.advanced(by: .zero - age) <= side.readAt || hearing.vouches(for: side.readAt, now: now)
        }
    }

    // MARK: Forgetting

    /// Makes nothing current that was read before: another process has changed something. Publish may still use it.
    func changedElsewhere() {
        loop.assertOnLoop()
        epoch += 1
        // What was read in this tick may have been read before the word came.
        changedAt = loop.now.advanced(byNanoseconds: 1)
    }

    /// Forgets everything: it has changed, or may have.
    func forget() {
        loop.assertOnLoop()
        epoch += 1
        drop { _ in true }
    }

    /// Puts in facts that were read with a change, in place of older ones.
    ///
    /// - Parameter readAt: when the transaction began that changed and read them.
    func replace(_ snapshot: FactsSnapshot, readAt: MonotonicTime) {
        loop.assertOnLoop()
        epoch += 1
        keep(AccountSide(snapshot, readAt: readAt))
    }

    /// Drops what nobody asked for since the last time.
    func clearUp() {
        drop { side in
            defer { side.isWanted = false }
            return !side.isWanted
        }
    }

    private func drop(_ isDropped: (AccountSide) -> Bool) {
        let before = size
        for (id, side) in accounts where isDropped(side) {
            accounts[id] = nil
            for user in side.snapshot.users.keys { homes[user] = nil }
        }
        if let side = supplier, isDropped(side) {
            supplier = nil
            for user in side.snapshot.users.keys { homes[user] = nil }
        }
        budget.count(size - before)
    }

    /// What counts of the budget. An account without users counts too: they may be any number.
    var size: Int { homes.count + accounts.count + (supplier == nil ? 0 : 1) }

    // MARK: Reading

    /// Whether something is being read.
    var isReading: Bool { !waiters.isEmpty }

    /// What a read found, for those who asked, kept or not.
    private struct Answer: @unchecked Sendable {
        var supplier: AccountSide?
        var accounts: [AccountID: AccountSide] = [:]
        var homes: [UserID: AccountSide] = [:]
    }

    private func read(_ subjects: Subjects) async throws(Status) -> Answer {
        loop.assertOnLoop()
        let question = Question(subjects: subjects, epoch: epoch)
        let result: Result<Answer, StorageError> = await withCheckedContinuation { waiter in
            if waiters[question] != nil {
                waiters[question]?.append(waiter)
            } else {
                waiters[question] = [waiter]
                // Not in the caller's own task: the others must not lose the answer when that caller hangs up.
                loop.spawn { await self.perform(question) }
            }
        }
        return try await stored(until: nil) { () async throws(StorageError) in try result.get() }
    }

    private func perform(_ question: Question) async {
        let began = loop.now
        do throws(StorageError) {
            let snapshots =
                switch question.subjects {
                case .accounts(let accounts): try await store.facts(of: accounts)
                case .user(let user): try await store.facts(ofUser: user, includingSupplier: true)
                }
            var answer = Answer()
            for snapshot in snapshots.values {
                let side = AccountSide(snapshot, readAt: began)
                if let id = snapshot.account { answer.accounts[id] = side } else { answer.supplier = side }
                for user in snapshot.users.keys { answer.homes[user] = side }
                if question.epoch == epoch { keep(side) }
            }
            settle(question, .success(answer))
        } catch {
            settle(question, .failure(error))
        }
        budget.enforce()
    }

    private func settle(_ question: Question, _ result: Result<Answer, StorageError>) {
        for waiter in waiters.removeValue(forKey: question) ?? [] { waiter.resume(returning: result) }
    }

    /// Keeps a side unless a newer one is known.
    private func keep(_ side: AccountSide) {
        let id = side.snapshot.account
        let old = id.map { accounts[$0] } ?? supplier
        if let old, old.snapshot.version > side.snapshot.version { return }
        let before = size
        if let old {
            for user in old.snapshot.users.keys { homes[user] = nil }
        }
        if let id { accounts[id] = side } else { supplier = side }
        for user in side.snapshot.users.keys { homes[user] = side }
        budget.count(size - before)
    }
}
