internal import CarillonAPI
internal import CarillonGRPC
internal import Crypto
internal import Foundation
internal import JWTKit

/// What a supplier's portal does with Carillon, done for the sample supplier: onboard, keep its directory in step,
/// publish, and let a user read the inbox.
struct SamplePortal: Sendable {
    private let client: RPCClient
    private let directory: DevelopmentDirectory
    private let signingKey: P256.Signing.PrivateKey
    private static let keyID = "demo-1"
    private static let patience: Duration = .seconds(30)

    /// A portal that calls over a client without a credential of its own; its keys lie in the directory.
    init(client: RPCClient, directory: DevelopmentDirectory) throws {
        self.client = client
        self.directory = directory
        let file = directory.file(of: SampleSupplier.tenant, "-portal.key")
        let text = try KeptFile.readOrWrite(file, for: .owner) { P256.Signing.PrivateKey().pemRepresentation }
        signingKey = try P256.Signing.PrivateKey(pemRepresentation: text)
    }

    // MARK: Onboarding

    /// Makes the tenant, or takes the one that an earlier run made.
    ///
    /// - Returns: its API key.
    func onboard(operatorKey: String) async throws -> String {
        let tenants = TenantServiceClient(client)
        let options = Self.options(operatorKey)
        var request = Carillon_V1_CreateTenantRequest()
        request.tenant.tenantID = SampleSupplier.tenant
        request.tenant.displayName = SampleSupplier.name
        request.tenant.portalURL = SampleSupplier.portal
        let response = try await tenants.createTenant(request, options: options)
        var keys = Carillon_V1_SetPortalKeysRequest()
        keys.tenantID = SampleSupplier.tenant
        keys.portalKeysJson = publicKeys
        _ = try await tenants.setPortalKeys(keys, options: options)
        let file = directory.file(of: SampleSupplier.tenant, ".key")
        if response.apiKeySecret.isEmpty, let kept = KeptFile.read(file) { return kept }
        var secret = response.apiKeySecret
        if secret.isEmpty {
            var further = Carillon_V1_CreateApiKeyRequest()
            further.tenantID = SampleSupplier.tenant
            further.displayName = "demo"
            secret = try await tenants.createApiKey(further, options: options).secret
        }
        try KeptFile.write(secret, to: file, for: .owner)
        return secret
    }

    /// Tells Carillon of the provider, the accounts, the users and what they chose.
    func fill(apiKey: String) async throws {
        let options = Self.options(apiKey)
        var put = Carillon_V1_PutProviderRequest()
        put.provider = SampleSupplier.provider(maildir: directory.maildir.path)
        _ = try await ChannelServiceClient(client).putProvider(put, options: options)
        let accounts = AccountServiceClient(client)
        for account in SampleSupplier.accounts {
            var upsert = Carillon_V1_UpsertAccountRequest()
            upsert.account = account
            _ = try await accounts.upsertAccount(upsert, options: options)
        }
        for person in SampleSupplier.people {
            var upsert = Carillon_V1_UpsertUserRequest()
            upsert.user = person.message
            _ = try await accounts.upsertUser(upsert, options: options)
            guard person.isDefault else { continue }
            var choose = Carillon_V1_SetDefaultUserRequest()
            choose.accountID = person.account
            choose.userID = person.id
            _ = try await accounts.setDefaultUser(choose, options: options)
        }
        for entry in SampleSupplier.choices {
            var update = Carillon_V1_UpdatePreferencesRequest()
            update.userID = entry.user
            update.choices = [entry.choice]
            _ = try await PreferenceServiceClient(client).updatePreferences(update, options: options)
        }
    }

    // MARK: Use

    /// Publishes an event.
    func publish(
        _ request: Carillon_V1_PublishRequest, apiKey: String
    ) async throws(Status) -> Carillon_V1_PublishResponse {
        try await DeliveryServiceClient(client).publish(request, options: Self.options(apiKey))
    }

    /// Asks until no delivery of a notification is under way any more, or for half a minute.
    func settled(notification: String, apiKey: String) async throws -> Carillon_V1_Notification {
        var request = Carillon_V1_GetNotificationRequest()
        request.notificationID = notification
        let deliveries = DeliveryServiceClient(client)
        let end = ContinuousClock.now.advanced(by: Self.patience)
        while true {
            let answer = try await deliveries.getNotification(request, options: Self.options(apiKey)).notification
            if answer.state != .pending || ContinuousClock.now > end { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The newest items of a user's inbox, read as the user's browser would: with a token that the portal signed.
    func inbox(of user: String) async throws -> [Carillon_V1_InboxItem] {
        var request = Carillon_V1_ListInboxRequest()
        request.pageSize = 5
        let token = try await token(for: user)
        return try await InboxServiceClient(client).listInbox(request, options: Self.options(token)).items
    }

    /// A portal token for a user, good for a quarter of an hour.
    func token(for user: String) async throws -> String {
        let now = Date()
        let claims = Claims(
            iss: .init(value: SampleSupplier.tenant), aud: .init(value: ["carillon-portal"]), sub: .init(value: user),
            iat: .init(value: now), exp: .init(value: now.addingTimeInterval(15 * 60)))
        let keys = JWTKeyCollection()
        await keys.add(
            ecdsa: try ES256PrivateKey(pem: signingKey.pemRepresentation), kid: JWKIdentifier(string: Self.keyID))
        return try await keys.sign(claims, kid: JWKIdentifier(string: Self.keyID))
    }

    /// The public key as the tenant registers it (RFC 7517, RFC 7518 §6.2).
    private var publicKeys: String {
        let point = signingKey.publicKey.rawRepresentation
        let (x, y) = (Self.base64URL(point.prefix(32)), Self.base64URL(point.suffix(32)))
        return
            #"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":"\#(Self.keyID)","x":"\#(x)","y":"\#(y)"}]}"#
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let aud: AudienceClaim
        let sub: SubjectClaim
        let iat: IssuedAtClaim
        let exp: ExpirationClaim

        func verify(using algorithm: some JWTAlgorithm) throws {
            try exp.verifyNotExpired()
        }
    }

    private static func options(_ credential: String) -> CallOptions {
        CallOptions(timeout: patience, metadata: Calls.metadata(credential))
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
