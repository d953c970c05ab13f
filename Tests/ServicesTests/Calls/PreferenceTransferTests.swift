import CarillonAPI
import CarillonGRPC
import SwiftProtobuf
import Testing

@testable import Services

/// Choices of many users, in from another system and out.
@Suite("Import and export of preferences", .timeLimit(.minutes(5)))
struct PreferenceTransferTests {
    private typealias Row = Carillon_V1_ImportPreferencesRequest

    private static func row(_ number: Int, _ user: String, _ change: (inout Row) -> Void) -> Row {
        var row = Row()
        (row.number, row.userID) = (UInt64(number), user)
        change(&row)
        return row
    }

    private static func off(_ type: String) -> Carillon_V1_PreferenceChoice {
        var choice = Carillon_V1_PreferenceChoice()
        (choice.notificationType, choice.choice) = (type, .off)
        return choice
    }

    /// What became of the rows, by their numbers; nothing for those that were stored.
    private static func send(_ rows: [Row], _ tenant: TestTenant) async throws -> [UInt64: String] {
        let (requests, responses) = try await tenant.preferences.importPreferences()
        let reading = Task {
            var told: [UInt64: String] = [:]
            for try await response in responses {
                told[response.number] =
                    response.hasError ? ([response.error.reason] + response.error.fields).joined(separator: " ") : ""
            }
            return told
        }
        for row in rows { try await requests.send(row) }
        requests.finish()
        return try await reading.value
    }

    private static func export(
        _ tenant: TestTenant, after: String = ""
    ) async throws -> [Carillon_V1_ExportPreferencesResponse] {
        var request = Carillon_V1_ExportPreferencesRequest()
        request.afterUserID = after
        var rows: [Carillon_V1_ExportPreferencesResponse] = []
        for try await row in try await tenant.preferences.exportPreferences(request) { rows.append(row) }
        return rows
    }

    @Test("rows are stored or refused one by one, and obeyed at once")
    func importing() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var check = Carillon_V1_CheckPreferenceRequest()
            (check.userID, check.notificationType, check.channel) = ("bob", "invoice.created", .email)
            let asked = check
            let before = try await tenant.preferences.checkPreference(asked)
            #expect(before.channels[0].reason == "subscribed_by_default")
            let told = try await Self.send(
                [
                    Self.row(1, "bob") { $0.choices = [Self.off("invoice.created")] },
                    Self.row(2, "nobody") { $0.choices = [Self.off("invoice.created")] },
                    Self.row(3, "cid") { $0.choices = [Self.off("no.such")] },
                    Self.row(4, "cid") { $0.settings.timeZone = "Mars/Olympus" },
                    Self.row(5, "cid") { _ in },
                    Self.row(6, "a b") { $0.choices = [Self.off("invoice.created")] },
                    Self.row(7, "rita") { $0.settings.locale = "de" },
                ], tenant)
            #expect(
                told == [
                    1: "", 2: "USER_NOT_FOUND", 3: "FIELD_INVALID choices[0].notification_type",
                    4: "FIELD_INVALID settings.time_zone", 5: "FIELD_INVALID choices", 6: "FIELD_INVALID user_id",
                    7: "",
                ])
            #expect(try await tenant.preferences.checkPreference(asked).channels[0].reason == "opted_out")
        }
    }

    @Test("many rows come while checks go on, and what is exported can be imported again")
    func transfer() async throws {
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let (source, target) = (try await house.tenant(), try await house.tenant())
            let users = (0..<120).map { "user-\($0)" }
            for tenant in [source, target] {
                try await tenant.relay()
                try await tenant.account("acme")
                for user in users { try await tenant.user(user, of: "acme") }
            }
            let checking = Task {
                var batch = Carillon_V1_BatchCheckPreferencesRequest()
                batch.checks = users.prefix(60).map { user in
                    var check = Carillon_V1_CheckPreferenceRequest()
                    (check.userID, check.notificationType, check.channel) = (user, "invoice.created", .email)
                    return check
                }
                var seen: Set<String> = []
                while let results = try? await source.preferences.batchCheckPreferences(batch).results {
                    for result in results { seen.formUnion(result.response.channels.map(\.reason)) }
                }
                // It ends when it is cancelled.
                return seen
            }
            let rows = users.enumerated().map { number, user in
                Self.row(number, user) {
                    $0.choices = [Self.off("invoice.created"), Self.off("payment.failed")]
                    if number.isMultiple(of: 3) { $0.settings.digestMinute = Int32(number) }
                }
            }
            #expect(
                try await Self.send(rows, source)
                    == Dictionary(uniqueKeysWithValues: (0..<120).map { (UInt64($0), "") }))
            checking.cancel()
            #expect(
                await checking.value.isSubset(of: ["subscribed_by_default", "mandatory_stand_in", "opted_out"]))

            let exported = try await Self.export(source)
            #expect(exported.map(\.userID) == users.sorted())
            #expect(exported.allSatisfy { $0.choices.count == 2 })
            #expect(exported.filter(\.settings.hasDigestMinute).count == 40)
            let again = exported.enumerated().map { number, row in
                Self.row(number, row.userID) { ($0.choices, $0.settings) = (row.choices, row.settings) }
            }
            #expect(try await Self.send(again, target).values.allSatisfy(\.isEmpty))
            #expect(try await Self.export(target) == exported)
            // It can go on where it broke off.
            #expect(
                try await Self.export(target, after: users.sorted()[99]).map(\.userID) == Array(users.sorted()[100...])
            )
        }
    }
}
