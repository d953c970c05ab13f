internal import Domain

/// What a digest's layout shows.
struct DigestView {
    let subject: String
    let portal: String
    private let request: DigestRequest
    private let preferences: String

    init(_ request: DigestRequest) throws(RenderingError) {
        self.request = request
        guard let preferences = SafeURL(request.preferencesURL) else { throw .unsafePreferencesURL }
        guard let portal = SafeURL(request.portalURL) else { throw .unsafePortalURL }
        self.portal = portal.text
        self.preferences = preferences.text
        subject = String(
            Words.digest(request.count, supplier: Words.line(request.branding.name))
                .prefix(NotificationType.subjectLimit))
    }

    /// The values by the names that the layouts use.
    var values: [String: Any] {
        let branding = request.branding
        let accent = AccentColor(branding.accent) ?? AccentColor.standard
        let name = Words.line(request.recipientName)
        let supplier = Words.line(branding.name)
        var values: [String: Any] = [
            "greeting": name.isEmpty ? Words.greeting : Words.greeting(name),
            "title": Words.notifications(request.count),
            "subject": subject,
            "preview": request.entries.first?.line ?? subject,
            "groups": groups,
            "portal": portal,
            "action": Words.openPortal,
            "supplier": supplier,
            "reason": Words.digestReason(supplier: supplier, hasMandatory: request.hasMandatory),
            "change": Words.changeDigest,
            "preferences": preferences,
            "accent": accent.text,
            "onAccent": accent.readableText,
            "imprint": branding.imprint.split(whereSeparator: \.isNewline).map { Words.line(String($0)) },
        ]
        let more = request.count - request.entries.count
        if more > 0 { values["more"] = Words.moreInPortal(more) }
        if request.entries.contains(where: \.isAnythingHidden) { values["hidden"] = Words.hidden }
        if let logo = branding.logoURL.flatMap(SafeURL.init), logo.isHTTPS { values["logo"] = logo.text }
        return values
    }

    /// The entries by category: the category of the most important entry first.
    private var groups: [[String: Any]] {
        var categories: [String] = []
        for entry in request.entries where !categories.contains(entry.category) { categories.append(entry.category) }
        return categories.map { category in
            [
                "category": category,
                "entries": request.entries.filter { $0.category == category }.map { entry in
                    var values: [String: Any] = [
                        "line": entry.line, "link": entry.link, "time": entry.time.text(in: request.zone),
                    ]
                    if !entry.kind.isEmpty { values["kind"] = entry.kind }
                    return values
                },
            ]
        }
    }
}
