import Testing

@testable import Domain

@Suite struct ContextTests {
    private static let variables = [
        Variable(name: "an_id", type: .id), Variable(name: "a_string", type: .string),
        Variable(name: "a_text", type: .text, sensitivity: .content), Variable(name: "an_integer", type: .integer),
        Variable(name: "a_decimal", type: .decimal), Variable(name: "an_amount", type: .money, sensitivity: .financial),
        Variable(name: "a_date", type: .date), Variable(name: "a_time", type: .dateTime),
        Variable(name: "an_email", type: .email, sensitivity: .pii), Variable(name: "a_phone", type: .phone),
        Variable(name: "a_url", type: .url, sensitivity: .secret), Variable(name: "a_flag", type: .boolean),
        Variable(name: "a_code", type: .enumeration), Variable(name: "texts", type: .textList),
        Variable(name: "objects", type: .objectList),
    ]

    private static let good: [String: ContextValue] = [
        "an_id": .text("INV-1"), "a_string": .text("Größe"), "a_text": .text("two\nlines\tand more"),
        "an_integer": .integer(-3), "a_decimal": .decimal(Decimal(unscaled: 1250, scale: 2) ?? Decimal("0")!),
        "an_amount": .money(Money(minorUnits: 123_450, currency: "EUR")),
        "a_date": .date(CivilDate(daysSinceEpoch: 20_000)), "a_time": .dateTime(Instant(seconds: 1_790_000_000)),
        "an_email": .text("anna@example.com"), "a_phone": .text("+493012345678"),
        "a_url": .url("https://portal.example/r?t=1"), "a_flag": .boolean(true), "a_code": .text("over_due"),
        "texts": .textList(["a", "b"]),
        "objects": .objectList([[ContextEntry("title", .text("a")), ContextEntry("count", .integer(1))]]),
    ]

    private let type: NotificationType

    init() throws {
        type = try Sample.type(
            channels: [.email, .sms, .inApp], variables: Self.variables,
            subject: "{a_string} of {recipient_name}: {an_amount}", customerLink: "/things/{an_id}/{a_code}",
            dedupeKey: "test.happened:{an_id}:{source_event_id}:{recipient_id}:{window_start}:{step}")
    }

    private func entries(_ changes: [String: ContextValue] = [:], without: String? = nil) -> [ContextEntry] {
        var values = Self.good.merging(changes) { _, new in new }
        if let without { values[without] = nil }
        return values.sorted { $0.key < $1.key }.map { ContextEntry($0.key, $0.value) }
    }

    private func violations(_ entries: [ContextEntry]) -> [ContextViolation] {
        do {
            _ = try Context(entries, for: type)
            return []
        } catch {
            return error.violations
        }
    }

    @Test func goodContextIsTaken() throws {
        let context = try Context(entries(), for: type)
        #expect(context.values == Self.good)
    }

    @Test(arguments: variables.map(\.name))
    func missingVariableIsNamed(_ name: String) {
        let violations = violations(entries(without: name))
        #expect(violations.map(\.field) == [name])
        #expect(violations.map(\.problem) == [.missing])
        #expect(violations.allSatisfy { $0.message.hasPrefix("is missing; send ") })
    }

    @Test func everythingWrongIsSaidAtOnce() {
        let violations = violations([ContextEntry("other", .boolean(true))])
        #expect(violations.count == Self.variables.count + 1)
        #expect(violations.last?.field == "other")
        #expect(violations.last?.problem == .unknown)
    }

    @Test(arguments: variables.map(\.name), Array(good.keys.sorted()))
    func wrongTypeIsNamed(_ name: String, _ other: String) throws {
        let value = try #require(Self.good[other])
        let own = try #require(Self.good[name])
        let violations = violations(entries([name: value]))
        switch (own, value) {
        case (.text, .text), (.integer, .integer), (.decimal, .decimal), (.money, .money), (.date, .date),
            (.dateTime, .dateTime), (.url, .url), (.boolean, .boolean), (.textList, .textList),
            (.objectList, .objectList):
            // Text for text: only its form may be wrong.
            #expect(violations.allSatisfy { $0.problem != .wrongType })
        default:
            #expect(violations.map(\.problem) == [.wrongType])
            #expect(violations.map(\.field) == [name])
        }
    }

