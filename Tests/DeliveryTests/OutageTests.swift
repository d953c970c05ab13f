import CarillonNet
import Domain
import Postgres
import Storage
import Support
import Testing

@testable import Delivery

/// The database goes away and comes back. Each test has a cluster of its own, which it stops.
@Suite struct OutageTests {
    @Test func wordsWaitForTheDatabase() async throws {
        let cluster = try PrivateCluster()
        try await onStage(in: cluster) { stage in
            let ids = [try await stage.publish(), try await stage.publish(number: "INV-2")]
            #expect(try await stage.store.takeOverQueue(fence: 1))
            let claim = try await stage.store.claim(fence: 1, now: stage.clock.now, limit: 10)
            #expect(Set(claim.deliveries) == Set(ids))
            let clock = stage.clock
            let log = stage.log
            let recorder = Recorder(
                loop: stage.loop, store: stage.store, fence: 1,
                environment: DeliveryEnvironment(
                    now: { clock.now }, randomness: { 0 },
                    makeID: { UUIDv7(milliseconds: 0, randomness: (0, 0)) }, onEvent: { log.add($0) }),
                teller: FactsTeller(loop: stage.loop, registry: stage.registry))
            cluster.stop(.immediate)
            for id in ids { recorder.record(Recorder.Entry(result: DeliveryResult(id, .delivered))) }
            try await stage.eventually("failed once") {
                log.count {
                    if case .recordingFailed(_, _, _, willRetry: true) = $0 { true } else { false }
                } >= 1
            }
            #expect(!recorder.isEmpty)
            try cluster.start()
            try await stage.eventually("through") { recorder.isEmpty }
            for id in ids { #expect(try await stage.state(id) == "delivered") }
            #expect(log.count { if case .recorded = $0 { true } else { false } } == 2)
        }
        cluster.remove()
    }

    @Test func nothingWaitsForTheDatabaseOnceTheWorkerIsGone() async throws {
        let loop = EventLoop(name: "outage")
        let log = EventLog()
        await loop.run {
            var configuration = PostgresConfiguration(connectionInfo: "host=127.0.0.1 port=1 user=nobody")
            configuration.connections = 1
            let pool = PostgresPool(loop: loop, configuration: configuration)
            let recorder = Recorder(
                loop: loop, store: TenantStore(tenant: TenantID(unchecked: "northwind"), pool: pool), fence: 1,
                // Pauses of a hundred seconds at least.
                environment: DeliveryEnvironment(
                    now: { Instant(seconds: 0) }, randomness: { 1_000 },
                    makeID: { UUIDv7(milliseconds: 0, randomness: (0, 0)) }, onEvent: { log.add($0) }),
                teller: FactsTeller(loop: loop, registry: RegistryStore(pool: pool)))
            let id = DeliveryID(
                notification: NotificationID(UUIDv7(milliseconds: 0, randomness: (0, 0))), channel: .email)
            recorder.record(Recorder.Entry(result: DeliveryResult(id, .delivered)))
            let deadline = loop.now.advanced(by: .seconds(20))
            while !recorder.isPausing, loop.now < deadline { try? await loop.sleep(for: .milliseconds(5)) }
            #expect(recorder.isPausing)
            recorder.perish()
            while recorder.isWriting, loop.now < deadline { try? await loop.sleep(for: .milliseconds(5)) }
            #expect(!recorder.isWriting)
            await pool.close()
        }
        await loop.shutDown()
        #expect(log.all.count == 1)
    }

    @Test func aWordThatCannotBeWrittenHoldsUpNoOther() async throws {
        try await onStage { stage in
            let ids = [
                try await stage.publish(), try await stage.publish(number: "INV-2"),
                try await stage.publish(number: "INV-3"),
            ]
            #expect(try await stage.store.takeOverQueue(fence: 1))
            _ = try await stage.store.claim(fence: 1, now: stage.clock.now, limit: 10)
            let clock = stage.clock
            let log = stage.log
            let recorder = Recorder(
                loop: stage.loop, store: stage.store, fence: 1,
                environment: DeliveryEnvironment(
                    now: { clock.now }, randomness: { 0 },
                    makeID: { UUIDv7(milliseconds: 0, randomness: (0, 0)) }, onEvent: { log.add($0) }),
                teller: FactsTeller(loop: stage.loop, registry: stage.registry))
            let givenUp = Held(0)
            recorder.onGivenUp = { givenUp.value += 1 }
            for (number, id) in ids.enumerated() {
                // No text of the database holds a zero byte.
                let attempt = NewAttempt(
                    provider: nil, outcome: .accepted, code: number == 1 ? "\0" : "250", startedAt: clock.now,
                    finishedAt: clock.now)
                recorder.record(Recorder.Entry(result: DeliveryResult(id, .delivered, attempt: attempt)))
            }
            try await stage.eventually("through") { recorder.isEmpty }
            #expect(try await stage.state(ids[0]) == "delivered")
            #expect(try await stage.state(ids[1]) == "pending")
            #expect(try await stage.state(ids[2]) == "delivered")
            #expect(givenUp.value == 1)
        }
    }

    @Test func aWorkerOutlivesItsDatabase() async throws {
        let cluster = try PrivateCluster()
        try await onStage(in: cluster) { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let worker = await stage.worker {
                $0.lease = WorkerLease.Terms(
                    timeToLive: .seconds(2), margin: .seconds(1), renewal: .milliseconds(200),
                    retry: .milliseconds(100))
            }
            try await stage.eventually("leased") { worker.tenants.count == 1 }
            cluster.stop(.immediate)
            try await stage.eventually("fenced") {
                stage.log.count { if case .fenced = $0 { true } else { false } } == 1
            }
            #expect(worker.tenants.isEmpty)
            try cluster.start()
            try await stage.eventually("leased again") { worker.tenants.count == 1 }
            // The test's own connections come back in their own time.
            try await stage.eventually("connected") {
                (try? await stage.integer("SELECT count(*) FROM SCHEMA.queue q")) != nil
            }
            let id = try await stage.publish()
            worker.wake(stage.store.tenant)
            try await stage.eventually("delivered") { try await stage.state(id) == "delivered" }
            #expect(await relay.events("message", count: 1).count == 1)
        }
        cluster.remove()
    }
}
