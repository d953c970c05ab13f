package import CarillonNet
package import SwiftProtobuf
internal import Synchronization

/// Calls the methods of one server. It connects when the first call is made and again after the connection was lost.
///
/// Methods may be called from any task; the calls run on the client's loop.
package final class RPCClient: Sendable {
    /// Where the server is and how to reach it.
    package struct Configuration: Sendable {
        /// Host name or address; also the name that the certificate must carry.
        package var host: String
        /// TCP port.
        package var port: UInt16
        /// Trusted certificates and protocol rules.
        package var tls: TLSContext
        /// Header fields of every call, such as `authorization`.
        package var metadata: [(name: String, value: String)]
        /// Time for connecting, TLS included.
        package var connectTimeout: Duration
        /// The greatest length of one response message in octets.
        package var messageSize: Int

        /// Makes a configuration.
        package init(
            host: String, port: UInt16, tls: TLSContext, metadata: [(name: String, value: String)] = [],
            connectTimeout: Duration = .seconds(10), messageSize: Int = 4 * 1024 * 1024
        ) {
            self.host = host
            self.port = port
            self.tls = tls
            self.metadata = metadata
            self.connectTimeout = connectTimeout
            self.messageSize = messageSize
        }
    }
    private let loop: EventLoop
    private let configuration: Configuration
    private let link: ClientLink

    /// Makes a client; nothing is connected yet.
    package init(loop: EventLoop, configuration: Configuration) {
        self.loop = loop
        self.configuration = configuration
        link = ClientLink(loop: loop, configuration: configuration)
    }

    /// Closes the connection; open calls end as cancelled.
    package func close() async {
        await loop.run { self.link.close() }
    }

    /// Makes a call with one message each way.
    package func unary<Request: Message, Response: Message>(
        _ path: StaticString, _ request: Request, options: CallOptions = .init()
    ) async throws(Status) -> Response {
        let reader: ResponseReader<Response> = try await serverStreaming(path, request, options: options)
        var iterator = reader.makeAsyncIterator()
        guard let response = try await iterator.next() else {
            throw Status(.unimplemented, "the server answered without a message")
        }
        guard try await iterator.next() == nil else {
            throw Status(.unimplemented, "the server answered with more than one message")
        }
        return response
    }

    /// Makes a call with one message out and many in.
    package func serverStreaming<Request: Message, Response: Message>(
        _ path: StaticString, _ request: Request, options: CallOptions = .init()
    ) async throws(Status) -> ResponseReader<Response> {
        let frame = try MessageFrame.of(request)
        return ResponseReader(call: try await start(path, body: frame, endsBody: true, options))
    }

    /// Makes a call with many messages out and one in.
    package func clientStreaming<Request: Message, Response: Message>(
        _ path: StaticString, options: CallOptions = .init()
    ) async throws(Status) -> (RequestWriter<Request>, ResponseReader<Response>) {
        try await bidirectionalStreaming(path, options: options)
    }

    /// Makes a call with many messages each way.
    package func bidirectionalStreaming<Request: Message, Response: Message>(
        _ path: StaticString, options: CallOptions = .init()
    ) async throws(Status) -> (RequestWriter<Request>, ResponseReader<Response>) {
        let call = try await start(path, body: [], endsBody: false, options)
        return (RequestWriter(call: call), ResponseReader(call: call))
    }

    private func start(
        _ path: StaticString, body: [UInt8], endsBody: Bool, _ options: CallOptions
    ) async throws(Status) -> ClientCall {
        let link = self.link
        return try await loop.run { () async throws(Status) in
            try await link.start(path, body: body, endsBody: endsBody, options)
        }
    }
}
