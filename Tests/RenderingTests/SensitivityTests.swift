import Domain
import Rendering
import Testing

@Suite("What is shown where")
struct SensitivityTests {
    @Test("free text stays in the portal")
    func content() throws {
        let entries = [
            ContextEntry("invoice_id", .text("i")), ContextEntry("invoice_number", .text("INV-1")),
            ContextEntry("customer_id", .text("c")), ContextEntry("customer_name", .text("Blue Harbor")),
            ContextEntry("invoice_total", .money(Money(minorUnits: 1, currency: "EUR"))),
            ContextEntry("void_reason", .text("Ordered twice by mistake")),
        ]
        let request = try request("invoice.voided", entries)
        let mail = try Renderer().email(request)
        #expect(!mail.text.contains("twice") && !mail.html.contains("twice") && !mail.subject.contains("twice"))
        let item = try Renderer().inboxItem(request)
        #expect(item.body.contains("Void reason: Ordered twice by mistake"))
        #expect(item.body.contains("Invoice total: 0.01 EUR"))
    }

    @Test("a code goes by mail, where it belongs, and never into the inbox or a link")
    func code() throws {
        let entries = [
            ContextEntry("user_id", .text("u")), ContextEntry("user_display_name", .text("Ann")),
            ContextEntry("one_time_code", .text("830217")),
            ContextEntry("expires_at", .dateTime(Instant(seconds: 1_764_543_600))),
        ]
        let request = try request("security.one_time_code", entries, reason: .mandatoryForAddressee)
        let mail = try Renderer().email(request)
        #expect(mail.text.contains("Your code: 830217"))
        #expect(!mail.subject.contains("830217") && !mail.link.contains("830217"))
        #expect(!mail.text.contains("not shown in this e-mail"))
        let item = try Renderer().inboxItem(request)
        #expect(!"\(item)".contains("830217"))
    }

    @Test("a one-time link is the mail's button, and not in the inbox")
    func link() throws {
        let entries = [
            ContextEntry("user_id", .text("u")), ContextEntry("user_display_name", .text("Ann")),
            ContextEntry("reset_url", .url("https://portal.northwind.example/reset?t=s3cr3t&u=1")),
            ContextEntry("expires_at", .dateTime(Instant(seconds: 1_764_543_600))),
            ContextEntry("request_ip", .text("198.51.100.7")),
        ]
        let request = try request("security.password_reset_requested", entries, reason: .mandatoryForAddressee)
        let mail = try Renderer().email(request)
        #expect(mail.link == "https://portal.northwind.example/reset?t=s3cr3t&u=1")
        #expect(mail.html.contains(#"<a href="https://portal.northwind.example/reset?t=s3cr3t&amp;u=1""#))
        #expect(mail.text.contains("Continue:\nhttps://portal.northwind.example/reset?t=s3cr3t&u=1\n"))
        let item = try Renderer().inboxItem(request)
        #expect(!"\(item)".contains("s3cr3t"))
        #expect(item.link == "https://portal.northwind.example/reset")
    }

    @Test("no type of the catalog shows a hidden class in a mail, or a secret in the inbox")
    func wholeCatalog() throws {
        var count = 0
        for type in Catalog.builtIn.types {
            var values: [String: ContextValue] = [:]
            for (index, variable) in type.variables.enumerated() {
                values[variable.name] = Self.canary(variable, index)
            }
            for audience in Audience.allCases where type.audiences[audience] != nil {
                let request = RenderingRequest(
                    type: type, context: Context(unchecked: values), audience: audience, reason: .optedIn,
                    recipientName: "Ann", branding: Branding(name: "Northwind"),
                    portalURL: "https://p.example", preferencesURL: "https://p.example/s")
                let mail = try Renderer().email(request)
                let item = try Renderer().inboxItem(request)
                for (index, variable) in type.variables.enumerated() {
                    let mark = "canary\(index)x"
                    let inMail = (mail.subject + mail.text + mail.html + mail.link).contains(mark)
                    let inInbox = (item.title + item.body + item.link).contains(mark)
                    switch variable.sensitivity {
                    case .financial, .content: #expect(!inMail, "\(type.key) \(variable.name)")
                    case .secret: #expect(!inInbox, "\(type.key) \(variable.name)")
                    case .ordinary, .pii: break
                    }
                    count += 1
                }
            }
        }
        #expect(count > 2_000)
    }

    private static func canary(_ variable: Variable, _ index: Int) -> ContextValue {
        let mark = "canary\(index)x"
        switch variable.type {
        case .url: return .url("https://p.example/\(mark)")
        // A currency that is none shows up wherever the amount would.
        case .money: return .money(Money(minorUnits: 1, currency: mark))
        case .textList: return .textList([mark])
        case .objectList: return .objectList([[ContextEntry("a", .text(mark))]])
        default: return .text(mark)
        }
    }
}
