internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// What decisions about single users of one tenant rest on, in the memory of one loop: for checks, pages and explanations.
///
/// A user is unknown, being read, or known. Those whom nobody knows yet are gathered for as long as the loop has other calls to
/// take up, and are one question then. Users whom there are not are known too, for as long as facts are. What is known of a user
/// is current as long as the version of the account is the one of then, and that was proven lately: a question for a few numbers
/// (``proveVersions()``) makes all users of all accounts current again, so that those who are asked for stay in memory without being
/// read again and again.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
final class TenantUsers: @unchecked Sendable {
    /// Somebody who is asked for. A read that began before something was forgotten is no answer to who asks afterwards.
    private struct Question: Hashable {
        let user: UserID
        let epoch: Int
    }
    /// What a read found, for those who asked, kept or not.
    private struct Answer: @unchecked Sendable {
        var readings: [UserID: UserReading] = [:]
        /// Those whose rows this version cannot read.
        var failures: [UserID: StorageError] = [:]

        /// A user; nil if there is none.
        func reading(of user: UserID) throws(StorageError) -> UserReading? {
            if let error = failures[user] { throw error }
            return readings[user]
        }
    }
    private typealias Waiter = CheckedContinuation<Result<Answer, StorageError>, Never>

    private let loop: EventLoop
    private let store: TenantStore
    private let freshness: FactsFreshness
    private let budget: FactsBudget
    private let clocks: () -> Clocks
    /// What plain "Enabled" means; from the tenant's record.
    var policy: TenantSettings.EnabledWithoutSubscription {
        didSet { if policy != oldValue { settingsStamp += 1 } }
    }
    private var users = KnownUsers()
    private var homes: [AccountID: KnownHome] = [:]
    private var supplier: KnownHome?
    /// Grows with each change of what holds for all accounts.
    private var settingsStamp = 0 { didSet { usualSettings = nil } }
    /// The settings of accounts that have none of their own, once they were put together.
    private var usualSettings: TenantSettings?
    /// Users whom there were not, with the time at which the read began that did not find them.
    private var absent: [UserID: MonotonicTime] = [:]
    private var homeOctets = 0
    /// How often what nobody asked for was dropped.
    private var turn: UInt32 = 0
    private var waiters: [Question: [Waiter]] = [:]
    /// Users who are asked for and not yet read, in order.
    private var gathered: [Question] = []
    private var isProving = false
    /// Whether something was heard of since the proof began that is under way.
    private var provesAgain = false
    /// The server that was asked last: when it was started.
    private var server: Instant?
    /// Called when the database turns out to have lost what is known here.
    var onLoss: (() -> Void)?
    /// When versions were asked for last.
    private(set) var provenAt = MonotonicTime(nanoseconds: .min)

    /// The most users that are read at once.
    private static let usersAtOnce = 100
    /// The most users of a tenant that are known not to be there.
    private static let mostAbsent = 256
    private static let absentOctets = 96
    /// The most accounts whose versions are asked for at once.
    private static let accountsAtOnce = 1_000
    /// The most that are proven each time; the others are read when they are asked for.
    private static let mostProven = 10_000
    /// For how many seconds a user may be known, however often that was proven: a change that raised no version, as by somebody who
    /// changes the database by hand, is obeyed after that time.
    private static let greatestAge: UInt32 = 3_600

    /// The same where there are caps: what a user got counts towards them, and nobody tells of it.
    private static let greatestCappedAge: UInt32 = 2

    init(
        loop: EventLoop, store: TenantStore, policy: TenantSettings.EnabledWithoutSubscription,
        freshness: FactsFreshness, budget: FactsBudget, clocks: @escaping () -> Clocks
    ) {
        self.loop = loop
        self.store = store
        self.policy = policy
        self.freshness = freshness
        self.budget = budget
        self.clocks = clocks
    }

    // MARK: Asking

    /// Says that a user will be asked for in a moment, after other work: so that what is known of the user is at hand then.
    func expect(_ key: KnownUserTable.Key) {
        loop.assertOnLoop()
        users.expect(key)
    }

