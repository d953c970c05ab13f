/// When one user wants to be left alone and when digests come, in the user's own zone.
package struct Schedule: Hashable, Sendable {
    /// The user's zone.
    package let zone: ZoneRules
    /// The hours in which nothing but in-app and critical messages arrives; nil is none.
    package let quietHours: QuietHours?
    /// When daily digests close, and weekly ones on ``digestDay``: minute of the local day, 0…1,439.
    package let digestMinute: Int
    /// The day on which weekly digests close.
    package let digestDay: Weekday

    /// Makes a schedule; the digest minute is brought into range.
    package init(
        zone: ZoneRules, quietHours: QuietHours? = nil, digestMinute: Int = 8 * 60, digestDay: Weekday = .monday
    ) {
        self.zone = zone
        self.quietHours = quietHours
        self.digestMinute = min(max(digestMinute, 0), 1_439)
        self.digestDay = digestDay
    }
}

/// The span of time that one digest gathers: from ``opens`` until, but not including, ``closes``.
package struct DigestWindow: Hashable, Sendable {
    /// Daily or weekly.
    package let cadence: Cadence
    /// When the window opened.
    package let opens: Instant
    /// When the digest is sent.
    package let closes: Instant

    /// Makes a window.
    package init(cadence: Cadence, opens: Instant, closes: Instant) {
        self.cadence = cadence
        self.opens = opens
        self.closes = closes
    }
}
