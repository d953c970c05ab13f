import CarillonAPI
import CarillonGRPC
import Domain
import SwiftProtobuf
import Testing

@testable import Services

/// When and how often people want to hear of something, and what accounts choose for their people.
@Suite("Personal settings", .timeLimit(.minutes(5)))
struct PersonalSettingsServiceTests {
    private static func update(
        _ tenant: TestTenant, _ user: String = "bob", mask: [String]? = nil, etag: String = "",
        _ change: (inout Carillon_V1_PersonalSettings) -> Void
    ) async throws -> Carillon_V1_UpdatePreferencesResponse {
        var request = Carillon_V1_UpdatePreferencesRequest()
        (request.userID, request.etag) = (user, etag)
        change(&request.settings)
        if let mask { request.settingsMask = .with { $0.paths = mask } }
        return try await tenant.preferences.updatePreferences(request)
    }

    private static func window(_ start: Int32, _ end: Int32, _ days: Carillon_V1_Weekday...) -> Carillon_V1_TimeWindow {
        var window = Carillon_V1_TimeWindow()
        (window.days, window.startMinute, window.endMinute) = (days, start, end)
        return window
    }

    private static func get(_ tenant: TestTenant, _ user: String) async throws -> Carillon_V1_GetPreferencesResponse {
        var request = Carillon_V1_GetPreferencesRequest()
        request.userID = user
        return try await tenant.preferences.getPreferences(request)
    }

    private static func mail(_ tenant: TestTenant, _ user: String, _ type: String) async throws -> String {
        let verdict = try await verdict(tenant, user, type)
        return "\(verdict.verdict) \(verdict.reason)"
    }

    private static func verdict(
        _ tenant: TestTenant, _ user: String, _ type: String
    ) async throws -> Carillon_V1_ChannelVerdict {
        var request = Carillon_V1_CheckPreferenceRequest()
        (request.userID, request.notificationType, request.channel) = (user, type, .email)
        return try await tenant.preferences.checkPreference(request).channels[0]
    }

