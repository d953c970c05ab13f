package import CarillonNet

/// Fields that accompany a call: leading or trailing metadata. Ordered; a name may come several times.
package struct Metadata: Sendable, Hashable {
    /// One field.
    package struct Field: Sendable, Hashable {
        /// Lower-case; `-bin` at its end marks octets in base64.
        package let name: String
        /// The value as it is on the wire.
        package let value: String
    }

    /// All fields in order.
    package private(set) var fields: [Field] = []

    /// Makes an empty list.
    package init() {}

    /// The fields of a header block that are for applications: not those of HTTP and of gRPC itself (gRPC over HTTP/2,
    /// "Custom-Metadata"), except for what tells of retries.
    package init(_ block: HeaderBlock) {
        block.visit { name, value in
            guard !MetadataField.isReserved(name) else { return }
            append(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
    }

    /// Adds a field with a value of printable ASCII.
    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds a field with a value of octets; its name ends with `-bin`.
    package mutating func append(binary name: String, _ octets: [UInt8]) {
        append(name, Base64.encode(octets))
    }

    /// The first value of a name.
    package subscript(name: String) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// All values of a name in order.
    package func values(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// The octets of all values of a `-bin` name in order; a field may hold several, parted by commas. What is not base64
    /// is left out.
    package func binary(_ name: String) -> [[UInt8]] {
        values(name).flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.compactMap {
            Base64.decode(Array($0.utf8.filter { $0 != UInt8(ascii: " ") }))
        }
    }
}
