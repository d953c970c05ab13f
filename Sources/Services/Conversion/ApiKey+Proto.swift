internal import CarillonAPI
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_ApiKey {
    init(_ record: APIKeyRecord) {
        self.init()
        keyID = record.id
        tenantID = record.tenant?.rawValue ?? ""
        displayName = record.displayName
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        if let expiry = record.expiresAt { expireTime = Google_Protobuf_Timestamp(expiry) }
        scopes = Carillon_V1_AccessScope.scopes(words: record.scopes)
        lastFour = record.lastFour
        createdBy = record.createdBy
        if let use = record.lastUsedAt { lastUsedTime = Google_Protobuf_Timestamp(use) }
        if let revocation = record.revokedAt { revokeTime = Google_Protobuf_Timestamp(revocation) }
    }

    /// A key that was just stored.
    init(_ key: NewAPIKey, of tenant: TenantID, madeAt time: Instant) {
        self.init()
        keyID = key.id
        tenantID = tenant.rawValue
        displayName = key.displayName
        createTime = Google_Protobuf_Timestamp(time)
        if let expiry = key.expiresAt { expireTime = Google_Protobuf_Timestamp(expiry) }
        scopes = Carillon_V1_AccessScope.scopes(words: key.scopes)
        lastFour = key.lastFour
        createdBy = key.createdBy
    }
}

extension NewAPIKey {
    /// A tenant's key that was just made.
    init(_ key: APIKey, displayName: String, scopes: [String], by caller: Caller, expiresAt: Instant?) {
        self.init(
            id: key.keyID, displayName: displayName, secretHash: key.secretHash, lastFour: key.lastFour,
            scopes: scopes, createdBy: caller.actor, expiresAt: expiresAt)
    }
}
