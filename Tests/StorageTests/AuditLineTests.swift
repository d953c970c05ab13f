import Domain
import Postgres
import Testing

@testable import Storage

/// What a change leaves in a tenant's audit, and what leaves nothing.
@Suite struct AuditLineTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")

    private func lines(_ tenant: TenantStore) async throws -> [AuditEntry] {
        try await tenant.audit(size: 100).elements.reversed()
    }

    @Test func anAccountsLinesSayWhatWasAndWhatIs() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            var write = AccountWrite(
                id: Self.acme, displayName: "Acme", assignedUsers: [Self.ann], billingEmail: "money@acme.example")
            for _ in 0..<2 {
                _ = try await tenant.upsertAccount(write, stamp: fixture.stamp(), now: fixture.now)
            }
            write.billingEmail = "moritz@acme.example"
            write.displayName = "not asked for"
            _ = try await tenant.upsertAccount(
                write, fields: [.billingEmail], stamp: fixture.stamp(), now: fixture.now)
            _ = try await storageError { () async throws(StorageError) in
                try await tenant.upsertAccount(
                    AccountWrite(id: Self.acme), expectedRevision: 77, stamp: fixture.stamp(), now: fixture.now)
            }
            let lines = try await lines(tenant)
            #expect(lines.map(\.action) == ["account.create", "account.update"])
            #expect(lines.allSatisfy { $0.object == "account/ACME" && $0.actor == "key/test" })
            #expect(lines[0].before == nil)
            #expect(
                lines[0].after
                    == #"{"locale": null, "time_zone": null, "display_name": "Acme", "billing_email": "m***@acme.example", "#
                    + #""assigned_user_ids": ["ann"], "notifications_suppressed": false}"#)
            #expect(lines[1].before == lines[0].after)
            #expect(
                lines[1].after == lines[0].after, "both addresses look the same from afar, and still it was a change")
        }
    }

    @Test func aUsersLinesHoldNeitherNameNorAddress() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            _ = try await tenant.upsertAccount(
                AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            var write = UserWrite(
                id: Self.ann, account: Self.acme, displayName: "Ann Example",
                contactPoints: [
                    ContactPoint(channel: .sms, address: "+4915112345678"),
                    ContactPoint(channel: .email, address: "ann@acme.example"),
                    ContactPoint(channel: .push, address: "token-of-a-device"),
                    ContactPoint(channel: .email, address: "second@home.example"),
                ])
            for _ in 0..<2 { _ = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now) }
            // Another order between channels is no change; within one it is.
            write.contactPoints.swapAt(0, 1)
            _ = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now)
            #expect(try await lines(tenant).count == 2)
            write.contactPoints.swapAt(0, 3)
            write.isAdmin = true
            _ = try await tenant.upsertUser(
                write, fields: [.contactPoints], stamp: fixture.stamp(), now: fixture.now)
            write.contactPoints = []
            _ = try await tenant.upsertUser(write, stamp: fixture.stamp(), now: fixture.now)

            let lines = try await lines(tenant).filter { $0.object == "user/ann" }
            #expect(lines.map(\.action) == ["user.create", "user.update", "user.update"])
            #expect(lines[0].before == nil)
            let after = try #require(lines[0].after)
            #expect(after.contains(#""display_name": "A***""#))
            #expect(
                after.contains(
                    #"[["email", "a***@acme.example"], ["email", "s***@home.example"], ["push", "t***"], ["sms", "+***"]]"#
                ),
                "\(after)")
            #expect(lines[1].before == lines[0].after)
            #expect(
                lines[1].after?.contains(#"[["email", "s***@home.example"], ["email", "a***@acme.example"]"#) == true)
            #expect(lines[1].after?.contains(#""admin": false"#) == true)
            #expect(lines[2].after?.contains(#""contact_points": []"#) == true)
            for line in lines {
                for word in ["nn Example", "49151", "ann@", "second@", "token"] {
                    #expect(!(line.before ?? "").contains(word) && !(line.after ?? "").contains(word))
                }
            }
        }
    }

    @Test func namingADefaultUserLeavesALineIfItIsOne() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            _ = try await tenant.upsertAccount(AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.upsertUser(
                UserWrite(id: Self.ann, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            let nobody = UserID(unchecked: "nobody")
            for user in [nil, Self.ann, Self.ann, nobody, nil] as [UserID?] {
                _ = try await tenant.setDefaultUser(of: Self.acme, to: user, stamp: fixture.stamp(), now: fixture.now)
            }
            _ = try await tenant.setDefaultUser(
                of: AccountID(unchecked: "none"), to: nil, stamp: fixture.stamp(), now: fixture.now)
            let lines = try await lines(tenant).filter { $0.action == "account.set_default_user" }
            #expect(lines.map(\.before) == [#"{"default_user_id": null}"#, #"{"default_user_id": "ann"}"#])
            #expect(lines.map(\.after) == [#"{"default_user_id": "ann"}"#, #"{"default_user_id": null}"#])
        }
    }

    @Test func choicesSettingsAndProvidersLeaveWhatTheyChange() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            _ = try await tenant.upsertAccount(AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.upsertUser(
                UserWrite(id: Self.ann, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
            let known = try await lines(tenant).count
            let invoice = ChoiceScope.type(TypeKey(unchecked: "invoice.created"))
            for isOn in [true, true, false, nil, nil] as [Bool?] {
                _ = try await tenant.updatePreferences(
                    of: Self.ann,
                    [
                        PreferenceChange(audience: .customer, scope: .all, isOn: true),
                        PreferenceChange(audience: .customer, scope: invoice, channel: .email, isOn: isOn),
                    ], stamp: fixture.stamp(), .at(fixture.now))
            }
            for preset in [Setting(.disabled), Setting(.disabled), Setting(.enabled)] {
                try await tenant.putSettings(
                    [StoredSetting(type: TypeKey(unchecked: "invoice.created"), audience: .customer, setting: preset)],
                    stamp: fixture.stamp(), now: fixture.now)
            }
            var provider = ProviderWrite(
                id: ProviderID(unchecked: "main"), channel: .email, kind: "smtp", config: #"{"host": "a"}"#,
                secret: .set([9]))
            for secret in [.set([9]), .keep, .remove, .remove] as [ProviderWrite.Secret] {
                provider.secret = secret
                _ = try await tenant.putProvider(provider, stamp: fixture.stamp(), now: fixture.now)
            }

            let lines = try await lines(tenant).dropFirst(known)
            #expect(
                lines.map(\.action) == Array(repeating: "preference.update", count: 3)
                    + Array(repeating: "setting.put", count: 2) + Array(repeating: "provider.put", count: 2))
            let email = #"["customer", "type", "invoice.created", "email", "#
            let whole = #"["customer", "all", "", "", true]"#
            #expect(lines.map(\.before).prefix(3) == [nil, "[\(email)true]]", "[\(email)false]]"])
            #expect(
                lines[known].after == "[\(email)true], \(whole)]" || lines[known].after == "[\(whole), \(email)true]]")
            #expect(lines.map(\.after)[1...2] == ["[\(email)false]]", "[\(email)null]]"])
            #expect(lines[known + 3].before == nil)
            #expect(lines[known + 4].before == lines[known + 3].after)
            #expect(lines[known + 5].after?.contains(#""credential": "new""#) == true)
            #expect(lines[known + 6].before?.contains(#""credential": "stored""#) == true)
            #expect(lines[known + 6].after?.contains(#""credential": "none""#) == true)
        }
    }
}
