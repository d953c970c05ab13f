internal import Domain

/// The sentences of the built-in layouts.
enum Words {
    static let greeting = "Hello,"
    static let openPortal = "Open in the portal"
    static let followLink = "Continue"
    static let hidden =
        "To protect your information, amounts and comments are not shown in this e-mail. Open the portal to see the details."

    static func greeting(_ name: String) -> String { "Hello \(name)," }

    static func more(_ count: Int) -> String { "and \(count) more" }

    /// Why the recipient gets the message, and for what cannot be turned off, why not.
    static func reason(_ reason: Reason?, title: String, supplier: String, audience: Audience) -> String {
        switch reason {
        case .mandatoryForAll:
            let whom = audience.isInternal ? "everyone it concerns at \(supplier)" : "every user of your account"
            return
                "\(supplier) sends “\(title)” to \(whom). It cannot be turned off, because everybody there needs to know."
        case .mandatoryForDefaultUser:
            return """
                You are the default contact of your account, and \(supplier) requires that at least one person gets \
                “\(title)”. It cannot be turned off while that is you.
                """
        case .mandatoryForStandIn:
            return """
                \(supplier) requires that at least one person of your account gets “\(title)”, and its default contact \
                cannot be reached. It cannot be turned off while you stand in.
                """
        case .mandatoryForAddressee:
            return "“\(title)” was sent to you in person. It cannot be turned off, because nobody else would be told."
        case .optedIn:
            return "You chose to get “\(title)” from \(supplier)."
        case .subscribedByDefault, .enabledWithoutSubscription:
            return "\(supplier) sends “\(title)” unless you turn it off."
        default:
            return "This is “\(title)” from \(supplier)."
        }
    }

    /// How many notifications a digest tells of.
    static func notifications(_ count: Int) -> String { "\(count) \(count == 1 ? "notification" : "notifications")" }

    /// The subject of a digest.
    static func digest(_ count: Int, supplier: String) -> String {
        supplier.isEmpty ? notifications(count) : "\(notifications(count)) from \(supplier)"
    }

    /// What of a digest is not shown.
    static func moreInPortal(_ count: Int) -> String { "and \(count) more in the portal" }

    /// Why the recipient gets a digest, and what of it cannot be turned off.
    static func digestReason(supplier: String, hasMandatory: Bool) -> String {
        let together = "\(supplier) sends you these notifications together, as a digest."
        return hasMandatory ? together + " Some of them cannot be turned off." : together
    }

    /// What the link to the preferences is called in a digest.
    static let changeDigest = "Change what you get, and how often"

    /// What the link to the preferences is called.
    static func change(isMandatory: Bool) -> String {
        isMandatory ? "See what else you get" : "Change what you get"
    }

    /// One line: runs of whitespace and control characters are one space.
    static func line(_ text: String) -> String {
        text.unicodeScalars.split { isSeparator($0) }.map { String($0) }.joined(separator: " ")
    }

    /// Text with its own lines and no other control characters.
    static func lines(_ text: String) -> String {
        text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { line(String($0)) }
            .joined(separator: "\n")
    }

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
    }
}
