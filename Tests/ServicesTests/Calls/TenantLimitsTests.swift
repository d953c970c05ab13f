import CarillonAPI
import CarillonNet
import Domain
import Support
import SwiftProtobuf
import Testing

@testable import CarillonGRPC
@testable import Services

/// How much one tenant may ask, send and store.
@Suite("Limits of one tenant", .timeLimit(.minutes(5)))
struct TenantLimitsTests {
    @Test("calls with keys have a rate, and leave the portal and others alone", arguments: [1, 2])
    func keys(loops: Int) async throws {
        try await LimitsScene.open(loops: loops, limits: { $0.callRate = 1000 }) { tenant, other in
            // On another connection, and so on another loop where there are two.
            var second = tenant
            second.client = try tenant.house.client(tenant.key)
            for tenant in [tenant, second] { try await LimitsScene.check(tenant) }
            LimitsScene.exhaust(LimitsScene.gates(of: tenant).keyRate)
            var third = tenant
            third.client = try tenant.house.client(tenant.key)
            for caller in [tenant, second, third] {
                try await LimitsScene.refused(
                    "CALL_RATE", limit: "1000", after: .seconds(1),
                    [{ try await LimitsScene.check(caller) }, { try await LimitsScene.publish(caller) }])
            }
            _ = try await tenant.inbox("bob").getCounts(.init())
            try await LimitsScene.watch(tenant)
            try await LimitsScene.check(other)
            try await LimitsScene.publish(other)
            // Who is refused leaves no trace in what may run at once.
            while LimitsScene.gates(of: tenant).keyCalls.running > 0 { await Task.yield() }
        }
    }

    @Test("a call that memory cannot answer comes to the gates twice and counts once")
    func once() async throws {
        try await LimitsScene.open(limits: { $0.factsAge = .zero }) { tenant, _ in
            try await LimitsScene.registry(
                "UPDATE carillon.tenant SET calls_per_second = 1 WHERE tenant_id = $tenant", of: tenant)
            await tenant.house.services.core.tenantChanged(try await LimitsScene.record(of: tenant))
            // Two go at once; were each counted twice, the second would be one too many.
            for _ in 0..<2 { try await LimitsScene.check(tenant) }
        }
    }

    @Test("calls of portal users have a rate, streams too, and leave the keys alone", arguments: [1, 2])
    func portal(loops: Int) async throws {
        try await LimitsScene.open(loops: loops, limits: { $0.callRate = 1000 }) { tenant, other in
            LimitsScene.exhaust(LimitsScene.gates(of: tenant).portalRate)
            for user in ["ann", "bob", "cid"] {
                let inbox = try tenant.inbox(user)
                try await LimitsScene.refused(
                    "CALL_RATE", limit: "1000", after: .seconds(1),
                    [{ _ = try await inbox.getCounts(.init()) }, { try await LimitsScene.watch(tenant) }])
            }
            while LimitsScene.gates(of: tenant).streams.running > 0 { await Task.yield() }
            try await LimitsScene.check(tenant)
            try await LimitsScene.publish(tenant)
            _ = try await other.inbox("bob").getCounts(.init())
        }
    }

    @Test("events have a rate that other calls do not feel", arguments: [1, 2])
    func events(loops: Int) async throws {
        try await LimitsScene.open(loops: loops, limits: { $0.eventRate = 20 }) { tenant, other in
            try await LimitsScene.publish(tenant)
            LimitsScene.exhaust(LimitsScene.gates(of: tenant).eventRate)
            var second = tenant
            second.client = try tenant.house.client(tenant.key)
            for caller in [tenant, second] {
                try await LimitsScene.refused(
                    "EVENT_RATE", limit: "20", after: .seconds(1), [{ try await LimitsScene.publish(caller) }])
                try await LimitsScene.check(caller)
            }
            try await LimitsScene.publish(other)
        }
    }

    @Test("a rate of 0 is none")
    func off() async throws {
        try await LimitsScene.open(
            limits: {
                $0.callRate = 0
                $0.eventRate = 0
            }
        ) { tenant, _ in
            let gates = LimitsScene.gates(of: tenant)
            for meter in [gates.keyRate, gates.portalRate, gates.eventRate] { LimitsScene.exhaust(meter) }
            try await LimitsScene.check(tenant)
            try await LimitsScene.publish(tenant)
            _ = try await tenant.inbox("bob").getCounts(.init())
        }
    }

    // MARK: What requests hold

    @Test("large requests are bounded by what they hold, and small ones go beside them", arguments: [1, 2])
    func octets(loops: Int) async throws {
        try await LimitsScene.open(loops: loops, limits: { $0.octetsPerTenant = 5000 }) { tenant, other in
            var request = Carillon_V1_MarkReadRequest()
            request.sequences = (0..<1000).map { Int64.max - $0 }
            let large = request
            let inbox = try tenant.inbox("bob")
            _ = try await inbox.markRead(large)
            let gate = LimitsScene.gates(of: tenant).portalCalls
            while gate.running > 0 { await Task.yield() }
            // A call is running that holds more than the limit, which one alone may.
            try gate.enter(octets: 6000)
            for caller in [inbox, try tenant.inbox("ann")] {
                try await LimitsScene.refused(
                    "TOO_MANY_OCTETS", limit: "5000", after: .seconds(1), [{ _ = try await caller.markRead(large) }])
                _ = try await caller.getCounts(.init())
            }
            try await LimitsScene.publish(tenant)
            _ = try await other.inbox("bob").markRead(large)
            gate.leave(octets: 6000)
            _ = try await inbox.markRead(large)
        }
    }
}
