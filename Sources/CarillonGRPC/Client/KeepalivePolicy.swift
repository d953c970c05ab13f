/// When a client asks a silent connection whether it is alive (gRFC A8, https://grpc.io/docs/guides/keepalive/).
package struct KeepalivePolicy: Sendable {
    /// How long nothing may come before a PING is sent: at least ten seconds, the least that A8 lets clients ask for. Servers
    /// take for abuse what is less than they put up with: by default five minutes for gRPC's own, and 30 seconds for
    /// Carillon (`connection.ping-interval`).
    package private(set) var time: Duration
    /// How long the answer may take before the connection is given up.
    package let timeout: Duration
    /// Whether connections without calls are asked too; servers allow that rarely.
    package let isWithoutCalls: Bool

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - time: at least ten seconds; less is taken as ten seconds.
    ///   - timeout: how long the answer may take.
    ///   - isWithoutCalls: whether connections without calls are asked too.
    package init(time: Duration, timeout: Duration = .seconds(20), isWithoutCalls: Bool = false) {
        self.init(exactTime: max(time, .seconds(10)), timeout: timeout, isWithoutCalls: isWithoutCalls)
    }

    /// A policy without the lower bound, which only tests may do without.
    init(exactTime: Duration, timeout: Duration, isWithoutCalls: Bool = false) {
        time = exactTime
        self.timeout = timeout
        self.isWithoutCalls = isWithoutCalls
    }

    /// Asks half as often: what a client does that was told `too_many_pings`.
    mutating func slowDown() {
        time = time * 2
    }
}
