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
