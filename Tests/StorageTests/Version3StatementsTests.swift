import Domain
import Postgres
import Testing

@testable import Storage

/// Statements of programs of schema version 3 that version 4 has changed: they go on beside it, and leave alone what they do not know.
@Suite struct Version3StatementsTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")
    private static let invoice = TypeKey(unchecked: "invoice.created")

    /// A user with wishes, and a setting with channels, as version 4 stores them.
    private func tenant(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.upsertUser(
            UserWrite(id: Self.ann, account: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        var personal = PersonalChange()
        personal.digestMinute = .some(600)
        personal.cadences = [.init(audience: .customer, scope: .all, cadence: .daily)]
        _ = try await tenant.updatePreferences(
            of: Self.ann, [], personal, stamp: fixture.stamp(), .at(fixture.now))
        let setting = Setting(
            enabled: true, defaultSubscribed: true, mandatory: .all, mandatoryChannels: ChannelSet(.email))
        try await tenant.putSettings(
            [StoredSetting(type: Self.invoice, audience: .customer, setting: setting)], stamp: fixture.stamp(),
            now: fixture.now)
        return tenant
    }

    @Test func usersAreChangedAndKeepTheirWishes() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let schema = tenant.schema
            _ = try await tenant.run([
                Query(
                    Statement(
                        """
                        INSERT INTO \(schema).app_user AS u (user_id, account_id, display_name, state, is_admin,
                            team_member, time_zone, locale, revision, choices_revision, created_at, updated_at)
                        VALUES ($1::text, $2::text, 'Ann', 'active', false, false, NULL, 'de', 1, 1, $3::timestamptz,
                            $3::timestamptz)
                        ON CONFLICT (user_id) DO UPDATE SET
                            display_name = excluded.display_name, locale = excluded.locale,
                            revision = u.revision + 1, updated_at = excluded.updated_at
                        RETURNING u.user_id, u.revision
                        """),
                    [.text(Self.ann), .account(Self.acme), .timestamp(fixture.now)])
            ])
            let record = try #require(try await tenant.users([Self.ann])[Self.ann])
            #expect(record.displayName == "Ann" && record.locale == "de")
            #expect(record.times?.digestMinute == 600 && record.cadences.map(\.cadence) == [.daily])
        }
    }

    @Test func settingsAreStoredAndKeepTheirChannels() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let schema = tenant.schema
            let put = Statement(
                """
                INSERT INTO \(schema).setting (type_key, audience, account_id, enabled, default_subscribed, mandatory,
                    changed_at)
                SELECT x.type_key, x.audience, x.account_id, x.enabled, x.default_subscribed, x.mandatory,
                    $7::timestamptz
                FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[], $6::text[])
                    AS x (type_key, audience, account_id, enabled, default_subscribed, mandatory)
                ORDER BY x.type_key, x.audience, x.account_id
                ON CONFLICT (type_key, audience, account_id) DO UPDATE SET enabled = excluded.enabled,
                    default_subscribed = excluded.default_subscribed, mandatory = excluded.mandatory,
                    changed_at = excluded.changed_at
                """)
            _ = try await tenant.run([
                Query(
                    put,
                    [
                        .textArray([Self.invoice.rawValue, "payment.failed"]), .textArray(["customer", "customer"]),
                        .textArray(["", ""]), .boolArray([true, true]), .boolArray([false, false]),
                        .textArray(["at_least_one", "none"]), .timestamp(fixture.now),
                    ])
            ])
            let stored = try await tenant.storedSettings()
            #expect(stored.map(\.setting.mandatory) == [.atLeastOne, .none])
            #expect(stored.map(\.setting.mandatoryChannels) == [ChannelSet(.email), []])
        }
    }

    @Test func choicesLeaveTheirLineInTheAudit() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let schema = tenant.schema
            let line = Statement(
                AuditChain.insertion(
                    into: "\(schema).audit (", scope: "'\(AuditChain.tenantScope)'",
                    head: "\(schema).audit_head h ON h.singleton",
                    line: """
                        SELECT 'preference.update', 'user/' || u.user_id, c.before, c.after
                        FROM \(schema).app_user u
                        CROSS JOIN LATERAL (
                            SELECT jsonb_agg(jsonb_build_array(x.audience, x.scope, x.scope_key, x.channel, p.choice)
                                    ORDER BY x.place) FILTER (WHERE p.choice IS NOT NULL) AS before,
                                jsonb_agg(jsonb_build_array(x.audience, x.scope, x.scope_key, x.channel,
                                    nullif(x.choice, '')::bool) ORDER BY x.place) AS after
                            FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
                                WITH ORDINALITY AS x (audience, scope, scope_key, channel, choice, place)
                            LEFT JOIN \(schema).preference p
                                ON p.user_id = $4::text AND p.audience = x.audience AND p.scope = x.scope
                                    AND p.scope_key = x.scope_key AND p.channel = x.channel
                            WHERE p.choice IS DISTINCT FROM nullif(x.choice, '')::bool
                        ) AS c
                        WHERE u.user_id = $4::text AND c.after IS NOT NULL
                        """))
            _ = try await tenant.run(
                tenant.audited(
                    line,
                    [
                        .text(Self.ann), .textArray(["customer"]), .textArray(["all"]), .textArray([""]),
                        .textArray([""]), .textArray(["true"]),
                    ], stamp: fixture.stamp()))
            let last = try #require(try await tenant.audit(size: 1).elements.first)
            #expect(last.after == #"[["customer", "all", "", "", true]]"#)
        }
    }
}
