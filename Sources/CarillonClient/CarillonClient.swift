internal import CarillonAPI
package import CarillonGRPC
package import CarillonNet

/// Calls Carillon's servers as one tenant or one service: publishes events, asks whether somebody is to be told, and follows
/// what becomes of it.
///
/// ```swift
/// let carillon = try CarillonClient(host: "carillon.example.com", apiKey: key)
/// let receipt = try await carillon.publish(
///     Event("invoice.created", account: "globex", id: "INV-1", context: ["invoice_number": .text("INV-1")]))
/// ```
///
/// One client keeps connections to all servers, which all calls share and which are made anew when they were lost; make one and
/// keep it. It is closed by ``close()``, or when nobody holds it or an iterator of its inboxes any more. Its methods may be called from any task, and end with a task that is cancelled. What is not here is reached with
/// the generated code of any gRPC language from `Protos/`.
public final class CarillonClient: Sendable {
    /// The loop that its calls run on, which is its own.
    package let loop: EventLoop
    private let timeout: Duration
    /// The connections, for those of this package who make calls that have no method here.
    package let calls: RPCClient

    /// Makes a client; nothing is connected until the first call. Reads the files that the configuration names.
    ///
    /// - Throws: ``CarillonError`` with ``CarillonError/Code/invalidConfiguration`` for what cannot be used, such as a file that
    ///   cannot be read.
    public init(_ configuration: Configuration) throws(CarillonError) {
        let forCalls = try configuration.forCalls()
        timeout = configuration.timeout
        loop = EventLoop(name: "carillon-client")
        calls = RPCClient(loop: loop, configuration: forCalls)
    }

    /// Makes a client of one tenant for one name; nothing is connected until the first call.
    ///
    /// - Parameters:
    ///   - host: the servers' name or address, which their certificates must carry.
    ///   - port: the servers' port.
    ///   - ca: the path of a PEM file with the certificates to trust; `nil` for the system's.
    ///   - apiKey: the tenant's API key, `cr_live_…`.
    /// - Throws: ``CarillonError`` with ``CarillonError/Code/invalidConfiguration`` when the certificates cannot be read.
    public convenience init(
        host: String, port: UInt16 = 443, ca: String? = nil, apiKey: String
    ) throws(CarillonError) {
        var configuration = Configuration(endpoints: [Endpoint(host, port: port)], credential: .apiKey(apiKey))
        if let ca { configuration.trust = .file(ca) }
        try self.init(configuration)
    }

    deinit {
        calls.closeSoon()
        loop.stop()
    }

    /// Closes the connections and ends the client's thread, and returns when that is done. Open calls end as
    /// ``CarillonError/Code/cancelled``, later ones as ``CarillonError/Code/unavailable``. May be called several times.
    public func close() async {
        await calls.close()
        await loop.shutDown()
    }

    /// Publishes an event. When this returns, the event is on disk, and each of its notifications will be delivered or
    /// have a reason why not.
    ///
    /// It is repeated by the client's ``RetryRules`` while the server is not available, and may be repeated by its caller
    /// after an error whose outcome is unknown: its ``Event/idempotencyKey`` sees to it that nobody is told twice.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - timeout: how long to wait for the answer; `nil` for ``Configuration/timeout``.
    /// - Throws: ``CarillonError``; an event that is not as its type wants it is ``CarillonError/Code/invalidArgument`` and
    ///   names the fields in ``CarillonError/violations``.
    public func publish(_ event: Event, timeout: Duration? = nil) async throws(CarillonError) -> Receipt {
        let request = event.request
        return try await call(timeout) { client, options throws(Status) in
            Receipt(try await DeliveryServiceClient(client).publish(request, options: options))
        }
    }

    /// Calls an event off: what nobody has begun to send is not sent. What was sent stays sent. It may be called again.
    ///
    /// - Parameters:
    ///   - event: which one.
    ///   - timeout: how long to wait for the answer; `nil` for ``Configuration/timeout``.
    /// - Returns: how much of it was called off, and how much was not.
    /// - Throws: ``CarillonError``; an event that there is not, or not yet, is ``CarillonError/Code/notFound``.
    @discardableResult
    public func cancel(
        _ event: EventReference, timeout: Duration? = nil
    ) async throws(CarillonError) -> Cancellation {
        let request = event.request
        return try await call(timeout) { client, options throws(Status) in
            Cancellation(try await DeliveryServiceClient(client).cancelEvent(request, options: options))
        }
    }

    /// Asks whether a user would be told of a notification type now.
    ///
    /// - Parameters:
    ///   - user: the user's id.
    ///   - type: the key of the type, such as `invoice.created`.
    ///   - timeout: how long to wait for the answer; `nil` for ``Configuration/timeout``.
    /// - Returns: what would happen on each channel of the type.
    /// - Throws: ``CarillonError``; an unknown user or type is ``CarillonError/Code/notFound``.
    public func check(
        user: String, type: String, timeout: Duration? = nil
    ) async throws(CarillonError) -> [ChannelDecision] {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = user
        request.notificationType = type
        return try await call(timeout) { [request] client, options throws(Status) in
            try await PreferenceServiceClient(client).checkPreference(request, options: options)
                .channels.map(ChannelDecision.init)
        }
    }

    /// Follows the inbox of a portal user: the counts at once, then items and counts as they come, until the task is cancelled,
    /// the token expires or the connection is lost. Nothing is missed by watching again after the last
    /// ``InboxChange/sequence``.
    ///
    /// - Parameters:
    ///   - token: a portal token of that user, which the portal signs.
    ///   - sequence: items that came after it are told first; `nil` begins with what comes next.
    public func watchInbox(token: String, after sequence: Int64? = nil) -> InboxChanges {
        InboxChanges(client: self, token: token, after: sequence)
    }

    private func call<Result>(
        _ timeout: Duration?, _ body: (RPCClient, CallOptions) async throws(Status) -> Result
    ) async throws(CarillonError) -> Result {
        do throws(Status) {
            return try await body(calls, CallOptions(timeout: timeout ?? self.timeout))
        } catch {
            throw CarillonError(error)
        }
    }
}
