import CarillonAPI
import CarillonGRPC
import Domain
import Support
import SwiftProtobuf
import Testing

@testable import Services

@Suite("DeliveryService")
struct DeliveryServiceTests {
    /// `user email inApp`, each with its verdict and reason.
    private static func lines(_ response: Carillon_V1_PublishResponse) -> [String] {
        response.recipients.map { recipient in
            let channels = recipient.channels.map { "\($0.channel)=\($0.verdict):\($0.reason)" }
            return "\(recipient.audience) \(recipient.userID) " + channels.joined(separator: " ")
        }
    }

    @Test("an event is decided for everybody whom it may concern, and explained")
    func decisions() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.choose(.off, "bob", "invoice.created")
            _ = try await tenant.choose(.off, "cid", "invoice.created", .email)
            let response = try await tenant.deliveries.publish(invoice("k1"))
            #expect(!response.replayed)
            #expect(
                Self.lines(response) == [
                    "customer ann email=deliver:mandatory_default_user inApp=deliver:mandatory_default_user",
                    "customer bob email=suppress:opted_out inApp=suppress:opted_out",
                    "customer cid email=suppress:channel_opted_out inApp=deliver:subscribed_by_default",
                    "internalTeam rita email=suppress:not_subscribed inApp=suppress:not_subscribed",
                ])
            #expect(Set(response.recipients.map(\.notificationID)).count == 4)
            #expect(response.recipients.allSatisfy { $0.channels.allSatisfy { !$0.explanation.isEmpty } })
            #expect(house.signal.count(of: tenant.id) == 1)

            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = response.recipients[0].notificationID
            let ann = try await tenant.deliveries.getNotification(get).notification
            #expect(ann.eventID == response.eventID)
            #expect(ann.userID == "ann" && ann.accountID == "acme" && ann.object == "invoice/INV-1")
            #expect(ann.state == .pending)
            #expect(ann.deliveries.map(\.state) == [.pending, .delivered])
            #expect(ann.deliveries[0].maskedAddress == "a…@example.com")
            #expect(ann.deliveries[0].messageID.hasSuffix("@portal.example.com"))
            #expect(ann.deliveries[0].trace.map(\.rule) == ["catalog_setting", "mandatory", "user_choice"])
            #expect(ann.deliveries[0].trace.map(\.decisive) == [false, true, false])
            get.notificationID = response.recipients[1].notificationID
            let bob = try await tenant.deliveries.getNotification(get).notification
            #expect(bob.state == .suppressed)
            #expect(bob.deliveries[0].trace.last?.rule == "user_choice")
            #expect(bob.deliveries[0].trace.last?.decisive == true)
            #expect(bob.deliveries[0].maskedAddress.isEmpty)
        }
    }

    @Test("the same key with the same request tells the same and does nothing new")
    func idempotency() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = invoice("k1")
            let first = try await tenant.deliveries.publish(request)
            let again = try await tenant.deliveries.publish(request)
            #expect(again.replayed)
            #expect(again.eventID == first.eventID)
            #expect(again.recipients == first.recipients)
            request.context.reverse()
            #expect(try await tenant.deliveries.publish(request).replayed, "the order of values does not count")

            request.object = "invoice/INV-2"
            let status = try await failure(.alreadyExists, "IDEMPOTENCY_KEY_REUSED") {
                try await tenant.deliveries.publish(request)
            }
            #expect(status.metadata["event_id"] == first.eventID)
            #expect(house.signal.count(of: tenant.id) == 1)
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 1)

            house.clock.advance(seconds: 24 * 3600)
            let later = try await tenant.deliveries.publish(request)
            #expect(!later.replayed && later.eventID != first.eventID)
        }
    }

    @Test("many at once with one key are one event, and with many keys are all stored")
    func concurrency() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let clients = try (0..<4).map { _ in DeliveryServiceClient(try house.client(tenant.key)) }
            let events = try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for number in 0..<80 {
                    let client = clients[number % 4]
                    group.addTask {
                        (number % 2, try await client.publish(invoice(number % 2 == 0 ? "same" : "k\(number)")).eventID)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0, default: Set<String>()].insert($1.1) }
            }
            #expect(events[0]?.count == 1)
            #expect(events[1]?.count == 40)
            let counts = try await tenant.inbox("ann").getCounts(.init()).counts
            #expect(counts.total == 41 && counts.unread == 41)
        }
    }

    @Test("who caused the event is left out, and a suppressed account hears nothing")
    func facts() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var suppress = Carillon_V1_UpsertAccountRequest()
            suppress.account.accountID = "acme"
            suppress.account.notificationsSuppressed = true
            suppress.updateMask.paths = ["notifications_suppressed"]
            _ = try await tenant.accounts.upsertAccount(suppress)
            let silent = try await tenant.deliveries.publish(invoice("k1"))
            #expect(
                silent.recipients.filter { $0.audience == .customer }.allSatisfy { recipient in
                    recipient.channels.allSatisfy { $0.reason == "customer_suppressed" }
                })
            #expect(house.signal.count(of: tenant.id) == 0, "there is nothing to send")
            suppress.account.notificationsSuppressed = false
            _ = try await tenant.accounts.upsertAccount(suppress)
            var request = invoice("k2")
            request.objectSuppressed = true
            #expect(
                try await tenant.deliveries.publish(request).recipients[0].channels[0].reason == "object_suppressed")
        }
    }

    @Test("without a provider the inbox alone is used")
    func noProvider() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.account("acme")
            try await tenant.user("ann", of: "acme")
            try await tenant.setDefault("ann", of: "acme")
            let response = try await tenant.deliveries.publish(invoice("k1"))
            #expect(
                Self.lines(response).first
                    == "customer ann email=suppress:channel_unavailable inApp=deliver:mandatory_default_user")
            #expect(house.signal.count(of: tenant.id) == 0)
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = response.recipients[0].notificationID
            let notification = try await tenant.deliveries.getNotification(get).notification
            #expect(notification.state == .delivered)
            #expect(notification.deliveries[0].trace.last?.rule == "provider")
        }
    }

    @Test("when nobody of an account can be told, the supplier's people are told of that, once")
    func nobody() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await tenant.user("tom")
            try await tenant.account("void", reps: ["rita"])
            let request = invoice("k1", account: "void")
            let response = try await tenant.deliveries.publish(request)
            #expect(response.recipients[0].channels.allSatisfy { $0.reason == "no_eligible_recipient" })
            #expect(try await tenant.deliveries.publish(request).replayed)

            var list = Carillon_V1_ListNotificationsRequest()
            list.accountID = "void"
            let raised = try await tenant.deliveries.listNotifications(list).notifications.filter {
                $0.notificationType == "account.default_contact_unreachable"
            }
            #expect(Set(raised.map(\.eventID)).count == 1)
            #expect(raised.allSatisfy { $0.eventID != response.eventID && $0.object == "invoice/INV-1" })
            let told = raised.filter { $0.state == .pending }
            #expect(Set(told.map(\.userID)) == ["rita", "tom"] && told.count == 2)
            #expect(told.allSatisfy { $0.deliveries.map(\.state) == [.pending, .delivered] })
            #expect(house.signal.count(of: tenant.id) == 1, "the mails to the supplier are work")
            for user in ["rita", "tom"] {
                let items = try await tenant.inbox(user).listInbox(.init()).items
                #expect(items.map(\.title) == ["Default contact of Customer void cannot be reached"], "\(user)")
            }
            let database = try await TestDatabase.shared()
            func contexts() throws -> [String?] {
                try database.cluster.execute(
                    """
                    SELECT context::text FROM t_\(tenant.id).event
                    WHERE type_key = 'account.default_contact_unreachable' ORDER BY event_id
                    """, database: database.name
                ).map { $0[0] }
            }
            #expect(try contexts().count == 1)
            #expect(try contexts()[0]?.contains("no_contact") == true)
            #expect(try contexts()[0]?.contains("contact_email") == false, "there is no address")

            // A default user who left is named by reason and address.
            house.clock.advance(seconds: 1)
            try await tenant.user("vera", of: "void")
            try await tenant.setDefault("vera", of: "void")
            var leave = Carillon_V1_UpsertUserRequest()
            leave.user.userID = "vera"
            leave.user.accountID = "void"
            leave.user.state = .disabled
            leave.updateMask.paths = ["state"]
            _ = try await tenant.accounts.upsertUser(leave)
            _ = try await tenant.deliveries.publish(invoice("k2", account: "void"))
            #expect(try contexts().count == 2)
            #expect(try contexts()[1]?.contains("recipient_inactive") == true)
            #expect(try contexts()[1]?.contains("vera@example.com") == true)

            // As long as somebody can be told, and for types that nobody must hear of, nothing is raised.
            _ = try await tenant.deliveries.publish(invoice("k3"))
            #expect(try contexts().count == 2)
        }
    }

    @Test("secret values are stored sealed, and are nowhere in clear")
    func secrets() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = Carillon_V1_PublishRequest()
            request.idempotencyKey = "k1"
            request.notificationType = "security.one_time_code"
            request.accountID = "acme"
            request.addressedUserIds = ["ann"]
            request.context = [
                value("user_id") { $0.text = "ann" }, value("user_display_name") { $0.text = "Ann" },
                value("one_time_code") { $0.text = "code-918273" },
                value("expires_at") { $0.dateTime = .init(seconds: house.clock.now.seconds + 600) },
            ]
            let response = try await tenant.deliveries.publish(request)
            #expect(response.recipients.map(\.userID) == ["ann"])
            let database = try await TestDatabase.shared()
            for table in ["event", "notification", "delivery", "queue", "idempotency", "inbox_item"] {
                let rows = try database.cluster.execute(
                    "SELECT row_to_json(x)::text FROM t_\(tenant.id).\(table) x", database: database.name)
                // Octets are shown in hexadecimal.
                let hexadecimal = "code-918273".utf8.map { String($0, radix: 16) }.joined()
                for text in rows.joined().compactMap({ $0 }) {
                    #expect(!text.contains("918273") && !text.contains(hexadecimal), "\(table)")
                }
            }
            let sealed = try database.cluster.execute(
                "SELECT sealed_context IS NOT NULL FROM t_\(tenant.id).event", database: database.name)
            #expect(sealed == [["t"]])
            request.addressedUserIds = ["stranger"]
            request.idempotencyKey = "k2"
            try await failure(.notFound, "USER_NOT_FOUND") { try await tenant.deliveries.publish(request) }
        }
    }

    @Test("notifications are listed, newest first, by account, user and event")
    func listing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var events: [String] = []
            for number in 0..<3 {
                house.clock.advance(seconds: 1)
                events.append(try await tenant.deliveries.publish(invoice("k\(number)")).eventID)
            }
            var request = Carillon_V1_ListNotificationsRequest()
            request.userID = "ann"
            request.pageSize = 2
            let first = try await tenant.deliveries.listNotifications(request)
            #expect(first.notifications.map(\.eventID) == [events[2], events[1]])
            #expect(first.notifications.allSatisfy { $0.deliveries.count == 2 && $0.deliveries[0].trace.isEmpty })
            request.pageToken = first.nextPageToken
            #expect(try await tenant.deliveries.listNotifications(request).notifications.map(\.eventID) == [events[0]])
            request = .init()
            request.eventID = events[1]
            #expect(try await tenant.deliveries.listNotifications(request).notifications.count == 4)
            request.accountID = "other"
            #expect(try await tenant.deliveries.listNotifications(request).notifications.isEmpty)
            request.eventID = "not a uuid"
            try await failure(.invalidArgument, fields: ["event_id"]) {
                try await tenant.deliveries.listNotifications(request)
            }
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = events[0]
            try await failure(.notFound, "NOTIFICATION_NOT_FOUND") { try await tenant.deliveries.getNotification(get) }
            get.notificationID = "x"
            try await failure(.invalidArgument) { try await tenant.deliveries.getNotification(get) }
        }
    }
}
