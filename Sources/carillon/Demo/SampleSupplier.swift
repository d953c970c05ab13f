internal import CarillonAPI
internal import Foundation
internal import SwiftProtobuf

/// The sample supplier that `carillon demo` onboards: "Northwind Supply" with two customer accounts and five users, each
/// with another reason to be told or not.
enum SampleSupplier {
    /// The tenant.
    static let tenant = "northwind"
    /// The supplier's name.
    static let name = "Northwind Supply"
    /// Where its portal would be.
    static let portal = "https://portal.northwind.example"
    /// What its events are about.
    static let account = "globex"
    /// The type of the first event.
    static let invoiceCreated = "invoice.created"

    /// A user, and how the show calls that user.
    struct Person: Sendable {
        let id: String
        let name: String
        let account: String
        /// What is special about the person.
        let trait: String
        var state: Carillon_V1_UserState = .active
        var isDefault = false
        /// The choice for invoices, if one was made.
        var choice: Carillon_V1_Choice?

        /// The message for the API.
        var message: Carillon_V1_User {
            var user = Carillon_V1_User()
            user.userID = id
            user.accountID = account
            user.displayName = name
            user.state = state
            user.email = "\(id)@\(account).example"
            return user
        }
    }

    /// The five users.
    static let people = [
        Person(id: "anna", name: "Anna Weber", account: "globex", trait: "default user", isDefault: true),
        Person(id: "ben", name: "Ben Ortiz", account: "globex", trait: "opted in to invoices", choice: .on),
        Person(id: "carla", name: "Carla Rossi", account: "globex", trait: "opted out of invoices", choice: .off),
        Person(id: "dan", name: "Dan Novak", account: "globex", trait: "disabled", state: .disabled),
        Person(id: "erin", name: "Erin Blake", account: "initech", trait: "another account", isDefault: true),
    ]

    /// The two customer accounts.
    static let accounts: [Carillon_V1_Account] = [("globex", "Globex GmbH"), ("initech", "Initech Inc.")].map {
        var account = Carillon_V1_Account()
        account.accountID = $0.0
        account.displayName = $0.1
        return account
    }

    /// The choices of those who made one.
    static var choices: [(user: String, choice: Carillon_V1_PreferenceChoice)] {
        people.compactMap { person in
            guard let made = person.choice else { return nil }
            var choice = Carillon_V1_PreferenceChoice()
            choice.notificationType = invoiceCreated
            choice.choice = made
            return (person.id, choice)
        }
    }

    /// Mail goes into a folder.
    static func provider(maildir: String) -> Carillon_V1_Provider {
        var provider = Carillon_V1_Provider()
        provider.providerID = "maildir"
        provider.channel = .email
        provider.displayName = "A folder on this machine"
        provider.maildir.directory = maildir
        provider.maildir.fromAddress = "notifications@northwind.example"
        return provider
    }

    /// The event that the demo is about: an invoice for Globex.
    ///
    /// - Parameter number: what tells this run's invoice from those of others.
    static func invoice(number: String, now: Date) -> Carillon_V1_PublishRequest {
        var due = Carillon_V1_Date()
        let calendar = Calendar(identifier: .gregorian)
        let parts = calendar.dateComponents([.year, .month, .day], from: now.addingTimeInterval(30 * 24 * 3600))
        due.year = Int32(parts.year ?? 1)
        due.month = Int32(parts.month ?? 1)
        due.day = Int32(parts.day ?? 1)
        var total = Carillon_V1_Money()
        total.currencyCode = "EUR"
        total.minorUnits = 123_450
        var request = event(invoiceCreated, key: "invoice-\(number)")
        request.object = "invoice/\(number)"
        request.context = [
            value("invoice_id", .text(number)), value("invoice_number", .text(number)),
            value("customer_id", .text(account)), value("customer_name", .text("Globex GmbH")),
            value("invoice_total", .money(total)), value("amount_due", .money(total)), value("due_date", .date(due)),
        ]
        return request
    }

    /// What follows: Ben comments on the invoice. He is not told of his own words.
    static func comment(number: String) -> Carillon_V1_PublishRequest {
        var request = event("comment.added", key: "comment-\(number)")
        request.actorUserID = "ben"
        request.object = "invoice/\(number)"
        request.context = [
            value("comment_id", .text("c-\(number)")), value("subject_title", .text("invoice \(number)")),
            value("author_name", .text("Ben Ortiz")),
            value("comment_preview", .text("The quantity of line 3 is wrong.")),
            value("customer_id", .text(account)), value("customer_name", .text("Globex GmbH")),
        ]
        return request
    }

    private static func event(_ type: String, key: String) -> Carillon_V1_PublishRequest {
        var request = Carillon_V1_PublishRequest()
        request.notificationType = type
        request.idempotencyKey = key
        request.accountID = account
        return request
    }

    private static func value(
        _ name: String, _ value: Carillon_V1_ContextValue.OneOf_Value
    ) -> Carillon_V1_ContextValue {
        var field = Carillon_V1_ContextValue()
        field.name = name
        field.value = value
        return field
    }
}
