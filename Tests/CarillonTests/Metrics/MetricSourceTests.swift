import CarillonNet
import Domain
import Foundation
import Postgres
import Prometheus
import Storage
import SwiftProtobuf
import Telemetry
import Testing

@testable import CarillonGRPC
@testable import Delivery
@testable import carillon

@Suite("What the parts count, as metrics")
struct MetricSourceTests {
    private static func lines(_ registry: MetricRegistry, _ name: String) async -> Set<String> {
        let text = String(decoding: await registry.text(), as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init).filter { $0.hasPrefix(name) })
    }

    @Test("Calls by method and code; what reached no method is told apart")
    func calls() async {
        let registry = MetricRegistry(MetricCatalog.families)
        registry.add {
            var counts = ServerCounts()
            counts.callsStarted = 9
            counts.callsTurnedDown = 2
            counts.callsEnded = [.ok: 6, .notFound: 1, .unimplemented: 2]
            counts.connectionsOpened = 5
            counts.connectionsClosed = 2
            counts.connectionsFailed = 2
            counts.connectionsAbusive = 1
            let method = RPCMethod.unary(
                "/test.Bell/Ring", inline: { (_: Google_Protobuf_Empty, _) in nil }, async: { request, _ in request })
            var ring = MethodCounts(method)
            ring.ended = [.ok: 6, .notFound: 1, .internalError: 0]
            ring.durations[0] = 6
            ring.durations[ring.durations.count - 1] = 1
            ring.nanoseconds = 12_000_000_000
            return MetricSources.readings(of: counts, [ring])
        }
        #expect(
            await Self.lines(registry, "carillon_calls_total") == [
                #"carillon_calls_total{method="test.Bell/Ring",code="OK"} 6"#,
                #"carillon_calls_total{method="test.Bell/Ring",code="NOT_FOUND"} 1"#,
                #"carillon_calls_total{method="none",code="UNIMPLEMENTED"} 2"#,
            ])
        let durations = await Self.lines(registry, "carillon_call_duration_seconds")
        #expect(durations.contains(#"carillon_call_duration_seconds_bucket{method="test.Bell/Ring",le="0.001"} 6"#))
        #expect(durations.contains(#"carillon_call_duration_seconds_bucket{method="test.Bell/Ring",le="10.0"} 6"#))
        #expect(durations.contains(#"carillon_call_duration_seconds_bucket{method="test.Bell/Ring",le="+Inf"} 7"#))
        #expect(durations.contains(#"carillon_call_duration_seconds_sum{method="test.Bell/Ring"} 12.0"#))
        #expect(await Self.lines(registry, "carillon_calls_open") == ["carillon_calls_open 2"])
        #expect(await Self.lines(registry, "carillon_connections_open") == ["carillon_connections_open 3"])
        #expect(
            await Self.lines(registry, "carillon_connections_failed_total") == [
                #"carillon_connections_failed_total{cause="abuse"} 1"#,
                #"carillon_connections_failed_total{cause="gave_way"} 0"#,
                #"carillon_connections_failed_total{cause="other"} 1"#,
            ])
        #expect(await Self.lines(registry, "metrics_dropped_total") == ["metrics_dropped_total 0"])
    }

    @Test("Decisions by place, verdict, reason and channel")
    func decisions() async {
        let registry = MetricRegistry(MetricCatalog.families)
        registry.add {
            var counts = DecisionCounts()
            counts.add(ChannelDecision(.deliver, .optedIn), on: .inApp, times: 3)
            counts.add(.suppressed(.hardBounce), on: .email)
            return MetricSources.readings(of: counts, at: .check)
        }
        // Another place's are counted where they are made.
        DecisionCounters(.publish, registry).count(.suppressed(.hardBounce), on: .email)
        #expect(
            await Self.lines(registry, "carillon_decisions_total") == [
                #"carillon_decisions_total{where="check",verdict="deliver",reason="opted_in",channel="in_app"} 3"#,
                #"carillon_decisions_total{where="check",verdict="suppress",reason="address_suppressed:hard_bounce",channel="email"} 1"#,
                #"carillon_decisions_total{where="publish",verdict="suppress",reason="address_suppressed:hard_bounce",channel="email"} 1"#,
            ])
    }

    @Test("Words of the worker by channel and outcome, and how long providers took")
    func words() async {
        let registry = MetricRegistry(MetricCatalog.families)
        let counters = DeliveryCounters(registry)
        let tenant = TenantID(unchecked: "northwind")
        func id(_ channel: Channel) -> DeliveryID {
            DeliveryID(
                notification: NotificationID(UUIDv7(milliseconds: 1, randomness: (2, 3))), channel: channel)
        }
        let start = Instant(seconds: 1_700_000_000)
        let sent = NewAttempt(
            provider: ProviderID(unchecked: "relay"), outcome: .accepted, startedAt: start,
            finishedAt: start.advanced(by: .milliseconds(30)))
        let unsent = NewAttempt(provider: nil, outcome: .temporaryFailure, startedAt: start, finishedAt: start)
        let resolutions: [(Channel, DeliveryResult.Resolution, NewAttempt?)] = [
            (.email, .delivered, sent), (.email, .delivered, sent), (.sms, .failed("rejected"), sent),
            (.email, .suppressed(.optedOut), nil), (.email, .expired, nil), (.push, .cancelled("x"), nil),
            (.email, .outcomeUnknown, nil), (.email, .retry(at: start), unsent),
            (.email, .postponed(until: start), nil),
            (.email, .released, nil),
        ]
        for (channel, resolution, attempt) in resolutions {
            counters.count(.recorded(tenant, DeliveryResult(id(channel), resolution, attempt: attempt)))
        }
        counters.count(.repeated(tenant, id(.email), claims: 2))
        counters.count(.stale(tenant, DeliveryResult(id(.email), .delivered)))
        counters.count(.claimed(tenant, count: 3))
        counters.count(.providerRests(tenant, ProviderID(unchecked: "relay"), .seconds(1), code: "x"))
        counters.count(.fenced(UUIDv7(milliseconds: 1, randomness: (2, 3)), tenants: 4))
        let words = await Self.lines(registry, "carillon_delivery_words_total")
        #expect(words.count == Channel.allCases.count * 9)
        let counted = Set(
            words.filter { !$0.hasSuffix(" 0") }.map { $0.dropFirst("carillon_delivery_words_total".count) })
        #expect(
            counted == [
                #"{channel="email",outcome="delivered"} 2"#, #"{channel="sms",outcome="failed"} 1"#,
                #"{channel="email",outcome="suppressed"} 1"#, #"{channel="email",outcome="expired"} 1"#,
                #"{channel="push",outcome="cancelled"} 1"#, #"{channel="email",outcome="outcome_unknown"} 1"#,
                #"{channel="email",outcome="retry"} 1"#, #"{channel="email",outcome="postponed"} 1"#,
                #"{channel="email",outcome="released"} 1"#,
            ])
        let times = await Self.lines(registry, "carillon_send_duration_seconds")
        #expect(times.contains(#"carillon_send_duration_seconds_count{channel="email"} 2"#))
        #expect(times.contains(#"carillon_send_duration_seconds_bucket{channel="email",le="0.05"} 2"#))
        #expect(times.contains(#"carillon_send_duration_seconds_bucket{channel="email",le="0.025"} 0"#))
        #expect(times.contains(#"carillon_send_duration_seconds_sum{channel="sms"} 0.03"#))
        for name in ["deliveries_repeated", "delivery_words_stale", "provider_rests", "worker_fenced"] {
            #expect(await Self.lines(registry, "carillon_\(name)_total") == ["carillon_\(name)_total 1"])
        }
    }

    @Test("What the system says of this process")
    func process() {
        let before = ProcessReadings.cpuSeconds
        var sum = 0.0
        while ProcessReadings.cpuSeconds - before < 0.01 { sum += 1 }
        #expect(sum > 0 && ProcessReadings.cpuSeconds > before)
        #expect(ProcessReadings.resident(inPages: "5000 1234 7 1 0 9 0\n", of: 4096) == 1234 * 4096)
        #expect(ProcessReadings.resident(inPages: "", of: 4096) == nil)
        #if os(Linux)
            #expect((ProcessReadings.residentOctets ?? 0) > 1 << 20)
        #endif
    }
}
