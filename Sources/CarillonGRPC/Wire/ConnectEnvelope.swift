internal import CarillonNet

/// The envelopes of Connect's streaming calls (https://connectrpc.com/docs/protocol/, "Streaming RPCs"): gRPC's prefix
/// with one flag more.
enum ConnectEnvelope {
    /// The flag of the last envelope of an answer; never set in a request.
    static let endFlag: UInt8 = 0x02

    /// The whole last envelope of an answer: how the call ended and the handler's own trailing fields, as JSON.
    ///
    /// - Parameter trailers: lower-case names; values of `-bin` fields are base64 already. Values of one name are gathered
    ///   in their order.
    static func endOfStream(_ status: Status, trailers: HeaderBlock) -> [UInt8] {
        var text = JSONText()
        text.append("{")
        if status.code != .ok {
            text.append("\"error\":")
            ConnectError.append(status, to: &text)
        }
        if trailers.count > 0 {
            text.append(status.code == .ok ? "\"metadata\":{" : ",\"metadata\":{")
            append(trailers, to: &text)
            text.append("}")
        }
        text.append("}")
        return MessagePrefix.prefixed(text.octets, flags: endFlag)
    }

    private static func append(_ trailers: HeaderBlock, to text: inout JSONText) {
        var names: [String] = []
        var values: [String: [String]] = [:]
        trailers.visit { name, value in
            let name = String(decoding: name, as: UTF8.self)
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(String(decoding: value, as: UTF8.self))
        }
        for (index, name) in names.enumerated() {
            if index > 0 { text.append(",") }
            text.append(string: name)
            text.append(":[")
            for (index, value) in (values[name] ?? []).enumerated() {
                if index > 0 { text.append(",") }
                text.append(string: value)
            }
            text.append("]")
        }
    }
}