    @Test("settings are stored, told, and left alone by changes of others")
    func storing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let end = Google_Protobuf_Timestamp(seconds: house.clock.now.seconds + 3_600)
            let night = Self.window(1_320, 420, .monday, .friday)
            let first = try await Self.update(tenant) {
                $0.timeZone = "Europe/Berlin"
                $0.locale = "de"
                $0.quietHours = [night]
                $0.digestMinute = 0
                $0.digestDay = .wednesday
                $0.snoozeEndTime = end
            }
            #expect(first.settings.quietHours == [night])
            let told = try await Self.get(tenant, "bob")
            #expect(told.settings == first.settings && told.etag == first.etag)
            #expect(told.settings.hasDigestMinute && told.settings.digestMinute == 0)
            #expect(told.settings.digestDay == .wednesday && told.settings.snoozeEndTime == end)
            // What is not sent stays; what a mask names and is not sent goes.
            let second = try await Self.update(tenant, etag: first.etag) { $0.locale = "en" }
            #expect(second.settings.locale == "en" && second.settings.timeZone == "Europe/Berlin")
            let third = try await Self.update(tenant, mask: ["quiet_hours", "snooze_end_time", "digest_minute"]) { _ in
            }
            #expect(third.settings.quietHours.isEmpty && !third.settings.hasSnoozeEndTime)
            #expect(!third.settings.hasDigestMinute && third.settings.digestDay == .wednesday)
            try await failure(.aborted) { try await Self.update(tenant, etag: first.etag) { $0.locale = "fr" } }
            // A portal user has no other's.
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.userID = "bob"
            request.settings.locale = "nl"
            let ann = PreferenceServiceClient(try tenant.portalClient("ann"))
            try await failure(.permissionDenied) { try await ann.updatePreferences(request) }
            let bob = PreferenceServiceClient(try tenant.portalClient("bob"))
            #expect(try await bob.updatePreferences(request).settings.locale == "nl")
        }
    }

    @Test("what cannot be is refused with its places")
    func refusals() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let fields = [
                "settings.time_zone", "settings.locale", "settings.quiet_hours[0]", "settings.quiet_hours[1].days",
                "settings.quiet_hours[1].days", "settings.digest_minute", "settings.digest_day",
                "settings.snooze_end_time",
            ]
            try await failure(.invalidArgument, fields: fields) {
                try await Self.update(tenant) {
                    $0.timeZone = "Mars/Olympus"
                    $0.locale = "!"
                    $0.quietHours = [
                        Self.window(60, 60), Self.window(0, 60, .monday, .monday, .UNRECOGNIZED(9)),
                    ]
                    $0.digestMinute = 1_440
                    $0.digestDay = .UNRECOGNIZED(9)
                    $0.snoozeEndTime.seconds = house.clock.now.seconds + 367 * 86_400
                }
            }
            try await failure(.invalidArgument, fields: ["settings_mask"]) {
                try await Self.update(tenant, mask: ["email"]) { _ in }
            }
            try await failure(.invalidArgument, fields: ["choices"]) { try await Self.update(tenant) { _ in } }
        }
    }

    @Test("windows that leave no time are refused, those that are stored counted in")
    func noTime() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await failure(.invalidArgument, fields: ["settings.quiet_hours"]) {
                try await Self.update(tenant) { $0.quietHours = [Self.window(0, 1_440)] }
            }
            _ = try await Self.update(tenant) { $0.quietHours = [Self.window(0, 720)] }
            try await failure(.invalidArgument, fields: ["settings.send_windows"]) {
                try await Self.update(tenant) { $0.sendWindows = [Self.window(60, 120)] }
            }
            let told = try await Self.update(tenant) { $0.sendWindows = [Self.window(60, 721)] }
            #expect(
                told.settings.sendWindows == [
                    Self.window(60, 721, .monday, .tuesday, .wednesday, .thursday, .friday, .saturday, .sunday)
                ])
        }
    }

    @Test("checks obey quiet hours, snoozes and cadences at once")
    func obedience() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            #expect(try await Self.mail(tenant, "bob", "invoice.created") == "deliver subscribed_by_default")
            let minute = Int32((house.clock.now.seconds % 86_400) / 60)
            _ = try await Self.update(tenant) { $0.quietHours = [Self.window(minute, (minute + 60) % 1_440)] }
            #expect(try await Self.mail(tenant, "bob", "invoice.created") == "defer quiet_hours")
            _ = try await Self.update(tenant, mask: ["quiet_hours"]) { _ in }
            _ = try await Self.update(tenant) { $0.snoozeEndTime.seconds = house.clock.now.seconds + 86_400 }
            #expect(try await Self.mail(tenant, "bob", "invoice.created") == "defer snoozed")
            let later = try await Self.verdict(tenant, "bob", "invoice.created")
            #expect(later.deliverTime.seconds == house.clock.now.seconds + 86_400)
            // What is mandatory comes, now.
            _ = try await Self.update(tenant, "ann") { $0.snoozeEndTime.seconds = house.clock.now.seconds + 86_400 }
            #expect(try await Self.mail(tenant, "ann", "invoice.created") == "deliver mandatory_default_user")
            #expect(try await !Self.verdict(tenant, "ann", "invoice.created").hasDeliverTime)
        }
    }

    private static let digestible = Catalog.builtIn.types.first {
        $0.isDigestible && $0.audiences[.customer]?.setting == Setting(.subscribed) && $0.channels.contains(.email)
            && $0.priority != .critical
    }

    @Test("a cadence holds for a type, its category or everything, and is told with where it comes from")
    func cadences() async throws {
        let type = try #require(Self.digestible)
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            func choose(
                _ cadence: Carillon_V1_Cadence, _ change: (inout Carillon_V1_PreferenceChoice) -> Void
            ) async throws {
                var request = Carillon_V1_UpdatePreferencesRequest()
                request.userID = "bob"
                var choice = Carillon_V1_PreferenceChoice()
                choice.cadence = cadence
                change(&choice)
                request.choices = [choice]
                _ = try await tenant.preferences.updatePreferences(request)
            }
            func told() async throws -> String {
                let row = try #require(
                    try await Self.get(tenant, "bob").preferences.first { $0.notificationType == type.key.rawValue })
                return "\(row.cadence) \(row.cadenceSource) \(row.digestible)"
            }
            #expect(try await told() == "immediately setting true")
            try await choose(.weekly) { $0.all = true }
            #expect(try await told() == "weekly userAll true")
            #expect(try await Self.mail(tenant, "bob", type.key.rawValue) == "digest digested")
            #expect(try await Self.verdict(tenant, "bob", type.key.rawValue).hasDeliverTime)
            try await choose(.daily) { $0.category = type.category.rawValue }
            #expect(try await told() == "daily userCategory true")
            try await choose(.immediately) { $0.notificationType = type.key.rawValue }
            #expect(try await told() == "immediately userType true")
            #expect(try await Self.mail(tenant, "bob", type.key.rawValue) == "deliver subscribed_by_default")
            try await choose(.clear) { $0.notificationType = type.key.rawValue }
            #expect(try await told() == "daily userCategory true")
            try await failure(.invalidArgument, fields: ["choices[0].cadence"]) {
                try await choose(.daily) { ($0.all, $0.channel) = (true, .email) }
            }
            // One choice says both.
            try await choose(.weekly) { ($0.notificationType, $0.choice) = (type.key.rawValue, .off) }
            let choices = try await Self.get(tenant, "bob").choices
            #expect(
                choices.contains {
                    $0.notificationType == type.key.rawValue && $0.choice == .off && $0.cadence == .weekly
                })
        }
    }

    @Test("accounts choose for those who choose nothing, and who administers them may do so")
    func defaults() async throws {
        let type = try #require(Self.digestible)
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await tenant.user("ada", of: "acme", admin: true)
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.accountID = "acme"
            var choice = Carillon_V1_PreferenceChoice()
            (choice.notificationType, choice.choice, choice.cadence) = (type.key.rawValue, .off, .daily)
            request.choices = [choice]
            let asked = request
            // Neither members nor administrators of others.
            try await tenant.user("eve", of: "other", admin: true)
            var refusals: Set<Status> = []
            for user in ["bob", "eve"] {
                let client = PreferenceServiceClient(try tenant.portalClient(user))
                refusals.insert(
                    try await failure(.permissionDenied, "CREDENTIAL_NOT_ALLOWED") {
                        try await client.updatePreferences(asked)
                    })
            }
            #expect(refusals.count == 1)
            #expect(try await Self.mail(tenant, "bob", type.key.rawValue) == "deliver subscribed_by_default")
            let ada = PreferenceServiceClient(try tenant.portalClient("ada"))
            let answer = try await ada.updatePreferences(asked)
            #expect(
                answer.choices.count == 1 && answer.choices[0].choice == .off && answer.choices[0].cadence == .daily)
            #expect(try await Self.mail(tenant, "bob", type.key.rawValue) == "suppress unsubscribed_by_account")
            let row = try #require(
                try await Self.get(tenant, "bob").preferences.first { $0.notificationType == type.key.rawValue })
            #expect(row.channels.allSatisfy { !$0.subscribed && $0.source == .account && !$0.locked })
            #expect(row.cadence == .daily && row.cadenceSource == .account)
            // Somebody's own word counts.
            _ = try await tenant.choose(.on, "bob", type.key.rawValue)
            #expect(try await Self.mail(tenant, "bob", type.key.rawValue) == "digest digested")
            var get = Carillon_V1_GetPreferencesRequest()
            get.accountID = "acme"
            let told = try await ada.getPreferences(get)
            #expect(told.choices == answer.choices && told.etag == answer.etag)
            request.etag = "1"
            let stale = request
            try await failure(.aborted) { try await tenant.preferences.updatePreferences(stale) }
            (request.accountID, request.etag) = ("nobody", "")
            let unknown = request
            try await failure(.notFound, "ACCOUNT_NOT_FOUND") {
                try await tenant.preferences.updatePreferences(unknown)
            }
            request.userID = "bob"
            request.settings.locale = "de"
            let both = request
            try await failure(.invalidArgument, fields: ["account_id", "settings"]) {
                try await tenant.preferences.updatePreferences(both)
            }
        }
    }

    @Test("types that are for others are not on the page")
    func others() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await tenant.user("ada", of: "acme", admin: true)
            let forAdmins = Set(
                Catalog.builtIn.types.filter { $0.audiences[.customer]?.scope == .accountAdmins }.map(\.key.rawValue))
            #expect(!forAdmins.isEmpty)
            let seen = try await Self.get(tenant, "bob").preferences.map(\.notificationType)
            #expect(!seen.isEmpty && forAdmins.isDisjoint(with: seen))
            #expect(!forAdmins.isDisjoint(with: try await Self.get(tenant, "ada").preferences.map(\.notificationType)))
        }
    }
}
