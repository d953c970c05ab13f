/// How much a context may hold. The limits keep a single event from filling inboxes, mails and the database.
package enum ContextLimits {
    /// Characters (Unicode scalars) of an `id`.
    package static let id = 200
    /// Characters of a `string`.
    package static let string = 500
    /// Characters of a `text`.
    package static let text = 10_000
    /// Characters of a `url`.
    package static let url = 2_048
    /// Characters of an `email`.
    package static let email = 254
    /// Characters of an `enum`.
    package static let enumeration = 64
    /// Items of a list.
    package static let items = 200
    /// Fields of an object in a list.
    package static let fields = 20
    /// Minor units of an amount, either sign.
    package static let minorUnits: Int64 = 1_000_000_000_000_000
    /// The latest instant that is taken: the end of the year 9999.
    package static let latest = Instant(seconds: 253_402_300_799)
}