    /// A user with what decisions rest on, if that is known and fresh enough.
    ///
    /// - Parameter key: that of the user's id, if it was made already.
    func known(_ id: UserID, by key: KnownUserTable.Key? = nil, _ freshness: Freshness) -> Subject? {
        loop.assertOnLoop()
        guard let user = users.find(key ?? KnownUserTable.Key(id)), let supplier else { return nil }
        user.home.expectFacts()
        let now = loop.now
        user.home.ask(at: now, turn)
        supplier.ask(at: now, turn)
        let settings = settings(of: user.home, under: supplier)
        if case .current = freshness {
            guard user.holds, self.freshness.isCurrent(user.home.provenAt), isCurrent(supplier),
                user.age(at: now) < (settings.caps.isEmpty ? Self.greatestAge : Self.greatestCappedAge)
            else { return nil }
        }
        return Subject(user: user.facts(id), home: user.home, settings: settings)
    }

    /// Whether what is known of the supplier is as fresh as checks have it.
    private func isCurrent(_ supplier: KnownHome) -> Bool {
        freshness.isCurrent(supplier.provenAt)
            && loop.now < supplier.readAt.advanced(byNanoseconds: Int64(Self.greatestAge) * 1_000_000_000)
    }

    /// Whether there is no such user, as far as is known, by knowledge as fresh as checks have it.
    func isKnownAbsent(_ user: UserID) -> Bool {
        loop.assertOnLoop()
        guard let readAt = absent[user] else { return false }
        return freshness.isCurrent(readAt)
    }

    /// A user with what decisions rest on, read if need be in one round trip; nil if there is no such user.
    func subject(_ user: UserID, _ freshness: Freshness) async throws(Status) -> Subject? {
        if let known = known(user, freshness) { return known }
        if case .current = freshness, isKnownAbsent(user) { return nil }
        return try await read(user)?.subject
    }

    /// The users, those that are not known read many at a time; without those whom there are not.
    ///
    /// - Throws: UNAVAILABLE and the like when they cannot be asked for. One whose rows cannot be read fails alone.
    func subjects(_ wanted: Set<UserID>) async throws(Status) -> [UserID: Result<Subject, Status>] {
        loop.assertOnLoop()
        var found: [UserID: Result<Subject, Status>] = [:]
        var unknown: [UserID] = []
        for user in wanted {
            if let known = known(user, .current) {
                found[user] = .success(known)
            } else if !isKnownAbsent(user) {
                unknown.append(user)
            }
        }
        unknown.sort()
        while !unknown.isEmpty {
            let some = Array(unknown.prefix(Self.usersAtOnce))
            unknown.removeFirst(some.count)
            let result = await perform(some)
            let answer = try await stored(until: nil) { () async throws(StorageError) in try result.get() }
            found.merge(answer.readings.mapValues { .success($0.subject) }) { $1 }
            found.merge(answer.failures.mapValues { .failure(Status($0)) }) { $1 }
        }
        return found
    }

    /// A user as stored, with what decisions rest on; nil if there is no such user.
    func read(_ user: UserID) async throws(Status) -> UserReading? {
        loop.assertOnLoop()
        let question = Question(user: user, epoch: freshness.epoch)
        let result: Result<Answer, StorageError> = await withCheckedContinuation { waiter in
            if waiters[question] != nil {
                waiters[question]?.append(waiter)
                return
            }
            waiters[question] = [waiter]
            gathered.append(question)
            // Whoever is the first lets those come along whose calls the loop takes up before it gets to this. Not in the caller's
            // own task: the others must not lose the answer when that caller hangs up.
            if gathered.count == 1 { loop.spawn { await self.askForGathered() } }
        }
        return try await stored(until: nil) { () async throws(StorageError) in
            try result.get().reading(of: user)
        }
    }

    private func settings(of home: KnownHome, under supplier: KnownHome) -> TenantSettings {
        if home.hasOwnSettings { return home.settings(settingsStamp) { usualSettings(by: supplier) } }
        // Somebody's answer may rest on a supplier's that is not kept.
        guard supplier === self.supplier else { return usualSettings(by: supplier) }
        if let usualSettings { return usualSettings }
        let settings = usualSettings(by: supplier)
        usualSettings = settings
        return settings
    }

