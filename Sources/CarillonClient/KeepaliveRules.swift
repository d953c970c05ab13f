/// How a connection on which nothing comes while calls are open is found to be dead.
public struct KeepaliveRules: Sendable, Hashable {
    /// How long nothing may come before the server is asked: at least ten seconds, which is also the least that a Carillon
    /// server puts up with.
    public var silence: Duration
    /// How long its answer may take.
    public var patience: Duration

    /// Makes rules.
    public init(silence: Duration = .seconds(60), patience: Duration = .seconds(20)) {
        self.silence = silence
        self.patience = patience
    }
}
