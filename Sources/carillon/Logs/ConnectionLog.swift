internal import CarillonGRPC
internal import CarillonNet
internal import Logging
internal import Synchronization

/// What the log tells of connections: one line each, with the peer's address and what is wrong, and a bounded number of
/// lines for each reason. Any thread.
final class ConnectionLog: Sendable {
    private let log: Logger
    private let budget = Mutex(LineBudget())

    /// Writes to a log.
    init(_ log: Logger) {
        self.log = log
    }

    /// What a server says about its connections.
    func report(_ event: ServerEvent) {
        switch event {
        case .connectionFailed(let peer, let reason):
            let (kind, level) = Self.kind(of: reason)
            write(level, "a connection failed", kind, ["peer": "\(peer)", "reason": "\(reason)"])
        case .tooManyConnections(let limit):
            let reason: Logger.MetadataValue = "too many connections are open"
            write(
                .warning, "a connection was refused", "too_many",
                ["reason": reason, "limit": .stringConvertible(limit)])
        case .tooManyHandshakes(let peer):
            refused("too_many_handshakes", "too many handshakes are under way", peer)
        case .tooFrequentHandshakes(let peer):
            let reason: Logger.MetadataValue =
                "its address begins too many handshakes; if it is a balancer's, set \(SettingKey.maxHandshakeRate.rawValue) to 0"
            refused("too_frequent_handshakes", reason, peer)
        case .acceptingRests(let waiting):
            write(
                .notice, "no connection is accepted for a moment", "accepting_rests",
                ["reason": "too many handshakes wait for their turn", "limit": .stringConvertible(waiting)])
        }
    }

    private func refused(_ kind: String, _ reason: Logger.MetadataValue, _ peer: String) {
        write(.warning, "a connection was refused", kind, ["peer": "\(peer)", "reason": reason])
    }

    /// Tells how many lines were left out, of the kinds whose time is over; of all at the end.
    func tellSuppressed(all: Bool = false) {
        for (kind, count) in budget.withLock({ $0.collect(now: .current, all: all) }) {
            log.notice(
                "more connections failed in the same way",
                metadata: ["kind": "\(kind)", "suppressed": .stringConvertible(count)])
        }
    }

    /// Tells it again and again until the task is cancelled. On a loop.
    func run(on loop: EventLoop) async {
        while true {
            do {
                try await loop.sleep(for: LineBudget.window)
            } catch {
                return
            }
            tellSuppressed()
        }
    }

    private func write(_ level: Logger.Level, _ message: Logger.Message, _ kind: String, _ metadata: Logger.Metadata) {
        // What nobody reads takes no budget.
        guard level >= log.logLevel, budget.withLock({ $0.takes(kind, now: .current) }) else { return }
        log.log(level: level, message, metadata: metadata.merging(["kind": "\(kind)"]) { $1 })
    }

    /// A stable word for a reason, and how loud it is. Peers that leave without a farewell are so common, probes among them,
    /// that they would drown the rest; a peer that speaks something else or does not trust us is somebody's mistake that
    /// waits to be found.
    private static func kind(of reason: HTTP2CloseReason) -> (String, Logger.Level) {
        switch reason {
        case .finished: ("finished", .debug)
        case .aborted: ("cut_off", .debug)
        case .aged: ("aged", .debug)
        case .failed: ("failed", .error)
        case .handshakeTimeout: ("handshake_timeout", .info)
        case .gaveWay: ("handshake_gave_way", .info)
        case .notHTTP2: ("not_http2", .notice)
        case .tls(let error): kind(of: error.code)
        case .noALPN: ("no_alpn_h2", .notice)
        case .protocolViolation: ("protocol_violation", .info)
        case .abuse: ("abuse", .notice)
        case .timedOut: ("timed_out", .info)
        }
    }

    private static func kind(of code: TLSError.Code) -> (String, Logger.Level) {
        switch code {
        case .configuration: ("tls_configuration", .error)
        case .handshake: ("tls_handshake", .info)
        case .plaintextPeer: ("not_tls", .notice)
        case .oldVersion: ("old_tls", .notice)
        case .noCommonCipher: ("no_common_cipher", .notice)
        case .noApplicationProtocol: ("no_alpn_h2", .notice)
        case .rejectedByPeer: ("certificate_rejected", .notice)
        case .peerCertificate: ("client_certificate", .notice)
        case .connection: ("connection_broken", .debug)
        }
    }
}
