import Domain
import Rendering
import Testing

@Suite("The mail of an invoice")
struct InvoiceMailTests {
    @Test("reads as it was agreed")
    func snapshot() throws {
        let mail = try Renderer().email(try request("invoice.created", invoice, reason: .mandatoryForDefaultUser))
        #expect(mail.subject == "New invoice INV-1001, due 2026-12-01")
        #expect(mail.link == "https://portal.northwind.example/invoices/inv%2F81")
        #expect(mail.text == InvoiceSnapshot.text)
        #expect(mail.html == InvoiceSnapshot.html)
    }

    @Test("shows no amount, in no form, and says so")
    func amounts() throws {
        let mail = try Renderer().email(try request("invoice.created", invoice))
        for part in [mail.subject, mail.text, mail.html] {
            for amount in ["1,234", "1234", "123450", "987", "98765", "EUR", "Invoice total", "Amount due"] {
                #expect(!part.contains(amount), "\(amount)")
            }
        }
        #expect(mail.text.contains("amounts and comments are not shown"))
        #expect(mail.html.contains("amounts and comments are not shown"))
    }

    @Test("shows them if the supplier allows it")
    func allowed() throws {
        var request = try request("invoice.created", invoice)
        request.settings.allowedOutsidePortal = [.financial]
        let mail = try Renderer().email(request)
        #expect(mail.text.contains("Invoice total: 1,234.50 EUR\nAmount due: 987.65 EUR\n"))
        #expect(mail.html.contains("1,234.50 EUR"))
        #expect(!mail.text.contains("not shown in this e-mail"))
    }

    @Test("says why it came, and for what is mandatory why it cannot be turned off", arguments: Reason.allCases)
    func reasons(reason: Reason) throws {
        let mail = try Renderer().email(try request("invoice.created", invoice, reason: reason))
        #expect(mail.text.contains("cannot be turned off") == reason.isMandatory)
        #expect(mail.html.contains("cannot be turned off") == reason.isMandatory)
        #expect(mail.text.contains("Change what you get: ") == !reason.isMandatory)
        for part in [mail.text, mail.html] {
            #expect(part.contains("https://portal.northwind.example/settings/notifications"))
            #expect(part.contains("“New invoice”"))
        }
    }

    @Test("leads the supplier's own people to their own page, and tells them whose invoice it is")
    func supplierSide() throws {
        let mail = try Renderer().email(try request("invoice.created", invoice, audience: .internalTeam))
        #expect(mail.link == "https://portal.northwind.example/admin/invoices/inv%2F81")
        #expect(mail.text.contains("Customer: Blue Harbor Café"))
    }

    @Test("greets nobody by name whose name is not known")
    func nameless() throws {
        var request = try request("invoice.created", invoice)
        request.recipientName = " \n"
        #expect(try Renderer().email(request).text.hasPrefix("Hello,\n"))
    }

    @Test("wears the supplier's colours, with text that can be read on them")
    func branding() throws {
        var request = try request("invoice.created", invoice)
        for (accent, shown, text) in [
            ("#FFCC00", "#FFCC00", "#000000"), ("#003300", "#003300", "#FFFFFF"), ("red", "#1F4E79", "#FFFFFF"),
            ("#12345", "#1F4E79", "#FFFFFF"), ("#123456;x:y", "#1F4E79", "#FFFFFF"), ("#１２３４５６", "#1F4E79", "#FFFFFF"),
        ] {
            request.branding.accent = accent
            let html = try Renderer().email(request).html
            #expect(html.contains("background:\(shown);"), "\(accent)")
            #expect(html.contains("text-decoration:none;color:\(text);"), "\(accent)")
        }
        request.branding.logoURL = "https://cdn.northwind.example/logo.png"
        #expect(try Renderer().email(request).html.contains(#"<img src="https://cdn.northwind.example/logo.png""#))
        for unsafe in ["http://localhost/x.png", "javascript:alert(1)", "https://x\" onerror=\"y"] {
            request.branding.logoURL = unsafe
            #expect(try !Renderer().email(request).html.contains("<img"), "\(unsafe)")
        }
    }

    @Test("is the same every time")
    func repeats() throws {
        let request = try request("invoice.created", invoice)
        #expect(try Renderer().email(request) == Renderer().email(request))
    }
}
