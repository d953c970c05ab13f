internal import CarillonAPI
internal import Domain
internal import Security
internal import Storage
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

extension Carillon_V1_PublishRequest {
    /// An event that tells one user something of the user's own, of a type with the user's id and name.
    ///
    /// - Parameters:
    ///   - what: what tells it from others of its type.
    ///   - context: the variables besides.
    init(_ type: TypeKey, to user: UserRecord, _ what: String, _ context: [Carillon_V1_ContextValue]) {
        self.init()
        idempotencyKey = .ofEvent(type, "\(user.id)\n\(what)")
        notificationType = type.rawValue
        accountID = user.account?.rawValue ?? ""
        addressedUserIds = [user.id.rawValue]
        let name = user.displayName.isEmpty ? user.id.rawValue : user.displayName
        self.context = [.text("user_id", user.id.rawValue), .text("user_display_name", name)] + context
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
