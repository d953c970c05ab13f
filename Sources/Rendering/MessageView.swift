internal import Domain

/// What a layout shows: the request's facts in words, after masking.
struct MessageView {
    let subject: String
    let link: String
    let details: [Detail]
    private let request: RenderingRequest
    private let actionLabel: String
    let isAnythingHidden: Bool

    init(_ request: RenderingRequest, on channel: Channel) throws(RenderingError) {
        self.request = request
        let type = request.type
        let (shown, hidden) = Masking.shown(request.context, on: channel, of: type, settings: request.settings)
        isAnythingHidden = hidden.contains { name in
            request.context[name] != nil && type.variable(name)?.sensitivity != .secret
        }
        guard let preferences = SafeURL(request.preferencesURL) else { throw .unsafePreferencesURL }
        guard let portal = SafeURL(request.portalURL) else { throw .unsafePortalURL }
        subject = type.subject(
            request.context,
            implicit: [
                "recipient_name": request.recipientName, "supplier_name": request.branding.name,
                "portal_url": portal.text, "preferences_url": preferences.text, "source_event_id": request.sourceEvent,
            ], on: channel, settings: request.settings)

        // A one-time link that the channel may show is what the message is for.
        let action = type.variables.first { variable in
            variable.type == .url && variable.sensitivity == .secret && shown[variable.name] != nil
        }
        if let action, let url = SafeURL(shown[action.name]?.text ?? "") {
            link = url.text
            actionLabel = Words.followLink
        } else {
            // Secrets have no place in a path: it is logged by everybody on the way.
            let path = type.link(request.context.partedBySecrecy(for: type).open, for: request.audience) ?? ""
            guard let page = SafeURL(portal.withoutTrailingSlash + path) else { throw .unsafePortalURL }
            link = page.text
            actionLabel = Words.openPortal
        }
        details = type.variables.compactMap { variable in
            guard variable.name != action?.name, let value = shown[variable.name] else { return nil }
            return Detail(variable, value, audience: request.audience, zone: request.zone)
        }
    }

    /// The values by the names that the layouts use.
    var values: [String: Any] {
        let type = request.type
        let branding = request.branding
        let accent = AccentColor(branding.accent) ?? AccentColor.standard
        let name = Words.line(request.recipientName)
        let lead = subject == type.title ? "" : subject
        var values: [String: Any] = [
            "greeting": name.isEmpty ? Words.greeting : Words.greeting(name),
            "title": type.title,
            "subject": subject,
            "preview": lead.isEmpty ? type.title : lead,
            "details": details.map(\.values),
            "hasDetails": !details.isEmpty,
            "link": link,
            "action": actionLabel,
            "supplier": Words.line(branding.name),
            "reason": Words.reason(
                request.reason, title: type.title, supplier: Words.line(branding.name), audience: request.audience),
            "change": Words.change(isMandatory: request.reason?.isMandatory ?? false),
            "preferences": request.preferencesURL,
            "accent": accent.text,
            "onAccent": accent.readableText,
            "imprint": branding.imprint.split(whereSeparator: \.isNewline).map { Words.line(String($0)) },
        ]
        if !lead.isEmpty { values["lead"] = lead }
        if isAnythingHidden { values["hidden"] = Words.hidden }
        if let logo = branding.logoURL.flatMap(SafeURL.init), logo.isHTTPS { values["logo"] = logo.text }
        return values
    }
}
