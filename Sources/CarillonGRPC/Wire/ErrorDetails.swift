/// The details of an error, taken out of a serialized `google.rpc.Status` by hand: its schema has stood still since 2015,
/// and generated code of the product may not be known here.
enum ErrorDetails {
    /// One detail: the full name of its message type and the serialized message.
    struct Detail: Equatable {
        var type: String
        var value: [UInt8]
    }

    /// Reads the details (field 3, each a `google.protobuf.Any` of type URL and value).
    ///
    /// - Returns: those up to the first octet that is not Protocol Buffers; what is broken is left out, as an error must
    ///   get out whatever its details are.
    static func read(_ status: [UInt8]) -> [Detail] {
        fields(of: status[...]).filter { $0.number == 3 }.map { field in
            var detail = Detail(type: "", value: [])
            for part in fields(of: field.value) {
                switch part.number {
                case 1:
                    // What stands before the last slash says where the type is described.
                    let name = part.value.lastIndex(of: UInt8(ascii: "/")).map { part.value[($0 + 1)...] } ?? part.value
                    detail.type = String(decoding: name, as: UTF8.self)
                case 2: detail.value = Array(part.value)
                default: break
                }
            }
            return detail
        }
    }

    /// The fields of a message that have a length (wire type 2).
    private static func fields(of message: ArraySlice<UInt8>) -> [(number: UInt64, value: ArraySlice<UInt8>)] {
        var rest = message
        var found: [(number: UInt64, value: ArraySlice<UInt8>)] = []
        while let key = varint(&rest) {
            switch key & 7 {
            case 0: guard varint(&rest) != nil else { return found }
            case 1: rest = rest.dropFirst(8)
            case 5: rest = rest.dropFirst(4)
            case 2:
                guard let length = varint(&rest), length <= UInt64(rest.count) else { return found }
                found.append((key >> 3, rest.prefix(Int(length))))
                rest = rest.dropFirst(Int(length))
            default: return found
            }
        }
        return found
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 63, by: 7) {
            guard let octet = rest.popFirst() else { return nil }
            value |= UInt64(octet & 0x7f) << shift
            if octet < 0x80 { return value }
        }
        return nil
    }
}