    @Test(
        arguments: [
            ("an_id", .text(""), .empty), ("an_id", .text(".."), .malformed),
            ("an_id", .text("a\0b"), .controlCharacter),
            ("an_id", .text(String(repeating: "x", count: 201)), .tooLong), ("a_string", .text(""), .empty),
            ("a_string", .text("a\r\nBcc: x"), .controlCharacter), ("a_string", .text("a\u{85}"), .controlCharacter),
            ("a_string", .text("a\u{2028}b"), .controlCharacter), ("a_string", .text("a\u{7f}"), .controlCharacter),
            ("a_string", .text(String(repeating: "ü", count: 501)), .tooLong),
            ("a_text", .text("a\0"), .controlCharacter),
            ("a_text", .text("a\u{1b}[2J"), .controlCharacter),
            ("a_text", .text(String(repeating: "x", count: 10_001)), .tooLong),
            ("an_amount", .money(Money(minorUnits: 1, currency: "EURO")), .unknownCurrency),
            ("an_amount", .money(Money(minorUnits: 1, currency: "eur")), .unknownCurrency),
            ("an_amount", .money(Money(minorUnits: 1, currency: "")), .unknownCurrency),
            ("an_amount", .money(Money(minorUnits: .min, currency: "EUR")), .outOfRange),
            ("a_time", .dateTime(Instant(microseconds: -1)), .outOfRange),
            ("a_time", .dateTime(Instant(microseconds: .max)), .outOfRange), ("an_email", .text("anna"), .malformed),
            ("an_email", .text("a@b@c.de"), .malformed), ("an_email", .text("a b@c.de"), .malformed),
            ("an_email", .text("Anna <a@c.de>"), .malformed), ("an_email", .text("a@.de"), .malformed),
            ("a_phone", .text("030 123"), .malformed), ("a_phone", .text("+49"), .malformed),
            ("a_phone", .text("+49 30 1234567"), .malformed), ("a_url", .url("http://x.example/"), .malformed),
            ("a_url", .url("javascript:alert(1)"), .malformed), ("a_url", .url("https:///x"), .malformed),
            ("a_url", .url("https://x.example/\"onload"), .malformed),
            ("a_url", .url("https://x.example/a b"), .malformed),
            ("a_code", .text("Past due!"), .malformed), ("texts", .textList(["a", ""]), .empty),
            ("texts", .textList(Array(repeating: "a", count: 201)), .tooMany),
            ("objects", .objectList(Array(repeating: [], count: 201)), .tooMany),
            (
                "objects",
                .objectList([Array(repeating: 0, count: 21).indices.map { ContextEntry("f\($0)", .boolean(true)) }]),
                .tooMany
            ),
            ("objects", .objectList([[ContextEntry("Bad", .boolean(true))]]), .malformed),
            ("objects", .objectList([[ContextEntry("a", .textList([]))]]), .wrongType),
            (
                "objects", .objectList([[ContextEntry("a", .boolean(true)), ContextEntry("a", .boolean(true))]]),
                .repeated
            ),
            ("objects", .objectList([[ContextEntry("a", .text("\0"))]]), .controlCharacter),
        ] as [(String, ContextValue, ContextViolation.Problem)])
    func wrongValueIsNamed(_ name: String, _ value: ContextValue, _ problem: ContextViolation.Problem) {
        let violations = violations(entries([name: value]))
        #expect(violations.contains { $0.problem == problem }, "\(violations)")
        #expect(violations.allSatisfy { $0.field.hasPrefix(name) })
    }

    @Test func placesInListsAreNamed() {
        let changes: [String: ContextValue] = [
            "texts": .textList(["a", "b\0"]), "objects": .objectList([[], [ContextEntry("note", .text("\0"))]]),
        ]
        #expect(violations(entries(changes)).map(\.field) == ["texts[1]", "objects[1].note"])
    }

