internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

// Addresses that nobody writes to, as the supplier sees them.

extension AccountServer {
    func listSuppressions(
        _ request: Carillon_V1_ListSuppressionsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListSuppressionsResponse {
        let (scope, _) = try await core.tenant(context)
        var check = FieldCheck()
        var channels: [Channel] = [.email, .push, .sms]
        if request.channel != .unspecified { channels = check.addressed(request.channel, "channel").map { [$0] } ?? [] }
        let address = check.optionalLine(request.address, "address", limit: Self.addressLimit)
        let size = check.pageSize(request.pageSize)
        let list = ["suppressions", String(request.channel.rawValue), request.address]
        let token = PageToken.read(request.pageToken, of: list, &check)
        let after = token.flatMap { Address(token: $0.key) }
        if token != nil, after == nil { PageToken.refuse(&check) }
        try check.check()
        let page = try await stored(until: context.deadline) { [channels] () async throws(StorageError) in
            try await scope.store.suppressions(on: channels, address: address, after: after, size: size)
        }
        var response = Carillon_V1_ListSuppressionsResponse()
        response.suppressions = page.elements.map { Carillon_V1_Suppression($0) }
        response.nextPageToken = PageToken.make(page.next?.token, of: list)
        return response
    }

    func removeSuppression(
        _ request: Carillon_V1_RemoveSuppressionRequest, _ context: CallContext
    ) async throws -> Carillon_V1_RemoveSuppressionResponse {
        let (scope, caller) = try await core.tenant(context)
        var check = FieldCheck()
        let channel = check.addressed(request.channel, "channel")
        let text = check.line(request.address, "address", limit: Self.addressLimit, isRequired: true)
        try check.check()
        guard let channel else { throw Status.unauthenticated }
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let outcome = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: scope.id, context) { () async throws(StorageError) in
                try await scope.store.removeSuppression(of: Address(channel, text), stamp: stamp, now: now)
            }
        }
        switch outcome {
        case .removed:
            await core.factsChanged(of: scope.id, context)
            return Carillon_V1_RemoveSuppressionResponse()
        case .notFound: throw Status.suppressionNotFound
        case .stoppedByOwner: throw Status.stoppedByOwner
        }
    }

    /// The longest address that is looked for, in octets.
    private static let addressLimit = 2_000
}

extension Address {
    /// The address that a token of a page names.
    fileprivate init?(token: String) {
        let parts = token.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let channel = Channel(rawValue: String(parts[0])) else { return nil }
        self.init(channel, String(parts[1]))
    }

    /// What a token of a page says.
    fileprivate var token: String { "\(channel.rawValue) \(text)" }
}

extension Carillon_V1_Suppression {
    init(_ suppression: Suppression) {
        self.init()
        channel = Carillon_V1_Channel(suppression.address.channel)
        address = suppression.address.text
        state = Carillon_V1_AddressState(suppression.state)
        source = suppression.source.rawValue
        if let since = suppression.since { createTime = Google_Protobuf_Timestamp(since) }
    }
}
