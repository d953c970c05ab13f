import Testing

@testable import Channels

@Suite("E-mail addresses")
struct EmailAddressTests {
    @Test(
        "are taken",
        arguments: [
            "ann@example.org", "a@b", "first.last+tag@sub.example.co", "o'neil@example.org",
            "x_y=z@xn--bcher-kva.example",
            "!#$%&'*+-/=?^_`{|}~@example.org", String(repeating: "a", count: 64) + "@example.org", "1@2.example",
        ])
    func good(text: String) {
        #expect(EmailAddress(text)?.text == text)
    }

    @Test(
        "are refused",
        arguments: [
            "", "ann", "@example.org", "ann@", "a@b@c", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b c", "a@-b", "a@b-",
            "a@b..c",
            "a@.b", "a@b.", "a@b_c", "\"a b\"@c", "a@[127.0.0.1]", "a(comment)@b", "<a@b>", "a@b>", "ä@b",
            "a@ä.example",
            "a@b,c@d", "a@b;c", "a@b\r\nBcc: x@y", "a@b\n", "\0a@b", "a@b\u{7F}", "a\u{301}@b",
            String(repeating: "a", count: 65) + "@b", "a@" + String(repeating: "b", count: 64),
            "a@" + String(repeating: "b.", count: 127) + "b",
        ])
    func bad(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test("know their domain and keep themselves out of descriptions")
    func descriptions() throws {
        let address = try #require(EmailAddress("ann@Example.ORG"))
        #expect(address.domain == "example.org")
        let mailbox = Mailbox(address, name: "Ann Ames")
        for text in ["\(address)", String(reflecting: address), "\(mailbox)", String(reflecting: mailbox)] {
            #expect(!text.contains("ann@") && !text.contains("Ames"))
        }
    }

    @Test(
        "stand in mailboxes",
        arguments: [
            ("ann@example.org", "", "ann@example.org"),
            ("  ann@example.org\t", "", "ann@example.org"),
            ("Ann Ames <ann@example.org>", "Ann Ames", "ann@example.org"),
            ("Ann Ames<ann@example.org>", "Ann Ames", "ann@example.org"),
            ("<ann@example.org>", "", "ann@example.org"),
            (#""Ames, Ann \"A\" \\" <ann@example.org>"#, #"Ames, Ann "A" \"#, "ann@example.org"),
            (#""x@y.example" <ann@example.org>"#, "x@y.example", "ann@example.org"),
            ("Grüße <ann@example.org>", "Grüße", "ann@example.org"),
        ])
    func mailboxes(text: String, name: String, address: String) throws {
        let mailbox = try #require(Mailbox(parsing: text))
        #expect(mailbox.name == name && mailbox.address.text == address)
    }

    @Test(
        "are one in a mailbox",
        arguments: [
            "", "Ann", "a@b, c@d", "Ann <a@b>, Bob <c@d>", "Team: a@b;", "Ann <a@b> (comment)", "(comment) a@b",
            "a@b <c@d>", "Ann <a@b", "Ann a@b>", "<<a@b>>", "Ann <@relay:a@b>", "\"Ann <a@b>", "\"Ann\" x <a@b>",
            "\"Ann\\\" <a@b>", "Ann <a@b> <c@d>", "Ann <a@b>\r\nBcc: c@d", "a@b\r\n",
        ])
    func notMailboxes(text: String) {
        #expect(Mailbox(parsing: text) == nil)
    }

    @Test("cannot look like others by turning text around")
    func direction() throws {
        let address = try #require(EmailAddress("ann@example.org"))
        #expect(Mailbox(address, name: "Ann\u{202E}gro.elpmaxe\u{2066}\u{200F}").name == "Anngro.elpmaxe")
    }
}