    @Test func strangersAreRefused() {
        let extra = [
            ContextEntry("recipient_name", .text("x")), ContextEntry("No Name\0", .text("x")),
            ContextEntry("an_id", .text("INV-2")),
        ]
        #expect(violations(entries() + extra).map(\.problem) == [.repeated, .reserved, .malformed])
        let many = (0..<5_000).map { ContextEntry("v\($0)", .boolean(true)) }
        #expect(violations(entries() + many).count == 20)
    }

    @Test func messagesHoldNoValues() {
        let violations = violations(entries(["a_string": .text("hush\0"), "an_email": .text("hush")]))
        #expect(violations.count == 2)
        #expect(violations.allSatisfy { !$0.description.contains("hush") })
    }

    // MARK: What may be shown where

    @Test func masking() {
        var settings = TenantSettings()
        func shows(_ sensitivity: Sensitivity, _ channel: Channel) -> Bool {
            Masking.mayShow(sensitivity, on: channel, of: type, settings: settings)
        }
        for channel in Channel.allCases {
            #expect(shows(.ordinary, channel))
            #expect(shows(.pii, channel))
            #expect(shows(.financial, channel) == (channel == .inApp))
            #expect(shows(.content, channel) == (channel == .inApp))
            // The type's own channels outside the portal, and no others.
            #expect(shows(.secret, channel) == (channel == .email || channel == .sms))
        }
        settings = TenantSettings(allowedOutsidePortal: [.financial, .secret])
        #expect(shows(.financial, .email))
        #expect(!shows(.content, .email))
        #expect(!shows(.secret, .inApp))
        #expect(!shows(.secret, .push))
    }

    @Test func hiddenValuesAreLeftOut() throws {
        let context = try Context(entries(), for: type)
        let mail = Masking.shown(context, on: .email, of: type, settings: TenantSettings())
        #expect(mail.hidden == ["a_text", "an_amount"])
        #expect(mail.context["an_amount"] == nil)
        #expect(mail.context["a_url"] != nil)
        let inbox = Masking.shown(context, on: .inApp, of: type, settings: TenantSettings())
        #expect(inbox.hidden == ["a_url"])
    }

    @Test func secretsArePartedForStorage() throws {
        let context = try Context(entries(), for: type)
        let (open, secret) = context.partedBySecrecy(for: type)
        #expect(Array(secret.values.keys) == ["a_url"])
        #expect(open["a_url"] == nil)
        #expect(open.merging(secret) == context)
    }

    // MARK: Expansion

