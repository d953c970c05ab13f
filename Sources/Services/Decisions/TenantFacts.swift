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
/// Users whom nobody knows yet are gathered for as long as the loop has other calls to take up, and are one question then. Users
/// whom there are not are known too, for as long as facts are.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
final class TenantFacts: @unchecked Sendable {
    /// What one read is about.
    private enum Subjects: Hashable {
        case accounts([AccountID?])
        case user(UserID)
        case users([UserID])

        /// The users that it is about.
        var users: [UserID] {
            switch self {
            case .accounts: []
            case .user(let user): [user]
            case .users(let users): users
            }
        }
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
    /// IANA name of the tenant's zone; from its record. Facts that were read are by the one that it had then.
    var zone: String
    private let clock: @Sendable () -> Instant
    private var supplier: AccountSide?
    private var accounts: [AccountID: AccountSide] = [:]
    private var homes: [UserID: AccountSide] = [:]
    /// Users whom there were not, with the time at which the read began that did not find them.
    private var absent: [UserID: MonotonicTime] = [:]
    private var waiters: [Question: [Waiter]] = [:]
    /// Users who are asked for and not yet read, in order.
    private var gathered: [Question] = []
    /// The most users that are read at once: with each comes the whole account.
    private static let usersAtOnce = 100
    /// The most users of a tenant that are known not to be there.
    private static let mostAbsent = 256
    /// Counts the times that something was forgotten: a read that began before is not kept.
    private var epoch = 0
    /// From when on facts must have been read to be current: another process has changed something.
    private var changedAt = MonotonicTime(nanoseconds: .min)

    init(
        loop: EventLoop, store: TenantStore, record: TenantRecord, age: Duration, hearing: FactsHearing,
        budget: FactsBudget, clock: @escaping @Sendable () -> Instant
    ) {
        self.loop = loop
        self.store = store
        policy = record.enabledWithoutSubscription
        zone = record.timeZone
        self.clock = clock
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

    /// Whether there is no such user, as far as is known, by knowledge as fresh as checks have it.
    func isKnownAbsent(_ user: UserID) -> Bool {
        loop.assertOnLoop()
        guard let readAt = absent[user] else { return false }
        return isCurrent(readAt)
    }

    /// A user's facts, read if need be in one round trip; nil if there is no such user.
    func subject(_ user: UserID, _ freshness: Freshness) async throws(Status) -> Subject? {
        if let known = known(user, freshness) { return known }
        if case .current = freshness, isKnownAbsent(user) { return nil }
        let answer = try await read(.user(user))
        guard let supplier = answer.supplier, let home = answer.homes[user] else { return nil }
        return Subject(home: home, supplier: supplier, settings: home.settings(under: supplier, policy))
    }

    /// The facts of users as checks have them, those that are not known read many at a time; without those whom there are not.
    func subjects(_ users: Set<UserID>) async throws(Status) -> [UserID: Subject] {
        var found: [UserID: Subject] = [:]
        var unknown: [UserID] = []
        for user in users {
            if let known = known(user, .current) {
                found[user] = known
            } else if !isKnownAbsent(user) {
                unknown.append(user)
            }
        }
        unknown.sort()
        while !unknown.isEmpty {
            let some = Array(unknown.prefix(Self.usersAtOnce))
            unknown.removeFirst(some.count)
            let answer = try await read(.users(some))
            guard let supplier = answer.supplier else { return found }
            for user in some {
                guard let home = answer.homes[user] else { continue }
                found[user] = Subject(home: home, supplier: supplier, settings: home.settings(under: supplier, policy))
            }
        }
        return found
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
        case .current: return isCurrent(side.readAt)
        }
    }

    private func isCurrent(_ readAt: MonotonicTime) -> Bool {
        guard changedAt <= readAt else { return false }
        let now = loop.now
        return now.advanced(by: .zero - age) <= readAt || hearing.vouches(for: readAt, now: now)
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

    private func forgetAbsent() {
        budget.count(-absent.count)
        absent = [:]
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
        forgetAbsent()
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
    var size: Int { homes.count + absent.count + accounts.count + (supplier == nil ? 0 : 1) }

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
                ask(question)
            }
        }
        return try await stored(until: nil) { () async throws(StorageError) in try result.get() }
    }

    /// What times are reckoned by at the moment.
    var clocks: Clocks { Clocks(zone: zone, now: clock()) }

    /// Sees to it that a question is asked. Not in the caller's own task: the others must not lose the answer when that caller
    /// hangs up.
    private func ask(_ question: Question) {
        switch question.subjects {
        case .accounts(let accounts):
            loop.spawn {
                await self.perform([question]) { store, clocks async throws(StorageError) in
                    try await store.facts(of: accounts, clocks)
                }
            }
        case .users(let users):
            loop.spawn {
                await self.perform([question]) { store, clocks async throws(StorageError) in
                    try await store.facts(ofUsers: users, includingSupplier: true, clocks)
                }
            }
        case .user:
            gathered.append(question)
            // Whoever is the first lets those come along whose calls the loop takes up before it gets to this.
            if gathered.count == 1 { loop.spawn { await self.askForGathered() } }
        }
    }

    private func askForGathered() async {
        let questions = Array(gathered.prefix(Self.usersAtOnce))
        gathered.removeFirst(questions.count)
        if !gathered.isEmpty { loop.spawn { await self.askForGathered() } }
        let users = questions.flatMap(\.subjects.users)
        await perform(questions) { store, clocks async throws(StorageError) in
            try await store.facts(ofUsers: users, includingSupplier: true, clocks)
        }
    }

    private func perform(
        _ questions: [Question],
        _ read: (TenantStore, Clocks) async throws(StorageError) -> [AccountID?: FactsSnapshot]
    ) async {
        let (began, before) = (loop.now, epoch)
        do throws(StorageError) {
            let snapshots = try await read(store, clocks)
            var answer = Answer()
            for snapshot in snapshots.values {
                let side = AccountSide(snapshot, readAt: began)
                if let id = snapshot.account { answer.accounts[id] = side } else { answer.supplier = side }
                for user in snapshot.users.keys { answer.homes[user] = side }
                if before == epoch { keep(side) }
            }
            for question in questions {
                if before == epoch {
                    for user in question.subjects.users where answer.homes[user] == nil { keepAbsent(user, began) }
                }
                settle(question, .success(answer))
            }
        } catch {
            for question in questions { settle(question, .failure(error)) }
        }
        budget.enforce()
    }

    private func keepAbsent(_ user: UserID, _ readAt: MonotonicTime) {
        if absent[user] == nil, absent.count >= Self.mostAbsent { forgetAbsent() }
        if absent.updateValue(readAt, forKey: user) == nil { budget.count(1) }
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
        for user in side.snapshot.users.keys { absent[user] = nil }
        if let old {
            for user in old.snapshot.users.keys { homes[user] = nil }
        }
        if let id { accounts[id] = side } else { supplier = side }
        for user in side.snapshot.users.keys { homes[user] = side }
        budget.count(size - before)
    }
}