    private func usualSettings(by supplier: KnownHome) -> TenantSettings {
        TenantSettings(
            overrides: supplier.overrides, enabledWithoutSubscription: policy, caps: supplier.caps,
            unavailableChannels: ChannelSet.all.subtracting(supplier.providedChannels).subtracting(ChannelSet(.inApp)))
    }

    // MARK: Reading

    /// How many users are known.
    var count: Int {
        loop.assertOnLoop()
        return users.count
    }

    /// Whether somebody is being read.
    var isReading: Bool { !waiters.isEmpty }

    private func askForGathered() async {
        let questions = Array(gathered.prefix(Self.usersAtOnce))
        gathered.removeFirst(questions.count)
        if !gathered.isEmpty { loop.spawn { await self.askForGathered() } }
        let result = await perform(questions.map(\.user))
        for question in questions { settle(question, result) }
    }

    private func settle(_ question: Question, _ result: Result<Answer, StorageError>) {
        for waiter in waiters.removeValue(forKey: question) ?? [] { waiter.resume(returning: result) }
    }

    private func perform(_ users: [UserID]) async -> Result<Answer, StorageError> {
        do throws(StorageError) {
            return .success(try await ask(for: users))
        } catch {
            guard error.code == .corrupt, users.count > 1 else { return .failure(error) }
        }
        // One of them cannot be read; that is no reason to leave the others without an answer.
        var answer = Answer()
        for user in users {
            do throws(StorageError) {
                answer.readings.merge(try await ask(for: [user]).readings) { $1 }
            } catch {
                guard error.code == .corrupt else { return .failure(error) }
                answer.failures[user] = error
            }
        }
        return .success(answer)
    }

    private func ask(for users: [UserID]) async throws(StorageError) -> Answer {
        let (began, epoch) = (freshness.now, freshness.epoch)
        // What is known of the supplier is not read again with each user.
        let known = supplier.flatMap { isCurrent($0) ? $0 : nil }
        let people = try await store.people(users, includingSupplier: known == nil, clocks())
        let answer = take(people, asked: users, supplier: known, readAt: began, isKept: epoch == freshness.epoch)
        budget.countRead(users.count)
        budget.enforce()
        return answer
    }

    private func take(
        _ people: PeopleSnapshot, asked: [UserID], supplier known: KnownHome?, readAt: MonotonicTime, isKept: Bool
    ) -> Answer {
        var answer = Answer()
        let before = octets
        var homes: [AccountID?: KnownHome] = [:]
        for (account, snapshot) in people.homes {
            homes[account] =
                isKept ? keep(snapshot, of: account, readAt: readAt) : KnownHome(snapshot, readAt: readAt)
        }
        for (id, user) in people.users {
            guard let home = homes[user.record.account], let supplier = homes[nil] ?? known else { continue }
            if isKept, let version = people.homes[user.record.account]?.version {
                keep(user, of: home, at: version, readAt: readAt)
            }
            let subject = Subject(user: user.facts, home: home, settings: settings(of: home, under: supplier))
            answer.readings[id] = UserReading(record: user.record, subject: subject)
        }
        if isKept {
            for user in asked where people.users[user] == nil { keepAbsent(user, readAt) }
        }
        budget.count(octets - before)
        return answer
    }

    // MARK: Keeping

    /// Takes a user whom this process has just changed.
    ///
    /// - Parameters:
    ///   - user: the user as they are now.
    ///   - home: the user's account as it is now.
    ///   - readAt: when the transaction began that changed and read them.
    func take(_ user: UserSnapshot, _ home: HomeSnapshot, readAt: MonotonicTime) {
        loop.assertOnLoop()
        let before = octets
        let known = keep(home, of: user.record.account, readAt: readAt, isOwnChange: true)
        if known.version == home.version {
            keep(user, of: known, at: home.version, readAt: readAt)
        } else {
            // A later change was faster, perhaps of the same user.
            users.remove(user.record.id)
        }
        budget.count(octets - before)
        budget.enforce()
    }

