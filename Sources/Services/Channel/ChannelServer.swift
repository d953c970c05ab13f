internal import CarillonAPI
internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

/// ChannelService: the tenant's providers. Their secrets go in and never come out.
struct ChannelServer: ChannelServiceHandler {
    /// More providers of one tenant are not listed.
    private static let limit = 1000

    let core: ServiceCore

    func putProvider(
        _ request: Carillon_V1_PutProviderRequest, _ context: CallContext
    ) async throws -> Carillon_V1_PutProviderResponse {
        let (scope, caller) = try await core.tenant(context)
        let draft = try ProviderDraft(request.provider, limits: core.limits)
        var secret = ProviderWrite.Secret.keep
        var revision = draft.revision
        switch draft.password {
        case .keep: revision = try await revisionToKeep(draft, in: scope, context)
        case .none: secret = .remove
        case .set(let password):
            let key = try scope.dataKey(core.dependencies.keyring)
            do throws(SecretError) {
                secret = .set(
                    try key.seal(Array(password.utf8), for: .providerSecret(draft.id.rawValue)))
            } catch {
                throw Status(.internalError, .internalError, "the password cannot be sealed")
            }
        }
        let now = core.now
        let write = ProviderWrite(
            id: draft.id, channel: draft.channel, kind: draft.settings.kind, displayName: draft.displayName,
            priority: draft.priority, isEnabled: draft.isEnabled, config: draft.settings.config, secret: secret)
        let stamp = core.stamp(context, caller, at: now)
        // Those that there are can be changed also by a tenant that has stored all that it may.
        let limit = scope.hasRoom ? core.limits.providersPerTenant : 0
        let upserted: Upserted<ProviderRecord>
        do throws(StorageError) {
            upserted = try await CallDeadline.within(context.deadline) { () async throws(StorageError) in
                try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                    try await scope.store.putProvider(
                        write, limit: limit, expectedRevision: revision, stamp: stamp, now: now)
                }
            }
        } catch {
            guard error.code == .tooManyProviders else { throw Status(error) }
            try scope.requireRoom(context)
            throw Status(
                .resourceExhausted, .tooManyProviders,
                "the tenant has \(limit) providers already; change one that is no longer used",
                metadata: ["limit": String(limit)])
        }
        await core.factsChanged(of: scope.id, context)
        var response = Carillon_V1_PutProviderResponse()
        response.provider = Carillon_V1_Provider(upserted.record)
        response.created = upserted.created
        return response
    }

    /// The revision of the stored provider whose password the draft keeps. The change must be made to that revision and
    /// no other, so that the password stays with what it was compared with.
    private func revisionToKeep(
        _ draft: ProviderDraft, in scope: TenantScope, _ context: CallContext
    ) async throws(Status) -> Int64 {
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.provider(draft.id)
        }
        if let expected = draft.revision, expected != found?.revision {
            throw Status(StorageError(.revisionMismatch, "the provider has another revision"))
        }
        guard let found, draft.mayKeepPassword(of: found) else {
            throw Status(
                .failedPrecondition, .providerPasswordRequired,
                "the password must be sent again with another host, port, security or username",
                violations: [
                    RequestViolation(
                        "provider.smtp.password",
                        "is required: none is stored for this host, port, security and username", reason: "REQUIRED")
                ])
        }
        return found.revision
    }

    func listProviders(
        _ request: Carillon_V1_ListProvidersRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListProvidersResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        let size = check.pageSize(request.pageSize)
        let channel = Channel(request.channel)
        if request.channel != .unspecified, channel == nil {
            check.add("channel", "is not a known channel", reason: "UNKNOWN")
        }
        let list = ["providers", channel?.rawValue ?? ""]
        let token = PageToken.read(request.pageToken, of: list, &check)
        try check.check()
        // A tenant has a handful of them: they are put in order here.
        let page = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.providers(channel: channel, size: Self.limit)
        }
        var keyed = page.elements.map { (key: $0.orderKey, record: $0) }.sorted { $0.key < $1.key }
        if let token { keyed.removeAll { $0.key <= token.key } }
        var response = Carillon_V1_ListProvidersResponse()
        response.providers = keyed.prefix(size).map { Carillon_V1_Provider($0.record) }
        response.nextPageToken = PageToken.make(keyed.count > size ? keyed[size - 1].key : nil, of: list)
        return response
    }
}

extension ProviderRecord {
    /// Orders by channel, priority and id.
    fileprivate var orderKey: String { "\(channel.index) \(10_000 + max(0, min(priority, 9_999))) \(id)" }
}
