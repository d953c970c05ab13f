/// Which variables may be shown on which channel.
package enum Masking {
    /// What stands where a value may not be shown.
    package static let mask = "(see portal)"

    /// Whether a variable of this sensitivity may be rendered on `channel`.
    ///
    /// In-app content is read after sign-in and may show everything but secrets. Outside the portal, amounts and free
    /// text are hidden unless the tenant allows them. Secrets go only where the type sends them on purpose, outside
    /// the portal and never to a webhook; no setting widens that.
    package static func mayShow(
        _ sensitivity: Sensitivity, on channel: Channel, of type: NotificationType, settings: TenantSettings
    ) -> Bool {
        switch sensitivity {
        case .ordinary, .pii: true
        case .financial, .content:
            channel.isInsidePortal || settings.allowedOutsidePortal.contains(sensitivity)
        case .secret:
            type.channelSet.contains(channel) && channel != .inApp && channel != .webhook
        }
    }

    /// The part of `context` that may be rendered on `channel`, and the names of what is hidden there.
    package static func shown(
        _ context: Context, on channel: Channel, of type: NotificationType, settings: TenantSettings
    ) -> (context: Context, hidden: Set<String>) {
        var hidden: Set<String> = []
        for variable in type.variables
        where !mayShow(variable.sensitivity, on: channel, of: type, settings: settings) {
            hidden.insert(variable.name)
        }
        return (Context(unchecked: context.values.filter { !hidden.contains($0.key) }), hidden)
    }
}
