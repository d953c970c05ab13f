import CarillonGRPC
import CarillonNet

/// What the command line says.
struct Arguments: Sendable {
    /// One line for who got it wrong.
    static let usage = """
        usage: interop-server --certificate FILE --key FILE [--client-ca FILE] [--host ADDRESS] [--port NUMBER] \
        [--port-file FILE] [--loops NUMBER] [--grace MILLISECONDS] [--limit NAME=VALUE]...
        """

    /// PEM files with the server's certificate and key, and with the authorities whose clients are let in.
    private(set) var tls = TLSServerSettings(certificateChain: "", privateKey: "")
    /// The address to listen on.
    private(set) var host = "127.0.0.1"
    /// The port; 0 lets the system choose.
    private(set) var port: UInt16 = 0
    /// Where to write the port once it listens.
    private(set) var portFile: String?
    /// Threads that serve.
    private(set) var loops = 2
    /// How long calls may go on after the first signal.
    private(set) var grace = Duration.seconds(5)
    /// Limits of the server, changed by name.
    private(set) var limits = ServerLimits()

    /// The defaults.
    init() {}

    /// Reads arguments.
    ///
    /// - Throws: for what is unknown, malformed or missing.
    init(_ words: ArraySlice<String>) throws(ArgumentError) {
        var rest = words
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw ArgumentError("\(flag) needs a value") }
            switch flag {
            case "--certificate": tls.certificateChain = value
            case "--key": tls.privateKey = value
            case "--client-ca": tls.clientAuthorities = value
            case "--host": host = value
            case "--port": port = try Self.number(value, of: flag)
            case "--port-file": portFile = value
            case "--loops":
                loops = try Self.number(value, of: flag)
                guard (1...64).contains(loops) else { throw ArgumentError("--loops is from 1 to 64") }
            case "--grace": grace = .milliseconds(try Self.number(value, of: flag) as Int64)
            case "--limit": try LimitTable.set(value, in: &limits)
            default: throw ArgumentError("unknown flag \(flag)")
            }
        }
        guard !tls.certificateChain.isEmpty, !tls.privateKey.isEmpty else {
            throw ArgumentError("--certificate and --key are needed")
        }
    }

    private static func number<Value: FixedWidthInteger>(
        _ text: String, of flag: String
    ) throws(ArgumentError) -> Value {
        guard let value = Value(text) else { throw ArgumentError("\(flag) is no number: \(text)") }
        return value
    }
}

/// A mistake of who started the server.
struct ArgumentError: Error, CustomStringConvertible {
    /// What is wrong.
    let description: String

    /// Makes an error with its words.
    init(_ description: String) {
        self.description = description
    }
}
