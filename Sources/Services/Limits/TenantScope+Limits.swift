internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

// What a tenant's call goes through before anything is done for it. Each of these costs a few additions, and none of them asks
// the database.
extension TenantScope {
    /// Counts a call against what may run at once and against the rate of calls, once for each call.
    ///
    /// - Parameters:
    ///   - context: the call.
    ///   - gate: where calls of its kind count.
    ///   - meter: where its kind's rate is counted.
    /// - Throws: RESOURCE_EXHAUSTED with the reasons TOO_MANY_CALLS, TOO_MANY_OCTETS, CALL_RATE and MESSAGE_TOO_LARGE.
    func admit(_ context: CallContext, by gate: CallGate, _ meter: RateMeter) throws(Status) {
        guard try context.enter(gate) else { return }
        try admitOnce(context, meter)
    }

    /// Counts a stream against what may be open at once, and its opening against the rate of calls.
    ///
    /// - Parameters:
    ///   - context: the call.
    ///   - meter: where the rate of its kind of callers is counted.
    /// - Throws: RESOURCE_EXHAUSTED with the reasons TOO_MANY_STREAMS, CALL_RATE and MESSAGE_TOO_LARGE.
    func admitStream(_ context: CallContext, _ meter: RateMeter) throws(Status) {
        guard try context.enter(gates.streams, by: terms.streams) else { return }
        try admitOnce(context, meter)
    }

    private func admitOnce(_ context: CallContext, _ meter: RateMeter) throws(Status) {
        // Who is refused leaves the gate with the end of the call.
        if let rate = terms.callRate, !meter.take(of: rate, at: context.loop.now) {
            throw context.refuse(terms.tooManyCalls)
        }
        guard context.requestOctets <= terms.messageOctets else { throw context.refuse(terms.messageTooLarge) }
    }

    /// Counts events that are to be published.
    ///
    /// - Throws: RESOURCE_EXHAUSTED with the reason EVENT_RATE; then none was counted.
    func admitEvents(_ count: Int, _ context: CallContext) throws(Status) {
        guard let rate = terms.eventRate, !gates.eventRate.take(count, of: rate, at: context.loop.now) else { return }
        throw context.refuse(terms.tooManyEvents)
    }

    /// Counts what a call brings, checks or reports, behind the first, which the call itself stands for. They are not refused:
    /// whoever comes next waits the longer.
    func chargeItems(_ count: Int, at now: MonotonicTime) {
        guard count > 0, let rate = terms.callRate else { return }
        gates.keyRate.charge(count, of: rate, at: now)
    }

    /// Counts a check of a stream as a call of the tenant's programs.
    ///
    /// - Throws: RESOURCE_EXHAUSTED with the reason CALL_RATE; the stream goes on.
    func admitCheck(at now: MonotonicTime) throws(Status) {
        guard let rate = terms.callRate, !gates.keyRate.take(of: rate, at: now) else { return }
        throw terms.tooManyCalls.status
    }

    /// Counts a change of a user's choices, whoever makes it. Each leaves a line in the audit, which is kept for ever.
    ///
    /// - Throws: RESOURCE_EXHAUSTED with the reason PREFERENCE_RATE.
    func admitPreferences(of user: UserID, _ context: CallContext) throws(Status) {
        guard !gates.preferenceRates[user].take(of: terms.preferenceRate, at: context.loop.now) else { return }
        throw context.refuse(terms.tooManyPreferences)
    }

    /// Counts mails that ask whether addresses are a user's, for the user and for each address, whoever asks for them.
    ///
    /// - Throws: RESOURCE_EXHAUSTED with the reason CONFIRMATION_RATE; then none was counted.
    func admitConfirmations(of user: UserID, at addresses: [Address], _ context: CallContext) throws(Status) {
        guard !addresses.isEmpty else { return }
        let (rate, now) = (terms.confirmationRate, context.loop.now)
        guard gates.confirmationRates[user].take(addresses.count, of: rate, at: now) else {
            throw context.refuse(terms.tooManyConfirmations)
        }
        for (place, address) in addresses.enumerated() {
            guard gates.confirmationRates[Self.asked(address)].take(of: rate, at: now) else {
                giveBackConfirmations(of: user, at: Array(addresses[..<place]))
                gates.confirmationRates[user].giveBack(addresses.count - place, of: rate)
                throw context.refuse(terms.tooManyConfirmations)
            }
        }
    }

    /// Counts a mail that is sent already: whoever asks next waits the longer.
    func chargeConfirmation(of user: UserID, at address: Address, _ now: MonotonicTime) {
        gates.confirmationRates[user].charge(1, of: terms.confirmationRate, at: now)
        gates.confirmationRates[Self.asked(address)].charge(1, of: terms.confirmationRate, at: now)
    }

    /// Takes back what was counted of mails that are not sent.
    func giveBackConfirmations(of user: UserID, at addresses: [Address]) {
        guard !addresses.isEmpty else { return }
        gates.confirmationRates[user].giveBack(addresses.count, of: terms.confirmationRate)
        for address in addresses {
            gates.confirmationRates[Self.asked(address)].giveBack(of: terms.confirmationRate)
        }
    }

    /// Where mails to one address count, whoever has added it: no user has such an id.
    private static func asked(_ address: Address) -> UserID { UserID(unchecked: "/address/\(address.text)") }

    /// Counts a change of an account's defaults in the same way, whoever makes it.
    func admitDefaults(of account: AccountID, _ context: CallContext) throws(Status) {
        // No user has such an id.
        try admitPreferences(of: UserID(unchecked: "/account/\(account)"), context)
    }

    /// Lets pass who wants to store more, as long as the tenant has not stored all that it may.
    ///
    /// - Throws: RESOURCE_EXHAUSTED with the reason STORAGE_FULL.
    func requireRoom(_ context: CallContext) throws(Status) {
        guard hasRoom else { throw context.refuse(terms.storageFull) }
    }

    /// Whether the tenant has stored less than it may, as far as this loop has heard.
    var hasRoom: Bool {
        guard let limit = terms.storedRows, let usage else { return true }
        return usage.rows < limit
    }
}