    @Test func subjects() throws {
        let context = try Context(entries(["a_string": .text("  Größe  ")]), for: type)
        let implicit = ["recipient_name": "Anna\r\nBcc: all@example.com"]
        let settings = TenantSettings()
        #expect(
            type.subject(context, implicit: implicit, on: .email, settings: settings)
                == "Größe of Anna Bcc: all@example.com: (see portal)")
        #expect(
            type.subject(context, implicit: implicit, on: .inApp, settings: settings)
                == "Größe of Anna Bcc: all@example.com: 1,234.50 EUR")
        let long = try Context(entries(["a_string": .text(String(repeating: "ü", count: 300))]), for: type)
        let subject = type.subject(long, on: .email, settings: settings)
        #expect(subject.count == NotificationType.subjectLimit)
        #expect(subject.hasSuffix("ü…"))
        #expect(NotificationType.oneLine(String(repeating: "a", count: 10), limit: 10).count == 10)
    }

    @Test func linksKeepTheirShape() throws {
        let context = try Context(entries(["an_id": .text("../a?b#c%/ü ")]), for: type)
        #expect(type.link(context, for: .customer) == "/things/..%2Fa%3Fb%23c%25%2F%C3%BC%20/over_due")
        #expect(type.link(context, for: .internalTeam) == "/admin/things")
    }

    @Test func dedupeKeysDoNotRunTogether() throws {
        func key(_ id: String, _ event: String) throws -> String {
            type.dedupeKey(
                try Context(entries(["an_id": .text(id)]), for: type), sourceEvent: event, recipient: "anna",
                windowStart: Instant(seconds: 0), step: "day-3")
        }
        #expect(
            try key("INV 1", "e") == "test.happened:INV%201:e:anna:1970-01-01T00%3A00%3A00Z:day-3")
        #expect(try key("a:b", "c") != key("a", "b:c"))
    }

    @Test func everyBuiltInTypeExpands() throws {
        for type in Catalog.builtIn.types {
            let values = try type.variables.map { variable in
                let sample = try #require(Self.variables.first { $0.type == variable.type })
                return ContextEntry(variable.name, try #require(Self.good[sample.name]))
            }
            let context = try Context(values, for: type)
            let implicit = Dictionary(uniqueKeysWithValues: Variable.implicitNames.map { ($0, "x") })
            let subject = type.subject(context, implicit: implicit, on: .email, settings: TenantSettings())
            #expect(!subject.contains(Masking.mask) && !subject.contains("{"), "\(type.key): \(subject)")
            for audience in Audience.allCases where type.audiences[audience] != nil {
                let link = try #require(type.link(context, for: audience))
                #expect(link.hasPrefix("/") && !link.contains("{") && !link.contains("//"), "\(type.key): \(link)")
            }
            let key = type.dedupeKey(context, sourceEvent: "e", recipient: "u", windowStart: Sample.now, step: "s")
            #expect(key.hasPrefix(type.key.rawValue + ":") && !key.contains("::"), "\(type.key): \(key)")
        }
    }

    @Test(arguments: ["{", "}", "{}", "{a", "a}", "{{a}}", "{A}", "{a b}"])
    func brokenTemplatesAreRefused(_ text: String) { #expect(TextTemplate(text) == nil) }
}

@Suite struct MoneyTests {
    @Test(
        arguments: [
            (0, "EUR", "0.00 EUR"), (5, "EUR", "0.05 EUR"), (-5, "EUR", "-0.05 EUR"),
            (123_456_789, "USD", "1,234,567.89 USD"),
            (100_000, "EUR", "1,000.00 EUR"), (-12_345, "JPY", "-12,345 JPY"), (999, "JPY", "999 JPY"),
            (1_234_567, "KWD", "1,234.567 KWD"), (12_345, "CLF", "1.2345 CLF"), (7, "XXZ", "0.07 XXZ"),
            (Int64.min, "JPY", "-9,223,372,036,854,775,808 JPY"),
        ] as [(Int64, String, String)])
    func text(_ minorUnits: Int64, _ currency: String, _ text: String) {
        #expect(Money(minorUnits: minorUnits, currency: currency).text == text)
    }

    @Test func currencies() {
        #expect(Currency(code: "EUR")?.fractionDigits == 2)
        #expect(Currency(code: "JPY")?.fractionDigits == 0)
        #expect(Currency(code: "BHD")?.fractionDigits == 3)
        for code in ["", "EU", "eur", "XAU", "XTS", "EURO"] { #expect(Currency(code: code) == nil) }
    }

    @Test(arguments: ["0", "-12.50", "12.5", "0.001", "999999999999999999"])
    func decimalsRoundTrip(_ text: String) { #expect(Decimal(text)?.description == text) }

    @Test(arguments: ["", "-", ".5", "5.", "1e3", "1,5", "+1", "1.2.3", "9999999999999999999"])
    func otherDecimalsAreRefused(_ text: String) { #expect(Decimal(text) == nil) }

    @Test func textOfOtherValues() {
        #expect(ContextValue.dateTime(Zones.utc(2026, 3, 29, 1)).text == "2026-03-29 01:00 UTC")
        #expect(Zones.utc(2026, 3, 29, 1).text(in: Zones.berlin) == "2026-03-29 03:00 Europe/Berlin")
        #expect(ContextValue.boolean(false).text == "no")
        #expect(ContextValue.textList(["a", "b"]).text == "a, b")
        #expect(ContextValue.objectList([[], []]).text == "2")
    }
}
