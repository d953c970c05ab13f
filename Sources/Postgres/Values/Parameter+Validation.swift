internal import CLibPQ

extension Parameter {
    /// The most bytes that one value may take on the wire; PostgreSQL's own limit lies just below 1 GiB.
    private static let sizeLimit = 0x3fff_0000

    /// Why the value cannot be sent, in words without data; `nil` if it can.
    var defect: String? {
        switch self {
        case .null, .bool, .int4, .int8, .float8, .uuid: nil
        case .text(let text), .json(let text): Self.defect(of: text) ?? Self.defect(ofSize: text.utf8.count)
        case .bytes(let bytes): Self.defect(ofSize: bytes.count)
        case .timestamp(let moment): Self.defect(of: moment)
        case .boolArray(let values): Self.defect(ofSize: values.count, times: 5)
        case .int4Array(let values): Self.defect(ofSize: values.count, times: 8)
        case .int8Array(let values): Self.defect(ofSize: values.count, times: 12)
        case .uuidArray(let values): Self.defect(ofSize: values.count, times: 20)
        case .textArray(let values): Self.defect(of: values, Self.defect(of:)) { $0.utf8.count }
        case .optionalTextArray(let values):
            Self.defect(of: values, { $0.flatMap(Self.defect(of:)) }) { $0?.utf8.count ?? 0 }
        case .bytesArray(let values): Self.defect(of: values, { _ in nil }) { $0.count }
        case .optionalBytesArray(let values): Self.defect(of: values, { _ in nil }) { $0?.count ?? 0 }
        case .timestampArray(let values): Self.defect(of: values, Self.defect(of:)) { _ in 8 }
        case .optionalTimestampArray(let values):
            Self.defect(of: values, { $0.flatMap(Self.defect(of:)) }) { _ in 8 }
        }
    }

    private static func defect(of text: String) -> String? {
        var text = text
        let containsNUL = text.withUTF8 { carillon_contains_nul($0.baseAddress, $0.count) }
        return containsNUL ? "text with a zero byte" : nil
    }

    private static func defect(of moment: Timestamp) -> String? {
        Timestamp.representable.contains(moment) ? nil : "a moment outside PostgreSQL's range"
    }

    private static func defect(ofSize count: Int, times size: Int = 1) -> String? {
        count <= sizeLimit / size ? nil : "a value larger than 1 GiB"
    }

    private static func defect<Element>(
        of elements: [Element], _ defect: (Element) -> String?, size: (Element) -> Int
    ) -> String? {
        var total = 0
        for element in elements {
            if let defect = defect(element) { return defect }
            total += 4 + size(element)
        }
        return self.defect(ofSize: total)
    }
}
