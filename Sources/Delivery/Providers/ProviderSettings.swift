internal import FoundationEssentials

/// The public part of a provider's configuration: what `config` of a stored provider holds, as JSON. Who stores
/// providers writes it, the workers read it.
///
/// The secret part, a relay's password in UTF-8, is stored apart, sealed with the tenant's data key for
/// `SealedPlace.providerSecret`.
package enum ProviderSettings: Sendable, Hashable {
    /// A mail relay.
    case smtp(SMTP)
    /// A folder that mails are written into, for development.
    case maildir(Maildir)

    /// How a mail relay is reached, and as whom.
    package struct SMTP: Sendable, Hashable, Codable {
        /// How the connection is protected. The raw values are stored.
        package enum Security: String, Sendable, Hashable, Codable, CaseIterable {
            case startTLS = "starttls"
            case tls
            case none
        }

        /// Host name or IP address.
        package var host: String
        /// 1…65535.
        package var port: Int
        /// How the connection is protected.
        package var security: Security
        /// Name for AUTH; empty for a relay that asks for none.
        package var username: String
        /// Address that the mails come from.
        package var fromAddress: String
        /// Name that the mails come from; empty for the tenant's display name.
        package var fromName: String
        /// Address that answers go to; empty for ``fromAddress``.
        package var replyTo: String

        /// Describes a relay.
        package init(
            host: String, port: Int, security: Security, username: String = "", fromAddress: String,
            fromName: String = "", replyTo: String = ""
        ) {
            self.host = host
            self.port = port
            self.security = security
            self.username = username
            self.fromAddress = fromAddress
            self.fromName = fromName
            self.replyTo = replyTo
        }

        private enum CodingKeys: String, CodingKey {
            case host
            case port
            case security
            case username
            case fromAddress = "from_address"
            case fromName = "from_name"
            case replyTo = "reply_to"
        }
    }

    /// A folder in Maildir form.
    package struct Maildir: Sendable, Hashable, Codable {
        /// Absolute path.
        package var directory: String
        /// Address that the mails come from; empty for one made of the tenant's id.
        package var fromAddress: String

        /// Describes a folder.
        package init(directory: String, fromAddress: String = "") {
            self.directory = directory
            self.fromAddress = fromAddress
        }

        private enum CodingKeys: String, CodingKey {
            case directory
            case fromAddress = "from_address"
        }
    }

    /// The stored `kind`.
    package var kind: String {
        switch self {
        case .smtp: "smtp"
        case .maildir: "maildir"
        }
    }

    /// The stored `config`: a JSON object.
    package var config: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // Encoding strings and a number cannot fail.
        let data: Data? =
            switch self {
            case .smtp(let settings): try? encoder.encode(settings)
            case .maildir(let settings): try? encoder.encode(settings)
            }
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// Reads what is stored; nil when this version does not know it.
    package init?(kind: String, config: String) {
        let data = Data(config.utf8)
        switch kind {
        case "smtp":
            guard let settings = try? JSONDecoder().decode(SMTP.self, from: data) else { return nil }
            self = .smtp(settings)
        case "maildir":
            guard let settings = try? JSONDecoder().decode(Maildir.self, from: data) else { return nil }
            self = .maildir(settings)
        default:
            return nil
        }
    }
}
