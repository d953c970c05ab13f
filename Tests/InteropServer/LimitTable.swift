import CarillonGRPC
import CarillonNet

/// The limits of a server by the names of their properties, so that a test can move each without knowing Swift.
///
/// A row for each property of `ServerLimits` and `HTTP2Limits`: whoever adds a limit adds it here.
struct LimitTable {
    private struct Row {
        let name: String
        let set: (inout ServerLimits, String) -> Bool
    }

    private static var rows: [Row] {
        [
            number("messageSize", \.messageSize),
            number("lightMessage", \.lightMessage),
            number("inflationPerTick", \.inflationPerTick),
            number("decodings", \.decodings),
            number("decodingsPerConnection", \.decodingsPerConnection),
            number("inflationRatio", \.inflationRatio),
            number("freeInflation", \.freeInflation),
            number("connections", \.connections),
            number("handshakesPerAddress", \.handshakesPerAddress),
            number("handshakes", \.handshakes),
            toggle("countsHandshakesByAddress", \.countsHandshakesByAddress),
            number("handshakeBurst", \.handshakeBurst),
            number("handshakesPerSecond", \.handshakesPerSecond),
            number("slowHandshakesPerSecond", \.slowHandshakesPerSecond),
            duration("slowTime", \.slowTime),
            number("waitingHandshakes", \.waitingHandshakes),
            number("callsPerConnection", \.callsPerConnection),
            number("calls", \.calls),
            number("abandonedCallsPerConnection", \.abandonedCallsPerConnection),
            number("abandonedCalls", \.abandonedCalls),
            duration("timeout", \.timeout),
            number("inputPerConnection", \.inputPerConnection),
            number("input", \.input),
            number("fewCalls", \.fewCalls),
            number("fewAbandonedCalls", \.fewAbandonedCalls),
            number("littleInput", \.littleInput),
            number("outputPerConnection", \.outputPerConnection),
            number("output", \.output),
            number("littleOutput", \.littleOutput),
            duration("memoryPause", \.memoryPause),
            toggle("looksAfterMemory", \.looksAfterMemory),
            number("concurrentStreams", \.http2.concurrentStreams),
            number("streamWindow", \.http2.streamWindow),
            number("connectionWindow", \.http2.connectionWindow),
            number("headerListSize", \.http2.headerListSize),
            number("resetBurst", \.http2.resetBurst),
            number("resetsPerSecond", \.http2.resetsPerSecond),
            number("continuations", \.http2.continuations),
            number("outboundAcknowledgements", \.http2.outboundAcknowledgements),
            number("briefResetBurst", \.http2.briefResetBurst),
            number("briefResetsPerSecond", \.http2.briefResetsPerSecond),
            duration("briefStreamTime", \.http2.briefStreamTime),
            number("hastyResetBurst", \.http2.hastyResetBurst),
            number("hastyResetsPerSecond", \.http2.hastyResetsPerSecond),
            number("provokedResetBurst", \.http2.provokedResetBurst),
            number("provokedResetsPerSecond", \.http2.provokedResetsPerSecond),
            number("idleFrameBurst", \.http2.idleFrameBurst),
            number("idleFramesPerSecond", \.http2.idleFramesPerSecond),
            number("settings", \.http2.settings),
            number("outboundFrames", \.http2.outboundFrames),
            duration("pingInterval", \.http2.pingInterval),
            toggle("permitsPingsWithoutStreams", \.http2.permitsPingsWithoutStreams),
            duration("handshakeTime", \.http2.handshakeTime),
            duration("prefaceTime", \.http2.prefaceTime),
            duration("settingsTime", \.http2.settingsTime),
            duration("headerBlockTime", \.http2.headerBlockTime),
            duration("bodyGrace", \.http2.bodyGrace),
            number("bodyRate", \.http2.bodyRate),
            duration("outputStall", \.http2.outputStall),
            duration("keepaliveTime", \.http2.keepaliveTime),
            duration("keepaliveTimeout", \.http2.keepaliveTimeout),
            duration("maxAge", \.http2.maxAge),
            duration("ageGrace", \.http2.ageGrace),
            duration("maxIdle", \.http2.maxIdle),
            duration("drainNoticeTime", \.http2.drainNoticeTime),
            duration("lingerTime", \.http2.lingerTime),
            number("readBudget", \.http2.readBudget),
            duration("readTime", \.http2.readTime),
            number("streamOutput", \.http2.streamOutput),
        ]
    }

    /// Sets a limit.
    ///
    /// - Parameters:
    ///   - assignment: `name=value`; durations are in milliseconds, 1 and 0 are yes and no.
    ///   - limits: what is changed.
    /// - Throws: for an unknown name, and a value that the limit cannot take.
    static func set(_ assignment: String, in limits: inout ServerLimits) throws(ArgumentError) {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw ArgumentError("--limit is name=value, not \(assignment)") }
        guard let row = rows.first(where: { $0.name == parts[0] }) else {
            let known = rows.map(\.name).joined(separator: ", ")
            throw ArgumentError("there is no limit \(parts[0]); there are \(known)")
        }
        guard row.set(&limits, parts[1]) else { throw ArgumentError("the limit \(parts[0]) cannot be \(parts[1])") }
    }

    private static func number<Value: FixedWidthInteger>(
        _ name: String, _ path: WritableKeyPath<ServerLimits, Value>
    ) -> Row {
        Row(name: name) { limits, text in
            guard let value = Value(text) else { return false }
            limits[keyPath: path] = value
            return true
        }
    }

    private static func toggle(_ name: String, _ path: WritableKeyPath<ServerLimits, Bool>) -> Row {
        Row(name: name) { limits, text in
            guard text == "0" || text == "1" else { return false }
            limits[keyPath: path] = text == "1"
            return true
        }
    }

    private static func duration(_ name: String, _ path: WritableKeyPath<ServerLimits, Duration>) -> Row {
        Row(name: name) { limits, text in
            guard let value = Int64(text) else { return false }
            limits[keyPath: path] = .milliseconds(value)
            return true
        }
    }

    private static func duration(_ name: String, _ path: WritableKeyPath<ServerLimits, Duration?>) -> Row {
        Row(name: name) { limits, text in
            guard let value = Int64(text) else { return false }
            limits[keyPath: path] = .milliseconds(value)
            return true
        }
    }
}
