package import Domain
internal import Postgres

/// A setting in which the supplier departs from what stands below it.
package struct StoredSetting: Sendable, Hashable {
    /// For which account; nil for all of them.
    package let account: AccountID?
    /// Of which type.
    package let type: TypeKey
    /// For which audience.
    package let audience: Audience
    /// The setting.
    package let setting: Setting

    /// Makes a setting.
    package init(account: AccountID? = nil, type: TypeKey, audience: Audience, setting: Setting) {
        self.account = account
        self.type = type
        self.audience = audience
        self.setting = setting
    }
}

extension TenantStore {
    /// All settings in which the supplier departs from the catalog.
    package func storedSettings() async throws(StorageError) -> [StoredSetting] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(settings.all)]))[0].read(StoredSetting.init(row:))
        }
    }

    /// Stores settings, each at most once in the list.
    ///
    /// - Parameters:
    ///   - settings: what shall hold.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    /// - Throws: ``StorageError/Code/referenceMissing`` if there is no such account.
    package func putSettings(
        _ settings: [StoredSetting], stamp: AuditStamp, now: Instant
    ) async throws(StorageError) {
        guard !settings.isEmpty else { return }
        let accounts = Parameter.textArray(settings.map { $0.account?.rawValue ?? "" })
        let types = Parameter.textArray(settings.map(\.type.rawValue))
        let audiences = Parameter.textArray(settings.map(\.audience.rawValue))
        let values: [Parameter] = [
            types, audiences, accounts, .boolArray(settings.map(\.setting.enabled)),
            .boolArray(settings.map(\.setting.defaultSubscribed)),
            .textArray(settings.map(\.setting.mandatory.rawValue)),
            .textArray(
                settings.map { $0.setting.mandatoryChannels.channels.map(\.rawValue).joined(separator: ",") }),
        ]
        let queries =
            audited(auditing.settings, values, stamp: stamp) + [
                Query(self.settings.touchAccounts, [accounts]),
                Query(self.settings.put, values + [.timestamp(now)]),
            ]
        try await storing { () async throws(PostgresError) in _ = try await run(queries) }
    }
}

extension StoredSetting {
    /// Reads ``SettingStatements/columns`` from column 0.
    init(row: Row) throws(PostgresError) {
        var channels: ChannelSet = []
        for name in try row.textArray(6) {
            guard let channel = Channel(rawValue: name) else { throw .corrupt(6) }
            channels.formUnion(ChannelSet(channel))
        }
        self.init(
            account: try row.account(0), type: try row.identifier(1), audience: try row.value(2),
            setting: Setting(
                enabled: try row.bool(3), defaultSubscribed: try row.bool(4), mandatory: try row.value(5),
                mandatoryChannels: channels))
    }
}
