internal import CarillonAPI
internal import CarillonGRPC
internal import Foundation

/// The show of `carillon demo`: what happened to one invoice, step by step.
struct Show: Sendable {
    private let portal: SamplePortal
    private let directory: DevelopmentDirectory

    /// A show of a portal.
    init(portal: SamplePortal, directory: DevelopmentDirectory) {
        self.portal = portal
        self.directory = directory
    }

    /// Plays it.
    ///
    /// - Throws: ``ShowFailure`` when a mail or an inbox item that must be there is not, or what a call says.
    func play(operatorKey: String, now: Date) async throws {
        Console.say("\n1. Onboarding \(SampleSupplier.name) (tenant \(SampleSupplier.tenant))")
        let key = try await portal.onboard(operatorKey: operatorKey)
        try await portal.fill(apiKey: key)
        Console.say(
            "   two customer accounts, \(SampleSupplier.people.count) users, mail goes into \(directory.maildir.path)")

        // A new invoice for each run: the same idempotency key would be the same event.
        let number = "INV-\(Int(now.timeIntervalSince1970))"
        let invoice = try await portal.publish(SampleSupplier.invoice(number: number, now: now), apiKey: key)
        Console.say("\n2. Published invoice.created for \(number), account Globex GmbH (event \(invoice.eventID))\n")
        Console.say(indented(table(of: invoice)))
        try await showMail(of: invoice, key: key)
        try await showInbox(of: "anna", invoice)

        let comment = try await portal.publish(SampleSupplier.comment(number: number), apiKey: key)
        Console.say("\n5. Ben, of Globex, commented on the invoice: published comment.added with him as the actor\n")
        Console.say(indented(table(of: comment)))
        _ = try await settled(comment, key: key)
    }

    // MARK: The table

    private func table(of response: Carillon_V1_PublishResponse) -> String {
        var table = TextTable("who", "trait", "email", "in_app", "why")
        for decision in response.recipients {
            let person = SampleSupplier.people.first { $0.id == decision.userID }
            let who = person?.name ?? (decision.billingMailbox ? "billing mailbox" : "nobody")
            table.add([
                who + Self.addition(for: decision.audience), person?.trait ?? "",
                Self.word(for: .email, decision), Self.word(for: .inApp, decision), Self.why(decision),
            ])
        }
        let considered = Set(response.recipients.map(\.userID))
        for person in SampleSupplier.people where !considered.contains(person.id) {
            table.add([person.name, person.trait, "–", "–", "not considered: the event is not theirs"])
        }
        return table.text
    }

    private static func word(
        for channel: Carillon_V1_Channel, _ decision: Carillon_V1_RecipientDecision
    ) -> String {
        switch decision.channels.first(where: { $0.channel == channel })?.verdict {
        case .deliver: "yes"
        case .defer: "later"
        case .digest: "digest"
        default: "–"
        }
    }

    /// The reasons, each once: mostly all channels have the same.
    private static func why(_ decision: Carillon_V1_RecipientDecision) -> String {
        var reasons: [String] = []
        for channel in decision.channels {
            let reason = "\(channel.reason): \(channel.explanation)"
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.joined(separator: "; ")
    }

    /// Nothing for customers, who are most.
    private static func addition(for audience: Carillon_V1_Audience) -> String {
        switch audience {
        case .customer: ""
        case .internalIndividual: " (supplier)"
        case .internalTeam: " (supplier's team)"
        default: " (?)"
        }
    }

    // MARK: The mail

    private func showMail(of invoice: Carillon_V1_PublishResponse, key: String) async throws {
        let notifications = try await settled(invoice, key: key)
        var shown: MailFile?
        var count = 0
        for notification in notifications {
            for delivery in notification.deliveries
            where delivery.channel == .email && delivery.decision.verdict == .deliver {
                guard delivery.state == .delivered else {
                    throw ShowFailure("a mail was not delivered: \(delivery.state) \(delivery.stateReason)")
                }
                guard let mail = MailFile.find(messageID: delivery.messageID, in: directory.maildir) else {
                    throw ShowFailure("the mail \(delivery.messageID) is not in \(directory.maildir.path)")
                }
                count += 1
                if notification.userID == "anna" { shown = mail }
            }
        }
        guard let shown else { throw ShowFailure("there is no mail to the default user") }
        Console.say("\n3. \(count) mails are in \(directory.maildir.path)/new. The one to Anna, the default user:\n")
        let names = ["From", "To", "Subject", "Date", "Message-ID"]
        for name in names { Console.say("   \(name): \(PlainText.of(shown[name] ?? "(none)"))") }
        Console.say("")
        Console.say(indented(shown.text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    /// The notifications of an event once nothing of them is under way.
    private func settled(
        _ response: Carillon_V1_PublishResponse, key: String
    ) async throws -> [Carillon_V1_Notification] {
        var notifications: [Carillon_V1_Notification] = []
        for decision in response.recipients where !decision.notificationID.isEmpty {
            notifications.append(try await portal.settled(notification: decision.notificationID, apiKey: key))
        }
        return notifications
    }

    // MARK: The inbox

    private func showInbox(of user: String, _ invoice: Carillon_V1_PublishResponse) async throws {
        let expected = invoice.recipients.first { $0.userID == user }?.notificationID
        let items = try await portal.inbox(of: user)
        guard let item = items.first(where: { $0.notificationID == expected }) else {
            throw ShowFailure("the invoice is not in the inbox of \(user)")
        }
        Console.say("\n4. Anna's inbox, read with a portal token that the supplier's portal signed:\n")
        Console.say("   #\(item.sequence)  \(PlainText.of(item.title))")
        Console.say(indented(item.body))
        Console.say("   \(PlainText.of(item.deepLink))")
    }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : "   \(PlainText.of(String($0)))" }.joined(separator: "\n")
    }
}

/// What the show had to find and did not.
struct ShowFailure: Error, CustomStringConvertible {
    /// What is missing.
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
