internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// What decisions about events of one tenant rest on, in the memory of one loop: whole accounts, with all their people.
///
/// A side (an account, or the supplier) is unknown, being read, or known since a time. Publish uses what is known at any age, because
/// its transaction compares versions, and reads again when told that they are stale. Reads of the same side that are asked for
/// together are one read.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
final class TenantSides: @unchecked Sendable {
    /// A read. One that began before something was forgotten is no answer to who asks afterwards.
    private struct Question: Hashable, Sendable {
        let accounts: [AccountID?]
        let epoch: Int
    }
    /// What a read found, for those who asked, kept or not.
    private struct Answer: @unchecked Sendable {
        var supplier: AccountSide?
        var accounts: [AccountID: AccountSide] = [:]
    }

    private let loop: EventLoop
    private let store: TenantStore
    private let freshness: FactsFreshness
    private let budget: FactsBudget
    private let clocks: () -> Clocks
    /// What plain "Enabled" means; from the tenant's record.
    var policy: TenantSettings.EnabledWithoutSubscription
    private var supplier: AccountSide?
    private var accounts: [AccountID: AccountSide] = [:]
    private let questions = SharedQuestions<Question, Answer>()

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

    /// The facts of an event.
    ///
    /// - Parameters:
    ///   - account: the account that it is about; nil when none.
    ///   - freshness: how fresh they have to be.
    /// - Throws: NOT_FOUND if there is no such account.
    func sides(of account: AccountID?, _ freshness: Freshness) async throws(Status) -> EventSides {
        loop.assertOnLoop()
        var supplier = supplier.flatMap { self.freshness.suffices($0.readAt, freshness) ? $0 : nil }
        var side = account.flatMap { accounts[$0] }.flatMap {
            self.freshness.suffices($0.readAt, freshness) ? $0 : nil
        }
        var isOld = true
        if supplier == nil || (account != nil && side == nil) {
            isOld = false
            let question = Question(accounts: account == nil ? [nil] : [account, nil], epoch: self.freshness.epoch)
            let answer = try await questions.answer(to: question, on: loop) { question async throws(StorageError) in
                try await self.read(question.accounts)
            }
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

    private func read(_ accounts: [AccountID?]) async throws(StorageError) -> Answer {
        let (began, before) = (freshness.now, freshness.epoch)
        let snapshots = try await store.facts(of: accounts, clocks())
        var answer = Answer()
        for snapshot in snapshots.values {
            let side = AccountSide(snapshot, readAt: began)
            if let id = snapshot.account { answer.accounts[id] = side } else { answer.supplier = side }
            if before == freshness.epoch { keep(side) }
        }
        budget.enforce()
        return answer
    }

    /// Keeps a side unless a newer one is known.
    private func keep(_ side: AccountSide) {
        let id = side.snapshot.account
        let old = id.map { accounts[$0] } ?? supplier
        if let old, old.snapshot.version > side.snapshot.version { return }
        if let id { accounts[id] = side } else { supplier = side }
        octets += side.octets - (old?.octets ?? 0)
    }

    // MARK: Forgetting

    /// Forgets everything.
    func forget() {
        loop.assertOnLoop()
        (accounts, supplier, octets) = ([:], nil, 0)
    }

    /// Forgets an account, or the supplier: it has changed, or may have.
    func forget(_ account: AccountID?) {
        loop.assertOnLoop()
        let old: AccountSide?
        if let account {
            old = accounts.removeValue(forKey: account)
        } else {
            old = supplier
            supplier = nil
        }
        octets -= old?.octets ?? 0
    }

    /// Drops what nobody asked for since the last time.
    func clearUp() {
        for (id, side) in accounts {
            if !side.isWanted { forget(id) }
            side.isWanted = false
        }
        if let supplier {
            if !supplier.isWanted { forget(nil) }
            supplier.isWanted = false
        }
    }

    /// How much memory all this takes, about.
    private(set) var octets = 0 {
        didSet { budget.count(octets - oldValue) }
    }
}
