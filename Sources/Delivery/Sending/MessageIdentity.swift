package import Domain
internal import FoundationEssentials

/// The Message-ID of a mail, and with the same text the idempotency key of other channels: one for each delivery, the same
/// on every attempt, so that a relay or a reader can know a repeat for what it is.
package enum MessageIdentity {
    /// The identity of a delivery, without angle brackets: `<notification>.<channel>@<host of the portal>`.
    ///
    /// Publish stores it with the delivery, so a portal that moves does not change it afterwards.
    ///
    /// - Parameters:
    ///   - notification: what is delivered.
    ///   - channel: on which channel.
    ///   - tenant: whose; names the domain when the portal's address has no host.
    ///   - portalURL: the tenant's portal.
    package static func of(
        _ notification: NotificationID, on channel: Channel, tenant: TenantID, portalURL: String
    ) -> String {
        "\(notification).\(channel.rawValue)@\(domain(of: portalURL) ?? "\(tenant).carillon.invalid")"
    }

    /// The host of an address if it may stand in a Message-ID as it is.
    private static func domain(of portalURL: String) -> String? {
        guard let host = URL(string: portalURL)?.host(percentEncoded: true)?.lowercased(),
            (1...253).contains(host.utf8.count),
            host.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            })
        else { return nil }
        return host
    }
}
