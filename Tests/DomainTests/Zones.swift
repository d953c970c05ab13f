@testable import Domain

/// Zone rules around the instants that the tests use, as the IANA database has them.
enum Zones {
    static let berlin = ZoneRules(
        name: "Europe/Berlin", firstOffset: 3_600,
        changes: [
            .init(at: utc(2026, 10, 25, 1), offset: 3_600), .init(at: utc(2026, 3, 29, 1), offset: 7_200),
            .init(at: utc(2027, 3, 28, 1), offset: 7_200),
        ])
    static let newYork = ZoneRules(
        name: "America/New_York", firstOffset: -18_000,
        changes: [
            .init(at: utc(2026, 3, 8, 7), offset: -14_400), .init(at: utc(2026, 11, 1, 6), offset: -18_000),
        ])
    static let tokyo = ZoneRules(name: "Asia/Tokyo", firstOffset: 32_400)
    /// Half an hour of summer time.
    static let lordHowe = ZoneRules(
        name: "Australia/Lord_Howe", firstOffset: 39_600,
        changes: [
            .init(at: utc(2026, 4, 4, 15), offset: 37_800), .init(at: utc(2026, 10, 3, 15, 30), offset: 39_600),
        ])
    /// A quarter of an hour off.
    static let kathmandu = ZoneRules(name: "Asia/Kathmandu", firstOffset: 20_700)
    /// Changed its clocks at midnight.
    static let saoPaulo = ZoneRules(
        name: "America/Sao_Paulo", firstOffset: -10_800,
        changes: [
            .init(at: utc(2018, 11, 4, 3), offset: -7_200), .init(at: utc(2019, 2, 17, 2), offset: -10_800),
        ])
    /// Skipped the whole of 30 December 2011.
    static let apia = ZoneRules(
        name: "Pacific/Apia", firstOffset: -36_000, changes: [.init(at: utc(2011, 12, 30, 10), offset: 50_400)])

    static func utc(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0, _ second: Int = 0) -> Instant
    {
        ZoneRules.utc.instant(of: local(year, month, day, hour, minute, second))
    }

    static func local(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0, _ second: Int = 0
    ) -> LocalTime {
        let date = CivilDate(year: year, month: month, day: day) ?? CivilDate(daysSinceEpoch: 0)
        return LocalTime(date: date, secondOfDay: hour * 3_600 + minute * 60 + second)
    }
}
