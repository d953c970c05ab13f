package import Rendering
package import Storage

extension Branding {
    /// How a tenant shows itself.
    package init(_ tenant: TenantRecord) {
        let look = tenant.look
        self.init(
            name: tenant.displayName, accent: look.accentColor.isEmpty ? Self.defaultAccent : look.accentColor,
            logoURL: look.logoURL.isEmpty ? nil : look.logoURL, imprint: look.imprint)
    }
}

extension TenantRecord {
    /// The page of the portal where users change what is sent to them.
    package var preferencesURL: String { portalPage("/preferences") }

    /// A page of the portal.
    ///
    /// - Parameter path: its path, from a slash on.
    package func portalPage(_ path: String) -> String {
        (portalURL.hasSuffix("/") ? String(portalURL.dropLast()) : portalURL) + path
    }
}
