internal import Postgres

/// How a tenant shows itself in messages, beside its name. Empty is the service's own look.
package struct TenantLook: Sendable, Hashable {
    /// `#RRGGBB`.
    package var accentColor = ""
    /// An https address of the logo.
    package var logoURL = ""
    /// Who stands behind the mails, such as a postal address; may have several lines.
    package var imprint = ""

    /// The service's own look.
    package init() {}
}

extension TenantLook {
    /// Reads three columns, in the order of the properties.
    init(row: Row, from column: Int) throws(PostgresError) {
        accentColor = try row.text(column)
        logoURL = try row.text(column + 1)
        imprint = try row.text(column + 2)
    }

    /// The columns' values, in the order of the properties.
    var parameters: [Parameter] { [.text(accentColor), .text(logoURL), .text(imprint)] }
}
