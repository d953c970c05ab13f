/// How a connection on which nothing comes while calls are open is found to be dead.
///
/// A server cuts off who asks more often than it puts up with: a Carillon server as its `connection.ping-interval` says, which is
/// 30 seconds unless its operator changes it, and other gRPC servers by default every five minutes. A client that is cut off for
/// that asks half as often from then on.
public struct KeepaliveRules: Sendable, Hashable {
    /// How long nothing may come before the server is asked: not less than the server puts up with. Less than ten seconds is
    /// taken as ten.
    public var silence: Duration
    /// How long its answer may take.
    public var patience: Duration

    /// Makes rules.
    public init(silence: Duration = .seconds(60), patience: Duration = .seconds(20)) {
        self.silence = silence
        self.patience = patience
    }
}
