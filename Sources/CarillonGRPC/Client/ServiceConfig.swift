/// What a service's owner says about its methods (https://github.com/grpc/grpc/blob/master/doc/service_config.md): the parts
/// that a client of Carillon needs.
package struct ServiceConfig: Sendable {
    /// Rules for methods; the most specific name counts.
    package var methods: [MethodConfig]
    /// Keeps retries from adding to an overload; `nil` for no such limit.
    package var throttling: RetryThrottle.Policy?

    /// Makes a configuration; without arguments nothing is tried again, apart from what a server did not process.
    package init(methods: [MethodConfig] = [], throttling: RetryThrottle.Policy? = .init()) {
        self.methods = methods
        self.throttling = throttling
    }

    /// The rules for a method, such as `/carillon.v1.DeliveryService/Publish`.
    func method(_ path: String) -> MethodConfig? {
        let service = path.lastIndex(of: "/").map { String(path[...$0]) } ?? path
        for name in [path, service, ""] {
            if let found = methods.first(where: { $0.names.contains(name) }) { return found }
        }
        return nil
    }
}

/// Rules for some methods.
package struct MethodConfig: Sendable {
    /// `/package.Service/Method` for one method, `/package.Service/` for all of a service, the empty text for all there are.
    package var names: [String]
    /// The longest that a call may take; the caller's own limit counts too, whichever is shorter.
    package var timeout: Duration?
    /// Whether calls wait for a connection instead of failing when there is none to be had.
    package var waitsForReady: Bool
    /// What is tried again.
    package var retry: RetryPolicy?

    /// Makes rules.
    package init(names: [String], timeout: Duration? = nil, waitsForReady: Bool = false, retry: RetryPolicy? = nil) {
        self.names = names
        self.timeout = timeout
        self.waitsForReady = waitsForReady
        self.retry = retry
    }
}
