package import Domain

/// For how long a notification is worth sending. What is not sent by then expires, visibly, instead of arriving when it
/// says the wrong thing.
package enum TimeToLive {
    /// The time to live of a type on a channel, counted from when the event was published or the deferral ended.
    ///
    /// A code or one-time link is worthless after a quarter of an hour, except an invitation, which is no answer to
    /// anything the recipient waits for, and the question whether an address is somebody's, whose link works for a day. A reminder or digest of yesterday misleads. For the rest e-mail has three days,
    /// as long as relays try among themselves; what lights up a telephone has hours.
    package static func standard(of type: NotificationType, on channel: Channel) -> Duration {
        if type.key == addressQuestion { return .hours(24) }
        if type.priority == .critical,
            type.variables.contains(where: { $0.sensitivity == .secret })
        {
            return .minutes(15)
        }
        let isOfTheDay = type.kind == .reminder || type.kind == .digest || type.priority == .low
        switch channel {
        case .email, .webhook: return isOfTheDay ? .hours(24) : .hours(72)
        case .push: return isOfTheDay ? .hours(4) : .hours(24)
        case .sms: return .hours(4)
        case .inApp: return .hours(72)
        }
    }

    private static let addressQuestion = TypeKey(unchecked: "security.email_verification")

    /// When a delivery that is due at `due` expires.
    package static func expiry(of type: NotificationType, on channel: Channel, due: Instant) -> Instant {
        due.advanced(by: standard(of: type, on: channel))
    }
}
