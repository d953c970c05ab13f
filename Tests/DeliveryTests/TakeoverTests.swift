import CarillonNet
import Domain
import Foundation
import Storage
import Support
import Testing

@testable import Delivery

/// Workers that die, hang, share and go.
@Suite struct TakeoverTests {
    /// Everything about leases twenty times as fast.
    static func hasten(_ configuration: inout DeliveryConfiguration) {
        configuration.lease.timeToLive = .seconds(4)
        configuration.lease.margin = .seconds(1)
        configuration.lease.renewal = .milliseconds(200)
        configuration.lease.retry = .milliseconds(100)
    }

    private func messageID(_ event: TestServer.Event) -> String? {
        event.content?.components(separatedBy: "\r\n").first { $0.hasPrefix("Message-ID:") }
    }

    @Test func aWorkerThatDiesIsFollowedByAnother() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish()
            let first = await stage.worker()
            _ = await relay.events("message", count: 1)
            await stage.kill(first)
            #expect(try await stage.state(id) == "pending")
            try await stage.expireWorkers()
            _ = await stage.worker()
            let mails = await relay.events("message", count: 2)
            #expect(Set(mails.map(messageID)).count == 1)
            #expect(mails.count == 2)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            #expect(try await stage.attempts(id) == ["accepted relay 250 2.0.0"])
            let repeats = stage.log.count { if case .repeated(_, id, claims: 2) = $0 { true } else { false } }
            #expect(repeats == 1)
        }
    }

    @Test func theWordOfAWorkerThatLostItsLeaseIsDiscarded() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "message", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish()
            // Does not renew for so long that the others see it dead, as a process that was stopped.
            let stopped = await stage.worker()
            _ = await relay.events("message", count: 1)
            await stage.stopLooking(stopped)
            try await stage.expireWorkers()
            _ = await stage.worker(Self.hasten)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            // It goes on and asks.
            await stage.loop.run { stopped.hurryLease() }
            try await stage.eventually("stale") {
                stage.log.count { if case .stale(_, let result) = $0 { result.id == id } else { false } } == 1
            }
            try await stage.eventually("fenced") {
                stage.log.count { if case .fenced = $0 { true } else { false } } == 1
            }
            #expect(try await stage.state(id) == "delivered")
            #expect(try await stage.attempts(id) == ["accepted relay 250 2.0.0"])
            #expect(Set(relay.events.filter { $0.event == "message" }.map(messageID)).count == 1)
        }
    }

    @Test func tenantsAreSharedAndGoOver() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            var stores = [stage.store]
            for name in ["beta", "gamma", "delta", "epsilon"] { stores.append(try await stage.makeTenant(name)) }
            for store in stores { try await stage.putRelay(port: relay.port, in: store) }
            let first = await stage.worker(Self.hasten)
            try await stage.eventually("all") { first.tenants.count == 5 }
            let second = await stage.worker(Self.hasten)
            try await stage.eventually("shared") {
                first.tenants.count + second.tenants.count == 5 && second.tenants.count >= 2
            }
            #expect(Set(first.tenants.keys).isDisjoint(with: second.tenants.keys))
            var ids: [(DeliveryID, TenantStore)] = []
            for store in stores {
                ids.append((try await stage.publish(in: store), store))
                // Told to one of them only, which tells the other.
                first.wake(store.tenant)
            }
            for (id, store) in ids {
                try await stage.eventually("delivered") { try await stage.state(id, in: store) == "delivered" }
            }
            await first.drain(grace: .seconds(5))
            try await stage.eventually("taken over") { second.tenants.count == 5 }
            #expect(await relay.events("message", count: 5).count == 5)
        }
    }

    @Test func whoGoesSaysSo() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            // Nobody renews by himself while the test runs.
            let slow: (inout DeliveryConfiguration) -> Void = {
                $0.lease.timeToLive = .seconds(7_200)
                $0.lease.renewal = .seconds(3_600)
            }
            let first = await stage.worker(slow)
            try await stage.eventually("leased") { first.tenants.count == 1 }
            let second = await stage.worker(slow)
            try await stage.eventually("joined") { second.census?.workers == 2 }
            await first.drain(grace: .seconds(5))
            try await stage.eventually("taken over") { second.tenants.count == 1 }
            let id = try await stage.publish()
            second.wake(stage.store.tenant)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
        }
    }

    @Test func aTenantMadeLaterIsWorkedWhenItWakes() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            let worker = await stage.worker()
            try await stage.eventually("leased") { worker.tenants.count == 1 }
            let store = try await stage.makeTenant("fresh")
            try await stage.putRelay(port: relay.port, in: store)
            let id = try await stage.publish(in: store)
            let renewals = stage.log.count { if case .joined = $0 { true } else { false } }
            worker.wake(store.tenant)
            try await stage.eventually("delivered") { try await stage.state(id, in: store) == "delivered" }
            #expect(renewals == 1)
        }
    }

    @Test func hintsGoToOtherProcesses() async throws {
        try await onStage { stage in
            let idle = await stage.worker { $0.takesWork = false }
            idle.wake(stage.store.tenant)
            try await stage.eventually("told") {
                try await stage.registry.signals(since: stage.clock.now).work == [stage.store.tenant]
            }
            #expect(idle.tenants.isEmpty)
        }
    }

    @Test func hintsBeforeTheStartCount() async throws {
        try await onStage { stage in
            let worker = await stage.worker(started: false) { $0.takesWork = false }
            worker.wake(stage.store.tenant)
            await stage.loop.run {}
            await worker.start()
            try await stage.eventually("told") {
                try await stage.registry.signals(since: stage.clock.now).work == [stage.store.tenant]
            }
        }
    }

    @Test func whoDrainsGivesBackWhatItCannotEnd() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "connect", "do": ["hang", "accept"]}]"#)
            try await stage.putRelay(port: relay.port)
            let id = try await stage.publish()
            let first = await stage.worker()
            _ = await relay.events("connected", count: 1)
            await first.drain(grace: .milliseconds(100))
            #expect(try await stage.integer("SELECT count(*) FROM SCHEMA.queue q WHERE q.lease = 0") == 1)
            #expect(try await stage.attempts(id) == [])
            let next = await stage.worker()
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            await next.drain(grace: .seconds(5))
            #expect(await relay.events("message", count: 1).count == 1)
            // Released, not lost: nobody has to wait, and nothing was sent twice.
            #expect(stage.log.count { if case .repeated = $0 { true } else { false } } == 0)
        }
    }

    @Test func aClaimWithLostRowsIsFoundByTheNextFence() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            // The next renewal in its time would be too late.
            let worker = await stage.worker {
                $0.lease.timeToLive = .seconds(7200)
                $0.lease.renewal = .seconds(3600)
            }
            try await stage.eventually("leased") { worker.tenants.count == 1 }
            let work = try #require(worker.tenants[stage.store.tenant])
            try await stage.eventually("looked") { work.isTakenOver && !work.isClaiming }
            // As if the answer to a committed claim had been lost.
            let id = try await stage.publish()
            let claim = try await stage.store.claim(fence: work.fence, now: stage.clock.now, limit: 1)
            #expect(claim.deliveries == [id])
            work.isSuspect = true
            worker.review(work)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            #expect((worker.tenants[stage.store.tenant]?.fence ?? 0) > work.fence)
        }
    }
}
