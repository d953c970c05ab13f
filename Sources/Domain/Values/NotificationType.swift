/// One notification type: everything the catalog says of it.
///
/// An immutable value. It is a class only so that handing it on costs one reference, not one for each column; all
/// loops share the same 358 of them.
package final class NotificationType: Sendable {
    /// What a type is for one audience.
    package struct AudienceTerms: Hashable, Sendable {
        /// The setting in force while the supplier chose none.
        package let setting: Setting
        /// Who of the audience is concerned.
        package let scope: Scope

        /// Makes the terms of one audience.
        package init(setting: Setting, scope: Scope) {
            self.setting = setting
            self.scope = scope
        }
    }

    /// The stable name.
    package let key: TypeKey
    /// The group it is shown in, and the level between one type and all types in users' choices.
    package let category: CategoryName
    /// The name people read.
    package let title: String
    /// The subject line or push title.
    package let subject: TextTemplate
    /// What sort of message it is.
    package let kind: Kind
    /// The terms for each audience; nil where the type does not concern the audience.
    package let audiences: PerAudience<AudienceTerms?>
    /// The channels it may use, in order of preference; never empty.
    package let channels: [Channel]
    /// The variables of its context, besides the implicit ones.
    package let variables: [Variable]
    /// The page of the portal that a customer is led to: a relative path.
    package let customerLink: TextTemplate?
    /// The page of the portal that a supplier user is led to: a relative path.
    package let internalLink: TextTemplate?
    /// How urgent it is.
    package let priority: Priority
    /// Whether it waits for the end of the recipient's quiet hours.
    package let respectsQuietHours: Bool
    /// Whether a recipient may have it in a digest.
    package let isDigestible: Bool
    /// Whether it is advertising, which needs one-click unsubscribe.
    package let isCommercial: Bool
    /// Whether who caused the event is left out.
    package let excludesActor: Bool
    /// When the producer should publish it, and when reminders are cancelled; documentation.
    package let trigger: String
    /// What makes two publications the same.
    package let dedupeKey: TextTemplate
    /// Where the type comes from; documentation.
    package let source: String

    /// The channels as a set.
    package let channelSet: ChannelSet
    /// Whether a customer's or object's suppression flag is passed over: messages about security and about legal terms
    /// must reach people who want to hear nothing else.
    package let isExemptFromSuppression: Bool
    /// Whether it is of the category of security, or has a secret such as a code or a link that lets in.
    private let concernsAccess: Bool

    /// Makes a type. The catalog's own types are checked by ``CatalogParser``.
    package init(
        key: TypeKey, category: CategoryName, title: String, subject: TextTemplate, kind: Kind,
        audiences: PerAudience<AudienceTerms?>, channels: [Channel], variables: [Variable],
        customerLink: TextTemplate?, internalLink: TextTemplate?, priority: Priority = .normal,
        respectsQuietHours: Bool = true, isDigestible: Bool = false, isCommercial: Bool = false,
        excludesActor: Bool = false, trigger: String = "", dedupeKey: TextTemplate, source: String = ""
    ) {
        self.key = key
        self.category = category
        self.title = title
        self.subject = subject
        self.kind = kind
        self.audiences = audiences
        self.channels = channels
        self.variables = variables
        self.customerLink = customerLink
        self.internalLink = internalLink
        self.priority = priority
        self.respectsQuietHours = respectsQuietHours
        self.isDigestible = isDigestible
        self.isCommercial = isCommercial
        self.excludesActor = excludesActor
        self.trigger = trigger
        self.dedupeKey = dedupeKey
        self.source = source
        channelSet = ChannelSet(channels)
        let concernsSecurity = category.rawValue == "Security"
        isExemptFromSuppression = concernsSecurity || category.rawValue == "Privacy and consent"
        concernsAccess = concernsSecurity || variables.contains { $0.sensitivity == .secret }
    }

    /// Whether it tells somebody of an audience, in person, how they get into the portal. What goes to many is news of security, and no
    /// way in.
    package func isAboutAccess(for audience: Audience) -> Bool {
        concernsAccess && audiences[audience]?.scope == .addressedUser
    }

    /// The variable called `name`, if the type has it; implicit variables are not found.
    package func variable(_ name: String) -> Variable? {
        variables.first { $0.name == name }
    }

    /// The link template for a recipient of `audience`.
    package func link(for audience: Audience) -> TextTemplate? {
        audience.isInternal ? internalLink : customerLink
    }
}

extension NotificationType: Equatable {
    /// Whether two types say the same.
    package static func == (left: NotificationType, right: NotificationType) -> Bool {
        left === right
            || left.key == right.key && left.category == right.category && left.title == right.title
                && left.subject == right.subject && left.kind == right.kind && left.audiences == right.audiences
                && left.channels == right.channels && left.variables == right.variables
                && left.customerLink == right.customerLink && left.internalLink == right.internalLink
                && left.priority == right.priority && left.respectsQuietHours == right.respectsQuietHours
                && left.isDigestible == right.isDigestible && left.isCommercial == right.isCommercial
                && left.excludesActor == right.excludesActor && left.trigger == right.trigger
                && left.dedupeKey == right.dedupeKey && left.source == right.source
    }
}
