import Domain
import Storage
import Testing

@testable import Delivery

/// The decision right before a send, on facts that were read from a database.
@Suite struct SecondLookTests {
    private func look(
        _ stage: Stage, at now: Instant? = nil, _ body: (SecondLook, DeliveryWork) throws -> Void
    ) async throws {
        let id = try await stage.publish()
        let work = try #require(try await stage.store.work([id]).first)
        let tenant = try #require(try await stage.registry.tenant(stage.store.tenant))
        let facts = try await stage.store.facts(of: [Stage.account, nil], .utc)
        try body(
            SecondLook(
                catalog: .builtIn, tenant: tenant, facts: facts, now: now ?? stage.clock.now), work)
    }

    @Test func theAddressIsTheOneOfNow() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            _ = try await stage.store.upsertUser(
                UserWrite(
                    id: Stage.user, account: Stage.account, displayName: "Ann New", timeZone: "Asia/Tokyo",
                    contactPoints: [ContactPoint(channel: .email, address: "new@customer.example")]),
                stamp: stage.stamp(), now: stage.clock.now)
            try await look(stage) { look, work in
                let target = SecondLook.Target(
                    address: "new@customer.example", name: "Ann New", zone: "Asia/Tokyo", user: Stage.user)
                #expect(look.look(at: work) == .send(target))
            }
        }
    }

    @Test func timeIsLookedAtFirst() async throws {
        try await onStage { stage in
            let end = stage.clock.now.advanced(by: .seconds(3_600))
            try await look(stage, at: end) { look, work in #expect(look.look(at: work) == .settle(.expired)) }
        }
    }

    @Test func withoutProvidersTheChannelIsNotUsed() async throws {
        try await onStage { stage in
            try await look(stage) { look, work in
                #expect(look.look(at: work) == .settle(.suppressed(.channelUnavailable)))
            }
        }
    }

    @Test func whoIsDisabledHearsNothing() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            _ = try await stage.store.upsertUser(
                UserWrite(id: Stage.user, account: Stage.account, status: .disabled), stamp: stage.stamp(),
                now: stage.clock.now)
            try await look(stage) { look, work in
                #expect(look.look(at: work) == .settle(.suppressed(.recipientInactive)))
            }
        }
    }

    @Test func aBillingMailboxThatIsSuppressedIsNotWrittenTo() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let address = Address(.email, "billing@customer.example")
            // Nobody but the mailbox is left.
            _ = try await stage.store.upsertAccount(
                AccountWrite(id: Stage.account, displayName: "Acme", billingEmail: address.text), stamp: stage.stamp(),
                now: stage.clock.now)
            _ = try await stage.store.upsertUser(
                UserWrite(id: Stage.user, account: Stage.account, status: .disabled), stamp: stage.stamp(),
                now: stage.clock.now)
            func answer() async throws -> SecondLook.Answer {
                let id = try await stage.publish(
                    type: TypeKey(unchecked: "invoice.created"), to: .mailbox(Stage.account))
                let work = try #require(try await stage.store.work([id]).first)
                let tenant = try #require(try await stage.registry.tenant(stage.store.tenant))
                let facts = try await stage.store.facts(of: [Stage.account, nil], .utc)
                return SecondLook(catalog: .builtIn, tenant: tenant, facts: facts, now: stage.clock.now).look(at: work)
            }
            let target = SecondLook.Target(address: address.text, name: "Acme", zone: nil, user: nil)
            #expect(try await answer() == .send(target))
            _ = try await stage.store.suppress(
                [NewSuppression(address, .hardBounced, at: stage.clock.now)], source: .worker, stamp: stage.stamp())
            #expect(try await answer() == .settle(.suppressed(.hardBounce)))
        }
    }

    /// A mail that asks whether an address is its reader's goes there, as long as there is something to ask.
    @Test func aQuestionAboutAnAddressGoesThereWhileItIsOpen() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let own = Address(.email, "own@home.example")
            func add(_ addresses: [Address]) async throws {
                var change = PersonalChange()
                change.contactPoints = addresses
                _ = try await stage.store.updatePreferences(
                    of: Stage.user, [], change, stamp: stage.stamp(), .at(stage.clock.now))
            }
            try await look(stage) { look, work in
                #expect(look.look(at: work, to: own.text) == .settle(.suppressed(.conditionFalse)))
            }
            try await add([own])
            try await look(stage) { look, work in
                let target = SecondLook.Target(address: own.text, name: "Ann Example", zone: nil, user: Stage.user)
                #expect(look.look(at: work, to: own.text) == .send(target))
                let usual = SecondLook.Target(
                    address: "ann@customer.example", name: "Ann Example", zone: nil, user: Stage.user)
                #expect(look.look(at: work) == .send(usual), "other mails go elsewhere")
            }
            _ = try await stage.store.confirm(own, of: Stage.user, stamp: stage.stamp(), .at(stage.clock.now))
            try await look(stage) { look, work in
                #expect(look.look(at: work, to: own.text) == .settle(.suppressed(.conditionFalse)))
                let now = SecondLook.Target(address: own.text, name: "Ann Example", zone: nil, user: Stage.user)
                #expect(look.look(at: work) == .send(now))
            }
        }
    }

    @Test func aTypeThatIsGoneIsNotSent() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            try await look(stage) { look, work in
                let bare = SecondLook(catalog: Catalog([]), tenant: look.tenant, facts: look.facts, now: look.now)
                #expect(bare.look(at: work) == .settle(.suppressed(.typeDisabled)))
            }
        }
    }

    @Test(arguments: Duty.allCases)
    func dutiesAreFoundAgainInTheirReasons(duty: Duty) {
        #expect(Duty(duty.reason) == duty)
        #expect(Duty(.optedIn) == nil)
    }

    /// The user hears of it once a day, at eight.
    private func dailyDigest(_ stage: Stage, _ change: (inout PersonalChange) -> Void = { _ in }) async throws {
        var personal = PersonalChange()
        personal.cadences = [.init(audience: .customer, scope: .all, cadence: .daily)]
        change(&personal)
        _ = try await stage.store.updatePreferences(
            of: Stage.user, [], personal, stamp: stage.stamp(), .at(stage.clock.now))
    }

    @Test func whatWaitsForADigestIsDueWhenThatCloses() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            try await dailyDigest(stage)
            let closes = Schedule.standard.digestWindow(.daily, at: stage.clock.now).closes
            try await look(stage) { look, work in
                #expect(look.look(at: work) == .settle(.postponed(until: closes, digestOf: Stage.user)))
                let then = SecondLook(catalog: look.catalog, tenant: look.tenant, facts: look.facts, now: closes)
                var late = work
                late.expiresAt = nil
                guard case .send = then.look(at: late) else {
                    Issue.record("its window has closed")
                    return
                }
            }
        }
    }

    @Test func whoSnoozesMeanwhileGetsTheDigestBehindThat() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let first = Schedule.standard.digestWindow(.daily, at: stage.clock.now).closes
            let end = first.advanced(by: .seconds(2 * 86_400 + 60))
            try await dailyDigest(stage) { $0.snoozedUntil = .some(end) }
            try await look(stage, at: first) { look, work in
                var late = work
                late.expiresAt = nil
                let closes = Schedule.standard.digestWindow(.daily, at: end).closes
                #expect(look.look(at: late) == .settle(.postponed(until: closes, digestOf: Stage.user)))
            }
        }
    }
}
