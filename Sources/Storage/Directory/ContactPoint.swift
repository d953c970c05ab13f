package import Domain
internal import Postgres

/// An address of a user on one channel.
package struct ContactPoint: Sendable, Hashable {
    /// E-mail, push or SMS; the inbox needs no address.
    package let channel: Channel
    /// A mail address, a device token, a telephone number.
    package let address: String
    /// Whether it can be used; never ``Domain/AddressState/missing``.
    package let state: AddressState
    /// Whether the portal gives it: it stands for the user, whatever the user adds.
    package let isPortals: Bool
    /// Since when it is among those that the user has added; nil when it is not.
    package let ownSince: Instant?

    /// Makes a contact point of the portal's. On writing, the state counts only for an address that is not stored yet.
    package init(channel: Channel, address: String, state: AddressState = .usable) {
        self.channel = channel
        self.address = address
        self.state = state
        isPortals = true
        ownSince = nil
    }
}

extension UserRecord {
    /// Where messages on a channel go: the first usable address, else the first.
    ///
    /// - Parameter isAboutAccess: whether what is said is about the user's access (``Domain/NotificationType/isAboutAccess(for:)``). It goes
    ///   to the addresses that the portal gives, if it gives any on whatever channel: whoever comes into somebody's browser must not
    ///   lead a code or the reset of a password elsewhere by adding an address.
    package func contactPoint(on channel: Channel, isAboutAccess: Bool = false) -> ContactPoint? {
        if isAboutAccess, contactPoints.contains(where: \.isPortals) { return portalsContactPoint(on: channel) }
        return contactPoints.first { $0.channel == channel && $0.state == .usable }
            ?? contactPoints.first { $0.channel == channel }
    }

    /// The state of the address on each channel, as decisions see it.
    ///
    /// - Parameter isAboutAccess: see ``contactPoint(on:isAboutAccess:)``.
    func addressStates(isAboutAccess: Bool = false) -> PerChannel<AddressState> {
        var states = PerChannel(repeating: AddressState.missing)
        states[.inApp] = .usable
        for channel in [Channel.email, .push, .sms, .webhook] {
            if let point = contactPoint(on: channel, isAboutAccess: isAboutAccess) { states[channel] = point.state }
        }
        return states
    }

    /// The preferred address on a channel among those that the portal gives: the first usable one, else the first.
    package func portalsContactPoint(on channel: Channel) -> ContactPoint? {
        let points = contactPoints.lazy.filter { $0.channel == channel && $0.isPortals }
        return points.first { $0.state == .usable } ?? points.first
    }

    /// The addresses that the user has added, in the user's order.
    package var ownContactPoints: [ContactPoint] { contactPoints.filter { $0.ownSince != nil } }
}

extension ContactPoint {
    /// What ``init(row:)`` reads, with the user before it.
    static let columns = "c.user_id, c.channel, c.address, c.state, c.position IS NOT NULL, c.own_since"
    /// SQL for whether c is an address that somebody has given and nobody has given up.
    static let isInUse = "(c.position IS NOT NULL OR c.own_position IS NOT NULL)"
    /// The order in which they are tried.
    static let order = "c.user_id, c.channel, c.own_position NULLS LAST, c.position"

    /// Reads ``columns``.
    init(row: Row) throws(PostgresError) {
        channel = try row.value(1)
        address = try row.text(2)
        state = try row.value(3)
        isPortals = try row.bool(4)
        ownSince = try row.optionalInstant(5)
    }

    /// Reads the three arrays that hold the addresses which the portal gives a user; NULL when there are none.
    static func list(row: Row, from column: Int) throws(PostgresError) -> [ContactPoint] {
        guard let channels = try row.optionalTextArray(column) else { return [] }
        let addresses = try row.textArray(column + 1)
        let states = try row.textArray(column + 2)
        guard addresses.count == channels.count, states.count == channels.count else { throw .corrupt(column) }
        var points: [ContactPoint] = []
        for index in channels.indices {
            guard let channel = Channel(rawValue: channels[index]),
                let state = AddressState(rawValue: states[index])
            else { throw .corrupt(column) }
            points.append(ContactPoint(channel: channel, address: addresses[index], state: state))
        }
        return points
    }
}
