internal import CarillonAPI
internal import Domain
internal import Security
internal import SwiftProtobuf

// Events that the service makes itself, as a portal would publish them.

extension String {
    /// An idempotency key of such an event, which names nobody.
    ///
    /// - Parameter what: what tells it from others of its type.
    static func ofEvent(_ type: TypeKey, _ what: String) -> String {
        let digest = SHA256Digest.of(Array(what.utf8)).map { octet in
            (octet < 16 ? "0" : "") + String(octet, radix: 16)
        }
        return "carillon.\(type)/\(digest.joined())"
    }
}

extension Carillon_V1_ContextValue {
    /// A text.
    static func text(_ name: String, _ text: String) -> Self {
        .with { ($0.name, $0.text) = (name, text) }
    }

    /// An address of a page.
    static func url(_ name: String, _ url: String) -> Self {
        .with { ($0.name, $0.url) = (name, url) }
    }

    /// A moment.
    static func time(_ name: String, _ time: Instant) -> Self {
        .with { ($0.name, $0.dateTime) = (name, Google_Protobuf_Timestamp(time)) }
    }
}
