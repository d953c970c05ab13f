internal import CarillonAPI
internal import Delivery
internal import Domain
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_Provider {
    /// A stored provider without its secrets.
    init(_ record: ProviderRecord) {
        self.init()
        providerID = record.id.rawValue
        channel = Carillon_V1_Channel(record.channel)
        displayName = record.displayName
        priority = record.priority
        disabled = !record.isEnabled
        switch ProviderSettings(kind: record.kind, config: record.config) {
        case .smtp(let relay): smtp = Carillon_V1_SmtpSettings(relay, hasPassword: record.hasSecret)
        case .maildir(let folder):
            maildir.directory = folder.directory
            maildir.fromAddress = folder.fromAddress
        // Of a newer version: it is listed, and what it is cannot be said.
        case nil: break
        }
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
    }
}

extension Carillon_V1_SmtpSettings {
    fileprivate init(_ relay: ProviderSettings.SMTP, hasPassword: Bool) {
        self.init()
        host = relay.host
        port = Int32(truncatingIfNeeded: relay.port)
        security =
            switch relay.security {
            case .startTLS: .starttls
            case .tls: .tls
            case .none: .none
            }
        username = relay.username
        passwordSet = hasPassword
        fromAddress = relay.fromAddress
        fromName = relay.fromName
        replyTo = relay.replyTo
    }
}