    private func keep(
        _ snapshot: HomeSnapshot, of account: AccountID?, readAt: MonotonicTime, isOwnChange: Bool = false
    ) -> KnownHome {
        let old = account.map { homes[$0] } ?? supplier
        let home = old ?? KnownHome(snapshot, readAt: readAt)
        homeOctets -= old?.octets ?? 0
        old?.take(snapshot, readAt: readAt, isOwnChange: isOwnChange, now: freshness.now)
        home.ask(at: loop.now, turn)
        homeOctets += home.octets
        if let account {
            homes[account] = home
        } else {
            supplier = home
            settingsStamp += 1
        }
        return home
    }

    /// Keeps a user who was read at a version of the account; one of a version before the known one is not current.
    private func keep(_ user: UserSnapshot, of home: KnownHome, at version: Int64, readAt: MonotonicTime) {
        absent[user.record.id] = nil
        users.insert(KnownUser(user, at: version, of: home, readAt: readAt), for: user.record.id)
    }

    private func keepAbsent(_ user: UserID, _ readAt: MonotonicTime) {
        users.remove(user)
        if absent[user] == nil, absent.count >= Self.mostAbsent { absent = [:] }
        absent[user] = readAt
    }

    /// How much memory all this takes, about, in octets.
    var octets: Int { users.octets + homeOctets + absent.count * Self.absentOctets }

    // MARK: Forgetting

    /// Forgets everything: it has changed, or may have.
    func forget() {
        loop.assertOnLoop()
        let before = octets
        for home in homes.values { home.lapse() }
        supplier?.lapse()
        users.removeAll()
        (homes, supplier, homeOctets, absent) = ([:], nil, 0, [:])
        budget.count(octets - before)
    }

    /// Drops what nobody asked for since the last time.
    func clearUp() {
        loop.assertOnLoop()
        let before = octets
        users.age()
        absent = [:]
        for (account, home) in homes where !home.isWanted(since: turn) { drop(account, home) }
        turn &+= 1
        budget.count(octets - before)
    }

    private func drop(_ account: AccountID, _ home: KnownHome) {
        // Who still refers to it hears no more of changes.
        home.lapse()
        homes[account] = nil
        homeOctets -= home.octets
    }

    // MARK: Proving

    /// Whether somebody has asked for anybody lately.
    var isInUse: Bool { supplier?.isInUse(at: loop.now) == true }

    /// Asks for the versions of the accounts that were asked for lately. All users of an account that still has the
    /// version that is known are as they were.
    func proveVersions() {
        loop.assertOnLoop()
        loop.spawn { await self.proveVersionsNow() }
    }

    /// The same, for who waits until they are proven; at once when somebody is at it.
    func proveVersionsNow() async {
        loop.assertOnLoop()
        provenAt = loop.now
        guard !isProving else {
            provesAgain = true
            return
        }
        guard isInUse else { return }
        isProving = true
        repeat {
            provesAgain = false
            await proveAll()
        } while provesAgain
        isProving = false
    }

    private func proveAll() async {
        let now = loop.now
        var rest = Array(
            homes.lazy.filter { $0.value.isInUse(at: now) }.prefix(Self.mostProven).map { AccountID?($0.key) })[...]
        repeat {
            await prove([nil] + rest.prefix(Self.accountsAtOnce))
            rest = rest.dropFirst(Self.accountsAtOnce)
        } while !rest.isEmpty
    }

    private func prove(_ accounts: [AccountID?]) async {
        let began = freshness.now
        let answer: FactsVersions
        do throws(StorageError) {
            answer = try await store.factsVersions(of: accounts)
        } catch {
            // Then facts come of age, and are read again.
            return
        }
        // Another server may have lost what this one had answered, and given its versions to something else.
        let isOther = server.map { $0 != answer.serverStartedAt } ?? false
        server = answer.serverStartedAt
        var isLost = isOther
        for account in accounts {
            guard let home = account.map({ homes[$0] }) ?? supplier else { continue }
            guard case .gone = home.prove(answer.versions[account], at: began) else { continue }
            if let account, answer.versions[account] == nil { drop(account, home) } else { isLost = true }
        }
        if isLost { onLoss?() }
    }
}
