import CarillonAPI
import CarillonGRPC
import Testing

@Suite("Isolation")
struct IsolationTests {
    @Test("a tenant's key reaches nothing of another tenant, by any method")
    func tenants() async throws {
        try await House.open { house in
            let mine = try await house.tenant()
            let theirs = try await house.tenant()
            try await mine.people()
            let event = try await mine.deliveries.publish(invoice("k1"))
            let notification = event.recipients[0].notificationID

            var account = Carillon_V1_GetAccountRequest()
            account.accountID = "acme"
            try await failure(.notFound) { try await theirs.accounts.getAccount(account) }
            var users = Carillon_V1_ListUsersRequest()
            users.accountID = "acme"
            try await failure(.notFound) { try await theirs.accounts.listUsers(users) }
            #expect(try await theirs.accounts.listUsers(.init()).users.isEmpty)
            var check = Carillon_V1_CheckPreferenceRequest()
            check.userID = "ann"
            check.notificationType = "invoice.created"
            try await failure(.notFound) { try await theirs.preferences.checkPreference(check) }
            var page = Carillon_V1_GetPreferencesRequest()
            page.userID = "ann"
            try await failure(.notFound) { try await theirs.preferences.getPreferences(page) }
            try await failure(.notFound) { try await theirs.choose(.off, "ann", "invoice.created") }
            try await failure(.notFound) { try await theirs.setDefault("ann", of: "acme") }
            try await failure(.notFound) { try await theirs.user("new", of: "acme") }
            try await failure(.notFound) { try await theirs.deliveries.publish(invoice("k1")) }
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = notification
            try await failure(.notFound) { try await theirs.deliveries.getNotification(get) }
            var list = Carillon_V1_ListNotificationsRequest()
            list.eventID = event.eventID
            #expect(try await theirs.deliveries.listNotifications(list).notifications.isEmpty)
            #expect(try await theirs.channels.listProviders(.init()).providers.isEmpty)

            // The same names are other people's there, and nothing of the first tenant changes.
            try await theirs.account("acme")
            try await theirs.user("ann", of: "acme", email: "ann@elsewhere.example")
            try await theirs.setDefault("ann", of: "acme")
            let other = try await theirs.deliveries.publish(invoice("k1"))
            #expect(!other.replayed && other.eventID != event.eventID)
            #expect(try await mine.inbox("ann").getCounts(.init()).counts.total == 1)
            let mail = try await mine.accounts.listUsers(users).users.first { $0.userID == "ann" }
            #expect(mail?.email == "ann@example.com")
        }
    }

    @Test("a portal token is good for its own tenant and user only")
    func tokens() async throws {
        try await House.open { house in
            let mine = try await house.tenant()
            let theirs = try await house.tenant()
            try await mine.people()
            _ = try await mine.deliveries.publish(invoice("k1"))
            // Signed by the other tenant's portal in the name of mine.
            let forged = try theirs.portal.token("ann", of: mine.id, at: house.clock.now)
            try await failure(.unauthenticated) {
                try await InboxServiceClient(house.client(forged)).listInbox(.init())
            }
            #expect(try await theirs.inbox("ann").listInbox(.init()).items.isEmpty)
            #expect(try await mine.inbox("ann").listInbox(.init()).items.count == 1)
        }
    }
}
