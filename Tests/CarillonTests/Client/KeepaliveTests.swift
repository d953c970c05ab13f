import CarillonClient
import CarillonGRPC
import Testing

@testable import CarillonNet
@testable import carillon

/// What the two halves of the product think of each other's defaults.
@Suite("CarillonClient's keepalive")
struct KeepaliveTests {
    /// A stream on which nothing happens but the client's PINGs and their answers, for an hour.
    private static func pings(_ rules: KeepaliveRules, every interval: Duration, latency: Duration) -> (Int, Bool) {
        let policy = KeepalivePolicy(time: rules.silence, timeout: rules.patience)
        var clock = KeepaliveClock(time: policy.time, timeout: policy.timeout)
        var strikes = PingStrikes(interval: interval, permitsWithoutStreams: false)
        let begin = MonotonicTime.current
        var (now, lastReceived) = (begin, begin)
        var pings = 0
        while begin.duration(to: now) < .seconds(3600) {
            switch clock.look(at: now, lastReceived: lastReceived) {
            case .wait(let time): now = time
            case .ping:
                pings += 1
                guard strikes.received(at: now.advanced(by: latency), hasStreams: true) == nil else {
                    return (pings, true)
                }
                lastReceived = now.advanced(by: latency * 2)
                now = lastReceived
            case .dead: return (pings, true)
            }
        }
        return (pings, false)
    }

    @Test("A quiet stream is not cut off by a Carillon server: both have their defaults")
    func defaults() throws {
        let (folder, flags) = try ServeSettingsTests.complete()
        let settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        for latency in [Duration.milliseconds(1), .seconds(5)] {
            let (pings, isCutOff) = Self.pings(
                KeepaliveRules(), every: settings.limits.http2.pingInterval, latency: latency)
            #expect(!isCutOff)
            #expect(pings >= 50, "It asks, about once a minute.")
        }
        withExtendedLifetime(folder) {}
    }

    @Test("A server of five minutes, as gRPC's own are, cuts off who asks every minute")
    func others() {
        let (pings, isCutOff) = Self.pings(
            KeepaliveRules(), every: HTTP2Limits().pingInterval, latency: .milliseconds(1))
        #expect(isCutOff)
        #expect(pings == 4)
        #expect(!Self.pings(KeepaliveRules(silence: .seconds(300)), every: .seconds(300), latency: .milliseconds(1)).1)
    }
}
