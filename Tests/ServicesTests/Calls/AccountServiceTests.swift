import CarillonAPI
import CarillonGRPC
import SwiftProtobuf
import Testing

@Suite("AccountService")
struct AccountServiceTests {
    @Test("an account is made, changed by mask, guarded by its etag")
    func accounts() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Carillon_V1_UpsertAccountRequest()
            request.account.accountID = "acme"
            request.account.displayName = "Acme Ltd"
            request.account.billingEmail = "billing@example.com"
            request.account.assignedRepUserIds = ["rita", "rita", "rob"]
            let made = try await tenant.accounts.upsertAccount(request)
            #expect(made.created)
            #expect(made.account.assignedRepUserIds == ["rita", "rob"])
            #expect(!made.account.etag.isEmpty)

            var rename = Carillon_V1_UpsertAccountRequest()
            rename.account.accountID = "acme"
            rename.account.displayName = "Acme Limited"
            rename.account.notificationsSuppressed = true
            rename.updateMask.paths = ["display_name"]
            rename.account.etag = made.account.etag
            let renamed = try await tenant.accounts.upsertAccount(rename)
            #expect(!renamed.created)
            #expect(renamed.account.displayName == "Acme Limited")
            #expect(renamed.account.billingEmail == "billing@example.com")
            #expect(!renamed.account.notificationsSuppressed)
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.accounts.upsertAccount(rename) }

            var whole = Carillon_V1_UpsertAccountRequest()
            whole.account.accountID = "acme"
            let emptied = try await tenant.accounts.upsertAccount(whole).account
            #expect(emptied.displayName.isEmpty && emptied.billingEmail.isEmpty && emptied.assignedRepUserIds.isEmpty)

            var get = Carillon_V1_GetAccountRequest()
            get.accountID = "acme"
            #expect(try await tenant.accounts.getAccount(get).account == emptied)
            get.accountID = "other"
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") { try await tenant.accounts.getAccount(get) }
        }
    }

    @Test("wrong fields are named")
    func validation() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "a b"
            account.account.displayName = "x\u{0}"
            account.account.billingEmail = "nowhere"
            account.account.assignedRepUserIds = ["fine", ""]
            account.updateMask.paths = ["facts_version"]
            try await failure(
                .invalidArgument, "FIELD_INVALID",
                fields: [
                    "account.account_id", "update_mask", "account.display_name", "account.billing_email",
                    "account.assigned_rep_user_ids[1]",
                ]
            ) {
                try await tenant.accounts.upsertAccount(account)
            }
            var user = Carillon_V1_UpsertUserRequest()
            user.user.userID = ""
            user.user.accountID = "ä"
            user.user.displayName = String(repeating: "x", count: 201)
            user.user.email = "a@b"
            user.user.phone = "030"
            user.user.timeZone = "Mars/Olympus"
            user.user.locale = "?"
            user.user.state = .UNRECOGNIZED(99)
            user.user.role = .UNRECOGNIZED(99)
            try await failure(
                .invalidArgument,
                fields: [
                    "user.user_id", "user.account_id", "user.display_name", "user.email", "user.phone",
                    "user.time_zone", "user.locale", "user.state", "user.role",
                ]
            ) { try await tenant.accounts.upsertUser(user) }
        }
    }

    @Test("a user keeps what a change does not name, and never changes the account")
    func users() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.account("acme")
            try await tenant.account("other")
            var request = Carillon_V1_UpsertUserRequest()
            request.user.userID = "ann"
            request.user.accountID = "acme"
            request.user.displayName = "Ann"
            request.user.email = "ann@example.com"
            request.user.phone = "+4930123456"
            request.user.role = .admin
            request.user.timeZone = "Europe/Berlin"
            let made = try await tenant.accounts.upsertUser(request)
            #expect(made.created)
            #expect(made.user.state == .active)
            #expect(made.user.emailState == .usable && made.user.phoneState == .usable)

            var mail = Carillon_V1_UpsertUserRequest()
            mail.user.userID = "ann"
            mail.user.accountID = "acme"
            mail.user.email = "ann@new.example.com"
            mail.updateMask.paths = ["email"]
            let moved = try await tenant.accounts.upsertUser(mail).user
            #expect(moved.email == "ann@new.example.com")
            #expect(moved.phone == "+4930123456")
            #expect(moved.role == .admin && moved.displayName == "Ann")

            mail.updateMask.paths = ["phone"]
            let silent = try await tenant.accounts.upsertUser(mail).user
            #expect(silent.email == "ann@new.example.com" && silent.phone.isEmpty && silent.phoneState == .missing)

            mail.updateMask.paths = ["state"]
            #expect(try await tenant.accounts.upsertUser(mail).user.state == .active, "unspecified leaves it")

            for account in ["other", ""] {
                mail.user.accountID = account
                mail.updateMask.paths = []
                try await failure(.failedPrecondition, "ACCOUNT_IMMUTABLE") {
                    try await tenant.accounts.upsertUser(mail)
                }
            }
            mail.user.userID = "new"
            mail.user.accountID = "nowhere"
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") { try await tenant.accounts.upsertUser(mail) }

            request.user.etag = made.user.etag
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.accounts.upsertUser(request) }
        }
    }

    @Test("users are listed by account, in pages")
    func listing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = Carillon_V1_ListUsersRequest()
            request.accountID = "acme"
            request.pageSize = 2
            let first = try await tenant.accounts.listUsers(request)
            #expect(first.users.map(\.userID) == ["ann", "bob"])
            request.pageToken = first.nextPageToken
            let second = try await tenant.accounts.listUsers(request)
            #expect(second.users.map(\.userID) == ["cid"])
            #expect(second.nextPageToken.isEmpty)
            request.accountID = "other"
            try await failure(.invalidArgument, fields: ["page_token"]) { try await tenant.accounts.listUsers(request) }
            request = .init()
            #expect(try await tenant.accounts.listUsers(request).users.map(\.userID) == ["rita"])
            request.accountID = "nowhere"
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") { try await tenant.accounts.listUsers(request) }
            request.accountID = ""
            request.pageSize = -1
            try await failure(.invalidArgument, fields: ["page_size"]) { try await tenant.accounts.listUsers(request) }
        }
    }

    @Test("the default user is one of the account's")
    func defaultUser() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = Carillon_V1_SetDefaultUserRequest()
            request.accountID = "acme"
            request.userID = "bob"
            let account = try await tenant.accounts.setDefaultUser(request).account
            #expect(account.defaultUserID == "bob")
            request.userID = "otto"
            try await failure(.notFound, "USER_NOT_FOUND") { try await tenant.accounts.setDefaultUser(request) }
            request.accountID = "nowhere"
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") { try await tenant.accounts.setDefaultUser(request) }
            request.accountID = "acme"
            request.userID = ""
            request.etag = "1"
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.accounts.setDefaultUser(request) }
            request.etag = account.etag
            #expect(try await tenant.accounts.setDefaultUser(request).account.defaultUserID.isEmpty)
        }
    }

    @Test("who takes away an account's default user is told who hears instead of what somebody must hear")
    func duty() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            func put(_ id: String, _ state: Carillon_V1_UserState) async throws -> [Carillon_V1_DutyNotice] {
                var request = Carillon_V1_UpsertUserRequest()
                (request.user.userID, request.user.accountID, request.user.state) = (id, "acme", state)
                request.updateMask.paths = ["state"]
                return try await tenant.accounts.upsertUser(request).notices
            }
            // Who is nobody's default user may come and go.
            #expect(try await put("cid", .disabled).isEmpty)
            let moved = try await put("ann", .disabled)
            #expect(moved.map(\.reason) == ["duty_moved_to_fallback"] && moved.map(\.userID) == ["bob"])
            #expect(moved[0].notificationTypes.contains("invoice.created"))
            #expect(moved[0].explanation.contains("user bob is told of \(moved[0].notificationTypes.count) types"))
            #expect(try await put("bob", .disabled).isEmpty)
            let lost = try await put("ann", .disabled)
            #expect(lost.map(\.reason) == ["no_eligible_recipient"] && lost.map(\.userID) == [""])
            #expect(lost[0].notificationTypes == moved[0].notificationTypes)
            var account = Carillon_V1_UpsertAccountRequest()
            (account.account.accountID, account.account.billingEmail) = ("acme", "billing@example.com")
            account.updateMask.paths = ["billing_email"]
            _ = try await tenant.accounts.upsertAccount(account)
            let mailbox = try await put("ann", .disabled)
            #expect(mailbox[0].reason == "duty_moved_to_fallback" && mailbox[0].userID.isEmpty)
            #expect(mailbox[0].explanation.contains("the billing mailbox"))
            #expect(try await put("ann", .active).isEmpty)
        }
    }
}
