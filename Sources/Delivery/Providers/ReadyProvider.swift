internal import CarillonNet
internal import Channels
internal import Domain
internal import Security
internal import Storage
internal import Transfer

/// One e-mail provider of a tenant, ready to send: its settings read, its secret opened.
struct ReadyProvider: Sendable {
    let id: ProviderID
    /// The stored revision that it was made of.
    let revision: Int64
    /// Who mails are from.
    let from: Mailbox
    /// Where answers go; nil for the sender.
    let replyTo: Mailbox?
    let sender: any ChannelProvider<EmailMessage>
}

/// Makes providers of what is stored. Confined to the worker's loop.
struct ProviderFactory {
    /// Why a stored provider cannot be used. Fit for a log.
    struct Unusable: Error {
        let reason: String
    }

    let loop: EventLoop
    let transfer: TransferClient
    let configuration: DeliveryConfiguration

    /// Makes a provider.
    ///
    /// - Parameters:
    ///   - record: as stored, with its sealed secret.
    ///   - tenant: whose it is.
    ///   - key: opens the secret.
    func make(_ record: ProviderRecord, for tenant: TenantRecord, key: DataKey) throws(Unusable) -> ReadyProvider {
        guard let settings = ProviderSettings(kind: record.kind, config: record.config) else {
            throw Unusable(reason: "the stored configuration is not one that this version knows")
        }
        switch settings {
        case .smtp(let settings): return try relay(settings, record, tenant, key)
        case .maildir(let settings): return try maildir(settings, record, tenant)
        }
    }

    private func relay(
        _ settings: ProviderSettings.SMTP, _ record: ProviderRecord, _ tenant: TenantRecord, _ key: DataKey
    ) throws(Unusable) -> ReadyProvider {
        let name = settings.fromName.isEmpty ? tenant.displayName : settings.fromName
        let from = try Self.mailbox(settings.fromAddress, name: name)
        var replyTo: Mailbox?
        if !settings.replyTo.isEmpty { replyTo = try Self.mailbox(settings.replyTo, name: "") }
        var credentials: MailRoute.Credentials?
        if !settings.username.isEmpty {
            credentials = MailRoute.Credentials(user: settings.username, password: try Self.secret(of: record, key))
        }
        let security: MailRoute.Security =
            switch settings.security {
            case .startTLS: .startTLS
            case .tls: .implicitTLS
            case .none: .none
            }
        let route = MailRoute(
            host: settings.host, port: settings.port, security: security, credentials: credentials,
            trustedCertificates: configuration.trustedCertificates, clientName: configuration.hostName,
            addresses: configuration.relayAddresses)
        return ReadyProvider(
            id: record.id, revision: record.revision, from: from, replyTo: replyTo,
            sender: SMTPProvider(client: transfer, route: route, timeouts: configuration.timeouts))
    }

    private func maildir(
        _ settings: ProviderSettings.Maildir, _ record: ProviderRecord, _ tenant: TenantRecord
    ) throws(Unusable) -> ReadyProvider {
        guard configuration.allowsMaildir else { throw Unusable(reason: "maildir providers are not allowed here") }
        let address = settings.fromAddress.isEmpty ? "no-reply@\(tenant.id).invalid" : settings.fromAddress
        return ReadyProvider(
            id: record.id, revision: record.revision, from: try Self.mailbox(address, name: tenant.displayName),
            replyTo: nil, sender: MaildirProvider(loop: loop, directory: settings.directory))
    }

    private static func secret(of record: ProviderRecord, _ key: DataKey) throws(Unusable) -> String {
        guard let sealed = record.sealedSecret else { throw Unusable(reason: "there is a user name but no password") }
        do throws(SecretError) {
            let plain = try key.open(sealed, from: .providerSecret(record.id.rawValue))
            return String(decoding: plain, as: UTF8.self)
        } catch {
            throw Unusable(reason: "the stored secret does not open: \(error.code.rawValue)")
        }
    }

    private static func mailbox(_ address: String, name: String) throws(Unusable) -> Mailbox {
        guard let address = EmailAddress(address) else { throw Unusable(reason: "the sender's address is none") }
        return Mailbox(address, name: name)
    }
}
