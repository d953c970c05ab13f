internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// A request to make or change a user that was checked.
struct UserDraft {
    /// The fields of the interface that a mask may name.
    private enum Field: Hashable {
        case displayName, state, role, email, phone, timeZone, locale
    }

    private(set) var user: UserWrite
    /// Which columns of an existing user change.
    let fields: Set<UserWrite.Field>
    /// The revision that the caller named.
    let revision: Int64?
    /// The revision that the stored user must have: the caller's, or that of the addresses that were read.
    private(set) var expectedRevision: Int64?
    /// Whether one address is to be kept that the request does not bring.
    let needsStoredAddresses: Bool
    private let changed: Set<Field>

    init(_ request: Carillon_V1_UpsertUserRequest, zones: ZoneNames) throws(Status) {
        let sent = request.user
        var check = FieldCheck()
        let id = check.identifier(sent.userID, "user.user_id", as: UserID.self)
        let account = check.optionalIdentifier(sent.accountID, "user.account_id", as: AccountID.self)
        changed = UpdateMask.fields(
            request.hasUpdateMask ? request.updateMask.paths : [],
            of: [
                "display_name": Field.displayName, "state": .state, "role": .role, "email": .email, "phone": .phone,
                "time_zone": .timeZone, "locale": .locale,
            ], &check)
        let name = check.line(sent.displayName, "user.display_name", limit: 200)
        let email = check.email(sent.email, "user.email")
        if !sent.phone.isEmpty, !TextForms.isPhone(sent.phone) {
            check.add("user.phone", "is not a number in E.164 form, such as +4930123456", reason: "MALFORMED")
        }
        if !sent.timeZone.isEmpty, !zones.contains(sent.timeZone) {
            check.add("user.time_zone", "is not the name of a time zone, such as Europe/Berlin", reason: "UNKNOWN")
        }
        if !sent.locale.isEmpty, !TextForms.isLocale(sent.locale) {
            check.add("user.locale", "is not a language tag, such as en or de-AT", reason: "MALFORMED")
        }
        let status = Self.status(sent.state, &check)
        let isAdmin = Self.isAdmin(sent.role, &check)
        try check.check()
        guard let id else { throw .unauthenticated }
        revision = try Etag.revision(sent.etag)
        expectedRevision = revision
        var points: [ContactPoint] = []
        if let email { points.append(ContactPoint(channel: .email, address: email)) }
        if !sent.phone.isEmpty { points.append(ContactPoint(channel: .sms, address: sent.phone)) }
        user = UserWrite(
            id: id, account: account, displayName: name, status: status ?? .active, isAdmin: isAdmin ?? false,
            // Everybody of the supplier is of its team: teams of fewer people come with their own method.
            isTeamMember: account == nil, timeZone: sent.timeZone.isEmpty ? nil : sent.timeZone,
            locale: sent.locale.isEmpty ? nil : sent.locale, contactPoints: points)
        var fields: Set<UserWrite.Field> = []
        if changed.contains(.displayName) { fields.insert(.displayName) }
        // What is not named keeps its value.
        if changed.contains(.state), status != nil { fields.insert(.status) }
        if changed.contains(.role), isAdmin != nil { fields.insert(.isAdmin) }
        // Users may have chosen theirs themselves: a request that names no fields and brings none takes none away.
        let isNamed = request.hasUpdateMask && !request.updateMask.paths.isEmpty
        if changed.contains(.timeZone), isNamed || !sent.timeZone.isEmpty { fields.insert(.timeZone) }
        if changed.contains(.locale), isNamed || !sent.locale.isEmpty { fields.insert(.locale) }
        if changed.contains(.email) || changed.contains(.phone) { fields.insert(.contactPoints) }
        self.fields = fields
        needsStoredAddresses = changed.contains(.email) != changed.contains(.phone)
    }

    /// Takes over the address that the request leaves as it is.
    mutating func complete(from stored: UserRecord?) {
        guard let stored else { return }
        let kept: Channel = changed.contains(.email) ? .sms : .email
        user.contactPoints.removeAll { $0.channel == kept }
        user.contactPoints += stored.contactPoints.filter {
            $0.isPortals && $0.channel != (kept == .sms ? .email : .sms)
        }
        // Nobody may have changed it in between.
        expectedRevision = revision ?? stored.revision
    }

    private static func status(
        _ state: Carillon_V1_UserState, _ check: inout FieldCheck
    ) -> UserFacts.Status? {
        switch state {
        case .unspecified: return nil
        case .notInvited: return .notInvited
        case .invited: return .invited
        case .active: return .active
        case .disabled: return .disabled
        case .UNRECOGNIZED:
            check.add("user.state", "is not a known state", reason: "UNKNOWN")
            return nil
        }
    }

    private static func isAdmin(_ role: Carillon_V1_UserRole, _ check: inout FieldCheck) -> Bool? {
        switch role {
        case .unspecified: return nil
        case .member: return false
        case .admin: return true
        case .UNRECOGNIZED:
            check.add("user.role", "is not a known role", reason: "UNKNOWN")
            return nil
        }
    }
}
