import CarillonAPI
import CarillonClient
import CarillonGRPC
import CarillonNet
import Foundation
import Programs
import SwiftProtobuf
import Synchronization

/// A server with the services that CarillonClient calls, answering as a test wants it.
final class ServiceDouble: Sendable {
    private struct State {
        var publications: [(key: String, credential: String?)] = []
        var deliverTimes: [Google_Protobuf_Timestamp?] = []
        var failures: [Status] = []
        var gate: CallGate?
        var published: (@Sendable (Int) -> Void)?
    }
    /// A self-signed certificate for localhost, made once by the `openssl` command, which is its own authority.
    struct Files: Sendable {
        let certificate: String
        let key: String
    }

    static let files: Files = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "carillon-client-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let files = Files(
            certificate: folder.appending(path: "certificate.pem").path, key: folder.appending(path: "key.pem").path)
        let openssl = Process()
        openssl.executableURL = URL(filePath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", files.key, "-out",
            files.certificate,
        ]
        openssl.standardError = FileHandle.nullDevice
        try? openssl.startInTurn()
        openssl.waitUntilExit()
        precondition(openssl.terminationStatus == 0, "the command openssl could not make a certificate")
        return files
    }()

    private let loop = EventLoop(name: "service-double")
    private let state = Mutex(State())

    /// The keys of the events that were published, and who published them, in order.
    var publications: [(key: String, credential: String?)] { state.withLock { $0.publications } }

    /// When people were to be told of them.
    var deliverTimes: [Google_Protobuf_Timestamp?] { state.withLock { $0.deliverTimes } }

    /// Runs a closure with a client of a fresh server.
    ///
    /// - Parameters:
    ///   - failures: what the first calls are answered with, in order.
    ///   - gate: what publications pass.
    ///   - published: is told of each publication before anything else happens to it, and how many there were.
    static func serve(
        failing failures: [Status] = [], gate: CallGate? = nil, published: (@Sendable (Int) -> Void)? = nil,
        _ change: (inout CarillonClient.Configuration) -> Void = { _ in },
        _ body: (CarillonClient, ServiceDouble) async throws -> Void
    ) async throws {
        let double = ServiceDouble()
        double.state.withLock {
            $0.failures = failures
            $0.gate = gate
            $0.published = published
        }
        let tls = try TLSContext(serverCertificateChain: files.certificate, privateKey: files.key)
        let server = try await RPCServer.start(
            on: [double.loop], host: "127.0.0.1", port: 0, tls: tls, methods: double.methods, report: { _ in })
        var configuration = CarillonClient.Configuration(
            endpoints: [Endpoint("127.0.0.1", port: server.port)], credential: .apiKey("cr_live_key"))
        configuration.trust = .file(files.certificate)
        configuration.serverName = "localhost"
        configuration.retry = RetryRules(attempts: 3, firstWait: .milliseconds(1), longestWait: .milliseconds(5))
        change(&configuration)
        let client = try CarillonClient(configuration)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(client, double))
        } catch {
            result = .failure(error)
        }
        await client.close()
        await server.drain(grace: .seconds(1))
        await double.loop.shutDown()
        try result.get()
    }

    private func takeFailure() throws {
        let failure = state.withLock { $0.failures.isEmpty ? nil : $0.failures.removeFirst() }
        if let failure { throw failure }
    }

    private var methods: [RPCMethod] {
        [
            .unary(
                "/carillon.v1.DeliveryService/Publish",
                inline: { (request: Carillon_V1_PublishRequest, context) in
                    let credential =
                        context[header: "authorization"] ?? context[header: "carillon-tenant"].map { "for \($0)" }
                    let state = self.state.withLock {
                        $0.publications.append((request.idempotencyKey, credential))
                        $0.deliverTimes.append(request.hasDeliverTime ? request.deliverTime : nil)
                        return $0
                    }
                    state.published?(state.publications.count)
                    if let gate = state.gate { try context.enter(gate) }
                    try self.takeFailure()
                    var response = Carillon_V1_PublishResponse()
                    response.eventID = "event of \(request.idempotencyKey)"
                    return response
                },
                async: { _, _ in Carillon_V1_PublishResponse() }),
            .unary(
                "/carillon.v1.DeliveryService/CancelEvent",
                inline: { (request: Carillon_V1_CancelEventRequest, _) in
                    try self.takeFailure()
                    var response = Carillon_V1_CancelEventResponse()
                    switch request.event {
                    case .eventID(let id): response.eventID = id
                    case .idempotencyKey(let key): response.eventID = "event of \(key)"
                    case nil: throw Status(.invalidArgument, "no event")
                    }
                    response.cancelledCount = 3
                    response.finishedCount = 2
                    response.underWayCount = 1
                    return response
                },
                async: { _, _ in Carillon_V1_CancelEventResponse() }),
            .unary(
                "/carillon.v1.PreferenceService/CheckPreference",
                inline: { (_: Carillon_V1_CheckPreferenceRequest, _) in
                    try self.takeFailure()
                    var response = Carillon_V1_CheckPreferenceResponse()
                    var verdict = Carillon_V1_ChannelVerdict()
                    verdict.channel = .email
                    verdict.verdict = .deliver
                    verdict.reason = "default_subscribed"
                    response.channels = [verdict]
                    for (channel, held) in [(Carillon_V1_Channel.sms, Carillon_V1_Verdict.defer), (.push, .digest)] {
                        verdict.channel = channel
                        verdict.verdict = held
                        verdict.deliverTime = Google_Protobuf_Timestamp(seconds: 1_800_000_000, nanos: 500_000_000)
                        response.channels.append(verdict)
                    }
                    return response
                },
                async: { _, _ in Carillon_V1_CheckPreferenceResponse() }),
            .serverStreaming("/carillon.v1.InboxService/WatchInbox") {
                (
                    request: Carillon_V1_WatchInboxRequest, writer: ResponseWriter<Carillon_V1_WatchInboxResponse>,
                    context
                ) async throws in
                guard context[header: "authorization"] == "Bearer token of anna" else {
                    throw Status(.unauthenticated, "no portal token")
                }
                var counts = Carillon_V1_WatchInboxResponse()
                counts.sequence = request.afterSequence
                counts.counts.unread = 1
                try await writer.send(counts)
                var item = Carillon_V1_WatchInboxResponse()
                item.sequence = request.afterSequence + 1
                item.item.title = "New invoice"
                try await writer.send(item)
            },
        ]
    }
}
