internal import CarillonAPI
internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Storage

/// A provider as a tenant describes it, checked.
struct ProviderDraft {
    /// What happens to the stored password.
    enum Password {
        /// It stays, as long as it would go to the same place: see ``ProviderDraft/mayKeepPassword(of:)``.
        case keep
        case none
        case set(String)
    }

    let id: ProviderID
    let channel: Channel
    let displayName: String
    let priority: Int32
    let isEnabled: Bool
    let settings: ProviderSettings
    let password: Password
    let revision: Int64?

    init(_ sent: Carillon_V1_Provider, limits: ServiceLimits) throws(Status) {
        var check = FieldCheck()
        let id = check.identifier(sent.providerID, "provider.provider_id", as: ProviderID.self)
        displayName = check.line(sent.displayName, "provider.display_name", limit: 200)
        priority = sent.priority
        if !(0...1000).contains(sent.priority) {
            check.add("provider.priority", "must be 0 to 1000", reason: "OUT_OF_RANGE")
        }
        isEnabled = !sent.disabled
        if sent.channel != .email {
            check.add(
                "provider.channel", "must be CHANNEL_EMAIL: smtp and maildir carry e-mail",
                reason: sent.channel == .unspecified ? "REQUIRED" : "INVALID")
        }
        channel = .email
        var settings: ProviderSettings?
        var password = Password.none
        switch sent.settings {
        case .smtp(let smtp):
            settings = .smtp(Self.relay(smtp, limits, &check))
            if smtp.username.isEmpty {
                if !smtp.password.isEmpty {
                    check.add("provider.smtp.username", "is required with a password", reason: "REQUIRED")
                }
            } else {
                password = smtp.password.isEmpty ? .keep : .set(smtp.password)
            }
        case .maildir(let maildir):
            guard limits.allowsMaildir else {
                throw Status(
                    .failedPrecondition, .providerNotAllowed, "this service takes no maildir providers; use smtp")
            }
            settings = .maildir(Self.folder(maildir, &check))
        case nil: check.add("provider.settings", "is required: smtp or maildir", reason: "REQUIRED")
        }
        try check.check()
        guard let id, let settings else { throw .unauthenticated }
        self.id = id
        self.settings = settings
        self.password = password
        revision = try Etag.revision(sent.etag)
    }

    /// Whether the stored password may stay.
    ///
    /// A password goes in and never comes out. It would come out to whoever named another host, another port, a weaker
    /// protection or another user and left the password alone: the next mail would hand it over.
    func mayKeepPassword(of stored: ProviderRecord) -> Bool {
        guard stored.hasSecret, case .smtp(let relay) = settings,
            case .smtp(let known) = ProviderSettings(kind: stored.kind, config: stored.config)
        else { return false }
        return known.host == relay.host && known.port == relay.port && known.security == relay.security
            && known.username == relay.username
    }

    private static func relay(
        _ smtp: Carillon_V1_SmtpSettings, _ limits: ServiceLimits, _ check: inout FieldCheck
    ) -> ProviderSettings.SMTP {
        let field = "provider.smtp"
        let host = smtp.host.lowercased()
        if let problem = RelayHost.problem(host, allowsPrivate: limits.allowsPrivateRelays) {
            check.add("\(field).host", problem, reason: host.isEmpty ? "REQUIRED" : "INVALID")
        }
        let security: ProviderSettings.SMTP.Security
        switch smtp.security {
        case .unspecified, .starttls: security = .startTLS
        case .tls: security = .tls
        case .none:
            security = .none
            if !RelayHost.isLoopback(host) {
                check.add("\(field).security", "may be SMTP_SECURITY_NONE to loopback addresses only")
            }
        case .UNRECOGNIZED:
            security = .startTLS
            check.add("\(field).security", "is not a known way to protect a connection", reason: "UNKNOWN")
        }
        if !(0...65_535).contains(smtp.port) {
            check.add("\(field).port", "must be 1 to 65535, or 0 for the usual one", reason: "OUT_OF_RANGE")
        }
        check.line(smtp.username, "\(field).username", limit: 320)
        check.line(smtp.password, "\(field).password", limit: 1000)
        check.email(smtp.fromAddress, "\(field).from_address", isRequired: true)
        check.line(smtp.fromName, "\(field).from_name", limit: 200)
        check.email(smtp.replyTo, "\(field).reply_to")
        return ProviderSettings.SMTP(
            host: host, port: smtp.port == 0 ? (security == .tls ? 465 : 587) : Int(smtp.port), security: security,
            username: smtp.username, fromAddress: smtp.fromAddress, fromName: smtp.fromName, replyTo: smtp.replyTo)
    }

    private static func folder(
        _ maildir: Carillon_V1_MaildirSettings, _ check: inout FieldCheck
    ) -> ProviderSettings.Maildir {
        check.line(maildir.directory, "provider.maildir.directory", limit: 1024, isRequired: true)
        if !maildir.directory.isEmpty, !TextForms.isAbsolutePath(maildir.directory) {
            check.add("provider.maildir.directory", "is not an absolute path without . and ..", reason: "MALFORMED")
        }
        check.email(maildir.fromAddress, "provider.maildir.from_address")
        return ProviderSettings.Maildir(directory: maildir.directory, fromAddress: maildir.fromAddress)
    }
}
