import Domain
import Foundation
import Rendering
import Testing

/// The mail that tells of many notifications.
@Suite struct DigestMailTests {
    private static let renderer = Renderer()
    private static let time = Instant(seconds: 1_794_744_000)

    private func entry(_ request: RenderingRequest) throws -> DigestEntry {
        try Self.renderer.digestEntry(request, at: Self.time)
    }

    private func digest(
        _ entries: [DigestEntry], count: Int, hasMandatory: Bool = false, zone: ZoneRules = .utc
    ) throws -> RenderedEmail {
        try Self.renderer.digest(
            DigestRequest(
                entries: entries, count: count, hasMandatory: hasMandatory, recipientName: "Ann Ames", zone: zone,
                branding: Branding(name: "Northwind Supply", imprint: "1 Harbour Road\nSpringfield"),
                portalURL: "https://portal.northwind.example/",
                preferencesURL: "https://portal.northwind.example/settings/notifications"))
    }

    @Test func itSaysHowManyAndShowsSome() throws {
        let invoice = try request("invoice.created", invoice)
        let mail = try digest([entry(invoice), entry(invoice)], count: 14, hasMandatory: true)
        #expect(mail.subject == "14 notifications from Northwind Supply")
        #expect(mail.link == "https://portal.northwind.example/")
        let text = """
            Hello Ann Ames,

            14 notifications

            Invoices

            - New invoice INV-1001, due 2026-12-01
              2026-11-15 12:00 UTC
              https://portal.northwind.example/invoices/inv%2F81
            - New invoice INV-1001, due 2026-12-01
              2026-11-15 12:00 UTC
              https://portal.northwind.example/invoices/inv%2F81

            and 12 more in the portal

            To protect your information, amounts and comments are not shown in this e-mail. Open the portal to see the details.

            Open in the portal:
            https://portal.northwind.example/

            --
            Northwind Supply
            1 Harbour Road
            Springfield

            Northwind Supply sends you these notifications together, as a digest. Some of them cannot be turned off.
            Change what you get, and how often: https://portal.northwind.example/settings/notifications

            """
        #expect(mail.text == text)
        let link = "<a href=\"https://portal.northwind.example/invoices/inv%2F81\""
        #expect(mail.html.components(separatedBy: link).count == 3)
        for line in ["14 notifications", "and 12 more in the portal", "Some of them cannot be turned off."] {
            #expect(mail.html.contains(line))
        }
        // Nothing of a layout is left over.
        #expect(!mail.html.contains("{{") && !mail.text.contains("{{"))
    }

    @Test func allThatIsShownIsNoMore() throws {
        let mail = try digest(
            [entry(request("invoice.created", invoice)), entry(request("invoice.created", invoice))], count: 2)
        #expect(!mail.text.contains("more in the portal") && !mail.html.contains("more in the portal"))
        #expect(!mail.text.contains("cannot be turned off"))
    }

    @Test func timesAreTheReaders() throws {
        let tokyo = ZoneRules(name: "Asia/Tokyo", firstOffset: 9 * 3_600)
        let mail = try digest([entry(request("invoice.created", invoice))], count: 2, zone: tokyo)
        #expect(mail.text.contains("2026-11-15 21:00 Asia/Tokyo"))
        #expect(mail.html.contains("2026-11-15 21:00 Asia/Tokyo"))
    }

    /// What mail may not show is not in a digest either.
    @Test func amountsStayInThePortal() throws {
        for type in Catalog.builtIn.types where type.isDigestible {
            let audience = try #require(Audience.allCases.first { type.audiences[$0] != nil })
            var entries: [ContextEntry] = []
            for variable in type.variables where !Variable.implicitNames.contains(variable.name) {
                if let value = Self.value(of: variable) { entries.append(ContextEntry(variable.name, value)) }
            }
            let request = RenderingRequest(
                type: type,
                context: Context(unchecked: Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.value) })),
                audience: audience, branding: Branding(name: "Northwind"),
                portalURL: "https://portal.northwind.example", preferencesURL: "https://portal.northwind.example/p")
            let mail = try digest([entry(request)], count: 2)
            for part in [mail.subject, mail.text, mail.html] {
                #expect(!part.contains("SENSITIVE") && !part.contains("7,777.77"), "\(type.key)")
            }
        }
    }

    private static func value(of variable: Variable) -> ContextValue? {
        switch variable.sensitivity {
        case .financial where variable.type == .money: .money(Money(minorUnits: 777_777, currency: "EUR"))
        case .ordinary, .pii: .text("plain")
        case .financial, .content, .secret: .text("SENSITIVE")
        }
    }

    @Test func valuesAreEscaped() throws {
        var entries = invoice
        entries[1] = ContextEntry("invoice_number", .text("<img src=x onerror=alert(1)>"))
        let mail = try digest([entry(request("invoice.created", entries))], count: 2)
        #expect(!mail.html.contains("<img src=x"))
        #expect(mail.html.contains("&lt;img src=x"))
    }
}
