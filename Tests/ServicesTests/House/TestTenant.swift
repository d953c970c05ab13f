import CarillonAPI
import CarillonGRPC
import Crypto
import Domain
import Foundation
import SwiftProtobuf
import Testing

/// Signs portal tokens as a tenant's portal does.
struct PortalSigner {
    private let key = Curve25519.Signing.PrivateKey()
    /// What tokens name it by.
    var kid = "portal"

    private static func base64URL(_ octets: some Sequence<UInt8>) -> String {
        Data(octets).base64EncodedString().replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// The public key as a JWK Set.
    var keySet: String { Self.keySet(of: [self]) }

    /// The public keys of several signers as one JWK Set.
    static func keySet(of signers: [PortalSigner]) -> String {
        let keys = signers.map { signer in
            let x = base64URL(signer.key.publicKey.rawRepresentation)
            return #"{"kty": "OKP", "crv": "Ed25519", "kid": "\#(signer.kid)", "x": "\#(x)"}"#
        }
        return #"{"keys": [\#(keys.joined(separator: ", "))]}"#
    }

    func token(
        _ user: String, of tenant: String, at now: Instant, seconds: Int64 = 600, audience: String = "carillon-portal",
        scope: String? = nil
    ) throws -> String {
        let header = Self.base64URL(#"{"alg": "EdDSA", "kid": "\#(kid)"}"#.utf8)
        let said = scope.map { #", "scope": "\#($0)""# } ?? ""
        let times = #""iat": \#(now.seconds), "exp": \#(now.seconds + seconds)"# + said
        let claims = Self.base64URL(
            #"{"iss": "\#(tenant)", "aud": "\#(audience)", "sub": "\#(user)", \#(times)}"#.utf8)
        let signature = try key.signature(for: Data("\(header).\(claims)".utf8))
        return "\(header).\(claims).\(Self.base64URL(signature))"
    }
}

/// One tenant of a test, with clients that call with its key.
struct TestTenant: Sendable {
    let id: String
    let key: String
    let portal: PortalSigner
    var client: RPCClient
    let house: House

    var accounts: AccountServiceClient { AccountServiceClient(client) }
    var catalog: CatalogServiceClient { CatalogServiceClient(client) }
    var preferences: PreferenceServiceClient { PreferenceServiceClient(client) }
    var deliveries: DeliveryServiceClient { DeliveryServiceClient(client) }
    var channels: ChannelServiceClient { ChannelServiceClient(client) }

    /// A client that calls with a portal token of this user.
    func portalClient(_ user: String, seconds: Int64 = 600) throws -> RPCClient {
        try house.client(portal.token(user, of: id, at: house.clock.now, seconds: seconds))
    }

    func inbox(_ user: String) throws -> InboxServiceClient { InboxServiceClient(try portalClient(user)) }

    // MARK: What tests start from

    @discardableResult
    func account(_ id: String, reps: [String] = []) async throws -> Carillon_V1_Account {
        var request = Carillon_V1_UpsertAccountRequest()
        request.account.accountID = id
        request.account.displayName = "Customer \(id)"
        request.account.assignedRepUserIds = reps
        return try await accounts.upsertAccount(request).account
    }

    @discardableResult
    func user(
        _ id: String, of account: String = "", email: String? = nil, admin: Bool = false
    ) async throws -> Carillon_V1_User {
        var request = Carillon_V1_UpsertUserRequest()
        request.user.userID = id
        request.user.accountID = account
        request.user.displayName = "User \(id)"
        request.user.email = email ?? "\(id)@example.com"
        request.user.role = admin ? .admin : .member
        return try await accounts.upsertUser(request).user
    }

    func setDefault(_ user: String, of account: String) async throws {
        var request = Carillon_V1_SetDefaultUserRequest()
        request.accountID = account
        request.userID = user
        _ = try await accounts.setDefaultUser(request)
    }

    /// A provider for e-mail, so that the channel can be used.
    func relay(_ id: String = "main") async throws {
        var request = Carillon_V1_PutProviderRequest()
        request.provider.providerID = id
        request.provider.channel = .email
        request.provider.maildir.directory = "/var/mail/carillon"
        _ = try await channels.putProvider(request)
    }

    /// Two accounts: `acme` with ann (default user), bob and cid, and `other` with otto; rita of the supplier looks after acme.
    func people() async throws {
        try await relay()
        try await user("rita")
        try await account("acme", reps: ["rita"])
        try await account("other")
        for user in ["ann", "bob", "cid"] { try await self.user(user, of: "acme") }
        try await user("otto", of: "other")
        try await setDefault("ann", of: "acme")
    }

    func choose(
        _ choice: Carillon_V1_Choice, _ user: String, _ type: String, _ channel: Carillon_V1_Channel = .unspecified
    )
        async throws -> Carillon_V1_UpdatePreferencesResponse
    {
        var request = Carillon_V1_UpdatePreferencesRequest()
        request.userID = user
        var sent = Carillon_V1_PreferenceChoice()
        sent.notificationType = type
        sent.channel = channel
        sent.choice = choice
        request.choices = [sent]
        return try await preferences.updatePreferences(request)
    }
}

/// The event that most tests publish: an invoice for acme.
func invoice(_ key: String, account: String = "acme", number: String = "INV-1") -> Carillon_V1_PublishRequest {
    var request = Carillon_V1_PublishRequest()
    request.idempotencyKey = key
    request.notificationType = "invoice.created"
    request.accountID = account
    request.object = "invoice/\(number)"
    request.context = [
        value("invoice_id") { $0.text = "i-1" }, value("invoice_number") { $0.text = number },
        value("customer_id") { $0.text = account }, value("customer_name") { $0.text = "Acme Ltd" },
        value("invoice_total") {
            $0.money.currencyCode = "EUR"
            $0.money.minorUnits = 123_450
        },
        value("amount_due") {
            $0.money.currencyCode = "EUR"
            $0.money.minorUnits = 23_450
        },
        value("due_date") {
            $0.date.year = 2026
            $0.date.month = 12
            $0.date.day = 24
        },
    ]
    return request
}

func value(_ name: String, _ fill: (inout Carillon_V1_ContextValue) -> Void) -> Carillon_V1_ContextValue {
    var value = Carillon_V1_ContextValue()
    value.name = name
    fill(&value)
    return value
}

/// The status that a call is expected to end with, the reason of its details and the fields that they name.
///
/// Written inside of `#expect(…)` the closure would be the compiler's to mix up with a neighbour's; hence the parameters.
@discardableResult
func failure(
    _ code: StatusCode, _ reason: String? = nil, fields: [String]? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () async throws -> some Any
) async throws -> Status {
    do {
        _ = try await call()
    } catch let status as Status {
        #expect(status.code == code, "\(status)", sourceLocation: sourceLocation)
        if let reason { #expect(status.reason == reason, "\(status)", sourceLocation: sourceLocation) }
        if let fields { #expect(status.fields == fields, "\(status)", sourceLocation: sourceLocation) }
        return status
    }
    Issue.record("the call succeeded", sourceLocation: sourceLocation)
    return .ok
}

extension Status {
    private func detail<Detail: Message>(_ type: Detail.Type) -> Detail? {
        guard let status = try? Google_Rpc_Status(serializedBytes: details) else { return nil }
        return status.details.lazy.compactMap { try? Detail(unpackingAny: $0) }.first
    }

    /// The reason of the ErrorInfo, if its domain is ours.
    var reason: String? {
        detail(Google_Rpc_ErrorInfo.self).flatMap { $0.domain == "carillon" ? $0.reason : nil }
    }

    var metadata: [String: String] { detail(Google_Rpc_ErrorInfo.self)?.metadata ?? [:] }

    /// The fields of the BadRequest, in order.
    var fields: [String] { detail(Google_Rpc_BadRequest.self)?.fieldViolations.map(\.field) ?? [] }

    var retryDelay: Duration? {
        detail(Google_Rpc_RetryInfo.self).map {
            .seconds($0.retryDelay.seconds) + .nanoseconds(Int64($0.retryDelay.nanos))
        }
    }
}
