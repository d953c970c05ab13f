internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

// How many messages one person may get.

extension CatalogServer {
    /// The most caps: each is looked at for each decision.
    private static let capLimit = 20

    func getFrequencyCaps(
        _ request: Carillon_V1_GetFrequencyCapsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetFrequencyCapsResponse {
        let (scope, _) = try await core.tenant(context)
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await scope.store.caps()
        }
        var response = Carillon_V1_GetFrequencyCapsResponse()
        response.caps = found.caps.map { Carillon_V1_FrequencyCap($0) }
        response.etag = Etag.of(found.revision)
        return response
    }

    func updateFrequencyCaps(
        _ request: Carillon_V1_UpdateFrequencyCapsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpdateFrequencyCapsResponse {
        let (scope, caller) = try await core.tenant(context)
        var check = FieldCheck()
        if request.caps.count > Self.capLimit {
            check.add(
                "caps", "has \(request.caps.count) caps; at most \(Self.capLimit) are taken", reason: "TOO_MANY")
        }
        var caps: [FrequencyCap] = []
        for (number, sent) in request.caps.prefix(Self.capLimit).enumerated() {
            if let cap = FrequencyCap(sent, "caps[\(number)]", &check) { caps.append(cap) }
        }
        let revision = try Etag.revision(request.etag)
        try check.check()
        let (stamp, tenant, now, wanted) = (core.stamp(context, caller, at: core.now), scope.id, core.now, caps)
        let updated = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await core.changingFacts(of: tenant, context) { () async throws(StorageError) in
                try await scope.store.putCaps(wanted, expectedRevision: revision, stamp: stamp, now: now)
            }
        }
        await core.factsChanged(of: tenant, context)
        var response = Carillon_V1_UpdateFrequencyCapsResponse()
        response.caps = updated.caps.map { Carillon_V1_FrequencyCap($0) }
        response.etag = Etag.of(updated.revision)
        return response
    }
}

extension FrequencyCap {
    /// Reads a cap; what is wrong is noted.
    fileprivate init?(_ sent: Carillon_V1_FrequencyCap, _ field: String, _ check: inout FieldCheck) {
        var scope = Scope.all
        switch sent.scope {
        case nil: break
        case .notificationType(let text):
            guard let key = TypeKey(text), Catalog.builtIn[key] != nil else {
                check.add(
                    "\(field).notification_type", "is not a known type; see ListNotificationTypes", reason: "UNKNOWN")
                return nil
            }
            scope = .type(key)
        case .category(let text):
            guard let name = CategoryName(text), Catalog.builtIn.categories.contains(name) else {
                check.add("\(field).category", "is not a category of a known type", reason: "UNKNOWN")
                return nil
            }
            scope = .category(name)
        }
        let channel = Domain.Channel(sent.channel)
        if sent.channel != .unspecified, channel == nil {
            check.add("\(field).channel", "is not a known channel", reason: "UNKNOWN")
            return nil
        }
        if channel?.isInsidePortal == true {
            check.add("\(field).channel", "is the inbox, which has no cap", reason: "OUT_OF_RANGE")
            return nil
        }
        if !(1...1_000).contains(sent.limit) {
            check.add("\(field).limit", "must be 1 to 1000", reason: "OUT_OF_RANGE")
        }
        let isWhole = sent.period.nanos == 0 && (60...Self.longestSpan).contains(sent.period.seconds)
        if !isWhole {
            check.add("\(field).period", "must be 60 to 691200 whole seconds", reason: "OUT_OF_RANGE")
        }
        guard isWhole else { return nil }
        self.init(Int(sent.limit), within: sent.period.seconds, of: scope, on: channel)
    }
}

extension Carillon_V1_FrequencyCap {
    fileprivate init(_ cap: FrequencyCap) {
        self.init()
        limit = Int32(clamping: cap.limit)
        period = Google_Protobuf_Duration(seconds: cap.seconds)
        switch cap.scope {
        case .all: break
        case .category(let name): category = name.rawValue
        case .type(let key): notificationType = key.rawValue
        }
        if let cap = cap.channel { channel = Carillon_V1_Channel(cap) }
    }
}
