import Domain
import Rendering
import Testing

/// A request for a type of the built-in catalog.
func request(
    _ key: String, _ entries: [ContextEntry], audience: Audience = .customer, reason: Reason? = .subscribedByDefault
) throws -> RenderingRequest {
    let type = try #require(TypeKey(key).flatMap { Catalog.builtIn[$0] })
    return RenderingRequest(
        type: type, context: try Context(entries, for: type), audience: audience, reason: reason,
        recipientName: "Ann Ames",
        branding: Branding(name: "Northwind Supply", imprint: "1 Harbour Road\nSpringfield"),
        portalURL: "https://portal.northwind.example/",
        preferencesURL: "https://portal.northwind.example/settings/notifications")
}

/// The context of an invoice whose amounts are easy to find.
let invoice: [ContextEntry] = [
    ContextEntry("invoice_id", .text("inv/81")),
    ContextEntry("invoice_number", .text("INV-1001")),
    ContextEntry("customer_id", .text("c-7")),
    ContextEntry("customer_name", .text("Blue Harbor Café")),
    ContextEntry("invoice_total", .money(Money(minorUnits: 123_450, currency: "EUR"))),
    ContextEntry("amount_due", .money(Money(minorUnits: 98_765, currency: "EUR"))),
    ContextEntry("due_date", .date(CivilDate(year: 2026, month: 12, day: 1)!)),
]
