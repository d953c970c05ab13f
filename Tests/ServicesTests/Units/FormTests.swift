import Domain
import Testing

@testable import Services

@Suite("Forms of texts")
struct FormTests {
    @Test("e-mail addresses")
    func emails() {
        for good in ["a@b.de", "first.last+tag@mail.example.com", "o'neil@example.com", "x@localhost"] {
            #expect(TextForms.isEmail(good), "\(good)")
        }
        for bad in [
            "", "a", "@b.de", "a@", "a@b", "a@@b.de", "a b@c.de", "a@b.de\n", "<a@b.de>", "a@-b.de", "a@b..de", "a@.de",
            "a\u{0}@b.de", "ü@b.de", "\(String(repeating: "a", count: 65))@b.de",
            "a@\(String(repeating: "b", count: 250)).de", "a,b@c.de", #""a"@b.de"#,
        ] { #expect(!TextForms.isEmail(bad), "\(bad)") }
    }

    @Test("telephone numbers, locales and idempotency keys")
    func others() {
        #expect(TextForms.isPhone("+4930123456"))
        for bad in ["", "+", "030123456", "+0301234567", "+49 30 123", "+1234567890123456", "+49a301234"] {
            #expect(!TextForms.isPhone(bad), "\(bad)")
        }
        for good in ["en", "de-AT", "zh-Hant-TW", "es-419"] { #expect(TextForms.isLocale(good), "\(good)") }
        for bad in ["", "e", "en_US", "1n", "en-", "-en", "en-toolonglong", "de\n"] {
            #expect(!TextForms.isLocale(bad), "\(bad)")
        }
        #expect(TextForms.isIdempotencyKey("a/b:c-1"))
        #expect(TextForms.isIdempotencyKey(String(repeating: "k", count: 200)))
        for bad in ["", " ", "a b", "ä", "a\u{0}", String(repeating: "k", count: 201)] {
            #expect(!TextForms.isIdempotencyKey(bad), "\(bad)")
        }
    }

    @Test("portal addresses")
    func portals() {
        for good in [
            "https://portal.example.com", "https://example.com:8443/a/b", "http://localhost:3000", "http://127.0.0.1",
        ] { #expect(TextForms.isPortalURL(good), "\(good)") }
        for bad in [
            "", "portal.example.com", "ftp://a.de", "http://portal.example.com", "https://", "https://a@b.de",
            "https://a.de?x=1", "https://a.de/#x", "https://a.de/<", "https://a.de:0", "https://a.de:99999",
            "https://a .de", "https://a.de/\n", "javascript:alert(1)", "https://a.de:80:80", "https://-a.de",
        ] { #expect(!TextForms.isPortalURL(bad), "\(bad)") }
    }

    @Test("zones are those of the machine, and names stay below its folder")
    func zones() {
        let zones = ZoneNames()
        for good in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1"] {
            #expect(zones.contains(good), "\(good)")
        }
        for bad in [
            "", "Europe/Atlantis", "Europe", "../../etc/passwd", "/etc/passwd", "Europe/../UTC", "Europe/Berlin\u{0}",
            "tzdata.zi", String(repeating: "a", count: 100),
        ] { #expect(!zones.contains(bad), "\(bad)") }
        // The second time it is remembered.
        #expect(zones.contains("Europe/Berlin"))
    }

    @Test("mail relays")
    func relays() {
        for good in ["mail.example.com", "8.8.8.8", "2a00:1450::1"] {
            #expect(RelayHost.problem(good, allowsPrivate: false) == nil, "\(good)")
        }
        for bad in [
            "localhost", "a.localhost", "db.internal", "printer", "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1",
            "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.51.100.7", "::1", "::",
            "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::1",
        ] {
            #expect(RelayHost.problem(bad, allowsPrivate: false) != nil, "\(bad)")
            let isNameOrAddress = RelayHost.problem(bad, allowsPrivate: true) == nil
            #expect(isNameOrAddress, "\(bad)")
        }
        // Notations that parsers read differently are neither.
        for bad in [
            "", "010.0.0.1", "0x7f.0.0.1", "2130706433", "1.2.3", "1.2.3.4.5", "a_b.de", "a..b", "a b.de", "::g",
        ] {
            #expect(RelayHost.problem(bad, allowsPrivate: true) != nil, "\(bad)")
        }
        #expect(RelayHost.isLoopback("127.8.9.1"))
        #expect(!RelayHost.isLoopback("10.0.0.1"))
    }

    @Test("masked addresses")
    func masks() {
        #expect(MaskedAddress.of("ann@example.com", on: .email) == "a…@example.com")
        #expect(MaskedAddress.of("@example.com", on: .email) == "…")
        #expect(MaskedAddress.of("nothing", on: .email) == "…")
        #expect(MaskedAddress.of("+4930123456", on: .sms) == "+49…56")
        #expect(MaskedAddress.of("token", on: .push) == "…")
    }
}
