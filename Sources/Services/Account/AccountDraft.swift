internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// A request to make or change an account that was checked.
struct AccountDraft {
    /// The most users of the supplier that may look after one account.
    static let repLimit = 50

    let account: AccountWrite
    let fields: Set<AccountWrite.Field>
    let revision: Int64?

    init(_ request: Carillon_V1_UpsertAccountRequest) throws(Status) {
        let sent = request.account
        var check = FieldCheck()
        let id = check.identifier(sent.accountID, "account.account_id", as: AccountID.self)
        fields = UpdateMask.fields(
            request.hasUpdateMask ? request.updateMask.paths : [],
            of: [
                "display_name": .displayName, "billing_email": .billingEmail,
                "notifications_suppressed": .notificationsSuppressed, "assigned_rep_user_ids": .assignedUsers,
            ], &check)
        let name = check.line(sent.displayName, "account.display_name", limit: 200)
        let mailbox = check.email(sent.billingEmail, "account.billing_email")
        var reps: [UserID] = []
        if sent.assignedRepUserIds.count > Self.repLimit {
            check.add(
                "account.assigned_rep_user_ids",
                "has \(sent.assignedRepUserIds.count) users; at most \(Self.repLimit) are taken", reason: "TOO_MANY")
        } else {
            for (place, rep) in sent.assignedRepUserIds.enumerated() {
                let id = check.identifier(rep, "account.assigned_rep_user_ids[\(place)]", as: UserID.self)
                if let id, !reps.contains(id) { reps.append(id) }
            }
        }
        try check.check()
        guard let id else { throw .unauthenticated }
        revision = try Etag.revision(sent.etag)
        account = AccountWrite(
            id: id, displayName: name, assignedUsers: reps, billingEmail: mailbox,
            notificationsSuppressed: sent.notificationsSuppressed)
    }
}

/// Field masks of updates (https://google.aip.dev/134).
enum UpdateMask {
    /// The fields that a mask names; all of them for an empty mask and for `*`.
    static func fields<Field: Hashable>(
        _ paths: [String], of known: [String: Field], _ check: inout FieldCheck, mask: String = "update_mask"
    ) -> Set<Field> {
        if paths.isEmpty || paths == ["*"] { return Set(known.values) }
        var fields: Set<Field> = []
        for path in paths {
            if let field = known[path] {
                fields.insert(field)
            } else {
                let names = known.keys.sorted().joined(separator: ", ")
                check.add(mask, "names a field that cannot be changed; these can: \(names)", reason: "UNKNOWN")
            }
        }
        return fields
    }
}
