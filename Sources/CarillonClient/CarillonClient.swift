internal import CarillonAPI
package import CarillonGRPC
internal import CarillonNet
internal import Foundation

/// Calls a Carillon server as one tenant: publishes events, and asks whether somebody is to be told.
///
/// ```swift
/// let carillon = try CarillonClient(host: "carillon.example.com", apiKey: key)
/// let receipt = try await carillon.publish(
///     Event("invoice.created", account: "globex", id: "INV-1", context: ["invoice_number": .text("INV-1")]))
/// ```
///
/// One client keeps one connection, which all calls share and which is made anew when it was lost. Its methods may be
/// called from any task. What is not here is reached with the generated code of any gRPC language from `Protos/`.
public final class CarillonClient: Sendable {
    private let loop: EventLoop
    /// The connection, for those of this package who make calls that have no method here.
    package let calls: RPCClient

    /// Makes a client; nothing is connected until the first call.
    ///
    /// - Parameters:
    ///   - host: the server's name or address, which its certificate must carry.
    ///   - port: the server's port.
    ///   - ca: the path of a PEM file with the certificates to trust; `nil` for the system's.
    ///   - apiKey: the tenant's API key, `cr_live_…`.
    /// - Throws: ``CarillonError`` with ``CarillonError/Code/invalidConfiguration`` when the certificates cannot be read.
    public init(host: String, port: UInt16 = 443, ca: String? = nil, apiKey: String) throws(CarillonError) {
        let tls: TLSContext
        do throws(TLSError) {
            tls = try TLSContext(trustedCertificates: ca)
        } catch {
            throw CarillonError(code: .invalidConfiguration, message: error.description)
        }
        loop = EventLoop(name: "carillon-client")
        calls = RPCClient(
            loop: loop,
            configuration: .init(
                host: host, port: port, tls: tls, metadata: [("authorization", "Bearer \(apiKey)")]))
    }

    /// Closes the connection and ends the client's thread. Open calls end as cancelled. To be called once, at the end.
    public func close() async {
        await calls.close()
        await loop.shutDown()
    }

    /// Publishes an event. When this returns, the event is on disk, and each of its notifications will be delivered or
    /// have a reason why not.
    ///
    /// The same event may be published again after an error whose outcome is unknown, such as
    /// ``CarillonError/Code/unavailable``: its ``Event/idempotencyKey`` sees to it that nobody is told twice.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - timeout: how long to wait for the answer.
    /// - Throws: ``CarillonError``; an event that is not as its type wants it is ``CarillonError/Code/invalidArgument``.
    public func publish(_ event: Event, timeout: Duration = .seconds(10)) async throws(CarillonError) -> Receipt {
        let request = event.request
        return try await call { client throws(Status) in
            let options = CallOptions(timeout: timeout)
            return Receipt(try await DeliveryServiceClient(client).publish(request, options: options))
        }
    }

    /// Asks whether a user would be told of a notification type now.
    ///
    /// - Parameters:
    ///   - user: the user's id.
    ///   - type: the key of the type, such as `invoice.created`.
    ///   - timeout: how long to wait for the answer.
    /// - Returns: what would happen on each channel of the type.
    /// - Throws: ``CarillonError``; an unknown user or type is ``CarillonError/Code/notFound``.
    public func check(
        user: String, type: String, timeout: Duration = .seconds(2)
    ) async throws(CarillonError) -> [ChannelDecision] {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = user
        request.notificationType = type
        return try await call { [request] client throws(Status) in
            let options = CallOptions(timeout: timeout)
            return try await PreferenceServiceClient(client).checkPreference(request, options: options)
                .channels.map(ChannelDecision.init)
        }
    }

    private func call<Result>(
        _ body: (RPCClient) async throws(Status) -> Result
    ) async throws(CarillonError) -> Result {
        do throws(Status) {
            return try await body(calls)
        } catch {
            throw CarillonError(error)
        }
    }
}
