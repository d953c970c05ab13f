internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import SwiftProtobuf

/// One question whether somebody would be told, however it came.
struct PreferenceCheck {
    let user: UserID
    let type: NotificationType
    private let request: Carillon_V1_CheckPreferenceRequest

    /// A request that can be asked as it is; nil for one that is wrong.
    init?(_ request: Carillon_V1_CheckPreferenceRequest) {
        guard let user = UserID(request.userID),
            let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] })
        else { return nil }
        (self.user, self.type, self.request) = (user, type, request)
    }

    /// A request to be answered from memory: nobody is known by an id that is none.
    static func fromMemory(_ request: Carillon_V1_CheckPreferenceRequest) -> PreferenceCheck? {
        guard let type = Catalog.builtIn[TypeKey(unchecked: request.notificationType)] else { return nil }
        return PreferenceCheck(user: UserID(unchecked: request.userID), type: type, request: request)
    }

    private init(user: UserID, type: NotificationType, request: Carillon_V1_CheckPreferenceRequest) {
        (self.user, self.type, self.request) = (user, type, request)
    }

    /// A request that is looked at thoroughly.
    ///
    /// - Throws: INVALID_ARGUMENT for what is malformed; NOT_FOUND for a type that there is not.
    init(checking request: Carillon_V1_CheckPreferenceRequest) throws(Status) {
        var check = FieldCheck()
        let id = check.identifier(request.userID, "user_id", as: UserID.self)
        check.line(request.notificationType, "notification_type", limit: 80, isRequired: true)
        try check.check()
        guard let id else { throw .unauthenticated }
        guard let type = TypeKey(request.notificationType).flatMap({ Catalog.builtIn[$0] }) else {
            throw .notificationTypeNotFound(request.notificationType)
        }
        (user, self.type, self.request) = (id, type, request)
    }

    /// The answer.
    ///
    /// - Parameters:
    ///   - subject: the user with everything that it rests on.
    ///   - now: the time of asking.
    /// - Throws: INVALID_ARGUMENT for a channel that there is not, and an audience that is none of the user's.
    func answer(_ subject: Subject, now: Instant) throws(Status) -> CheckAnswer {
        let audience = try AudienceChoice.read(request.audience, of: subject, field: "audience")
        let decision = subject.decide(type, as: audience, now: now)
        if request.channel == .unspecified { return CheckAnswer(channels: type.channels, decided: decision.channels) }
        guard let channel = Channel(request.channel) else {
            var check = FieldCheck()
            check.add("channel", "is not a known channel", reason: "UNKNOWN")
            try check.check()
            return CheckAnswer(channels: [], decided: decision.channels)
        }
        var decided = decision.channels
        // A channel that the type does not use carries nothing of it.
        if decided[channel] == nil { decided[channel] = .suppressed(.channelUnavailable) }
        return CheckAnswer(channels: [channel], decided: decided)
    }
}

extension Carillon_V1_CheckResult {
    /// What came of a check.
    init(_ body: () throws(Status) -> Carillon_V1_CheckPreferenceResponse) {
        self.init()
        do throws(Status) {
            response = try body()
        } catch {
            self.error = Carillon_V1_ItemError(error)
        }
    }
}

extension Carillon_V1_ItemError {
    /// A status as what became of one of several things.
    init(_ status: Status) {
        self.init()
        code = Int32(status.code.rawValue)
        message = status.message
        guard let details = try? Google_Rpc_Status(serializedBytes: status.details).details else { return }
        for detail in details {
            if let info = try? Google_Rpc_ErrorInfo(unpackingAny: detail) { reason = info.reason }
            if let request = try? Google_Rpc_BadRequest(unpackingAny: detail) {
                fields = request.fieldViolations.map(\.field)
            }
        }
    }
}
