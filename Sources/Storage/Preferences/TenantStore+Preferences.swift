package import Domain
internal import Postgres

/// A user's choices as stored.
package struct StoredChoices: Sendable, Hashable {
    /// The choices, in a fixed order.
    package let choices: [PreferenceChoice]
    /// How often the user wants to hear of what, in a fixed order.
    package let cadences: [CadenceChoice]
    /// Grows with each change: their etag.
    package let revision: Int64
}

/// A user's choices after a change, and what the next decision rests on, so that the process that made the change obeys it at once.
package struct PreferencesUpdate: Sendable {
    /// The choices as they are now.
    package let stored: StoredChoices
    /// The user as they are now.
    package let user: UserSnapshot
    /// The user's account, or the supplier, as it is now.
    package let home: HomeSnapshot
}

extension TenantStore {
    /// What a user chose, and the user's record as it stood then; nil if there is no such user.
    package func choices(
        of user: UserID
    ) async throws(StorageError) -> (stored: StoredChoices, record: UserRecord)? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(directory.users, [.textArray([user.rawValue])]), Query(preferences.choices, [.text(user)]),
                Query(directory.contactPointsOfUsers, [.textArray([user.rawValue])]),
            ])
            guard var record = try results[0].readFirst(UserRecord.init(row:)) else { return nil }
            record.contactPoints = try results[2].read(ContactPoint.init(row:))
            let stored = StoredChoices(
                choices: try results[1].readChoices(), cadences: record.cadences, revision: record.choicesRevision)
            return (stored, record)
        }
    }

    /// Stores and takes back choices of a user.
    ///
    /// - Parameters:
    ///   - user: who chooses.
    ///   - changes: what changes; of two changes of the same thing the later one counts.
    ///   - personal: what else changes.
    ///   - expectedRevision: the revision that the choices must have; throws ``StorageError/Code/revisionMismatch`` if
    ///     they have not.
    ///   - stamp: who makes the change.
    ///   - clocks: what times are reckoned by; their time is that of the change.
    /// - Returns: the choices, the user and the account after the change; nil if there is no such user.
    package func updatePreferences(
        of user: UserID, _ changes: [PreferenceChange], _ personal: PersonalChange = PersonalChange(),
        expectedRevision: Int64? = nil, stamp: AuditStamp, _ clocks: Clocks
    ) async throws(StorageError) -> PreferencesUpdate? {
        let (latest, patch, now) = (Self.latest(changes), PersonalPatch(personal), clocks.now)
        var queries = audited(
            auditing.preferences,
            [.text(user)] + Self.columns(latest)
                + [
                    .textArray(latest.map { $0.isOn.map { $0 ? "true" : "false" } ?? "" }), .textArray(patch.names),
                    .json(patch.json),
                ], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(preferences.assertRevision, [.text(user), .int8(expectedRevision)]))
        }
        queries.append(Query(preferences.touchAccount, [.text(user)]))
        let counting = queries.count
        queries.append(Query(preferences.countRevision, [.text(user)]))
        queries += changeQueries(user, latest, now: now)
        if patch.changesUser { queries.append(Query(preferences.putPersonal, patch.parameters(user, now: now))) }
        if let points = personal.contactPoints { queries += contactQueries(user, points, now: now) }
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries + outcomeQueries(user, now: now))
            return try outcome(of: user, results, counted: counting, clocks)
        }
    }

    /// The queries behind a change of what a user wishes that tell what came of it.
    func outcomeQueries(_ user: UserID, now: Instant) -> [Query] {
        [Query(preferences.choices, [.text(user)])]
            + people.queries([user.rawValue], includingSupplier: false, now: now)
    }

    /// Reads what came of a change.
    ///
    /// - Parameters:
    ///   - user: whose.
    ///   - results: those of all queries; ``outcomeQueries(_:now:)`` are the last of them.
    ///   - counting: the place of ``PreferenceStatements/countRevision``.
    func outcome(
        of user: UserID, _ results: [ResultSet], counted counting: Int, _ clocks: Clocks
    ) throws(PostgresError) -> PreferencesUpdate? {
        guard let revision = try results[counting].readFirst({ row throws(PostgresError) in try row.int8(0) })
        else { return nil }
        let firstOfPeople = results.count - PeopleStatements.count
        let choices = try results[firstOfPeople - 1].readChoices()
        let people = try PeopleReader.read(results, from: firstOfPeople, clocks)
        guard let user = people.users[user], let home = people.homes[user.record.account] else { return nil }
        return PreferencesUpdate(
            stored: StoredChoices(choices: choices, cadences: user.record.cadences, revision: revision), user: user,
            home: home)
    }

    /// Of two changes of the same thing the later one.
    private static func latest(_ changes: [PreferenceChange]) -> [PreferenceChange] {
        var seen: Set<PreferenceChange> = []
        var latest: [PreferenceChange] = []
        for change in changes.reversed() {
            let place = PreferenceChange(
                audience: change.audience, scope: change.scope, channel: change.channel, isOn: nil)
            if seen.insert(place).inserted { latest.append(change) }
        }
        return latest
    }

    private func changeQueries(_ user: UserID, _ latest: [PreferenceChange], now: Instant) -> [Query] {
        let cleared = latest.filter { $0.isOn == nil }
        let stored = latest.filter { $0.isOn != nil }
        var queries: [Query] = []
        if !cleared.isEmpty { queries.append(Query(preferences.clear, [.text(user)] + Self.columns(cleared))) }
        if !stored.isEmpty {
            queries.append(
                Query(
                    preferences.put,
                    [.text(user)] + Self.columns(stored)
                        + [.boolArray(stored.map { $0.isOn == true }), .timestamp(now)]))
        }
        return queries
    }

    private static func columns(_ changes: [PreferenceChange]) -> [Parameter] {
        [
            .textArray(changes.map(\.audience.rawValue)), .textArray(changes.map(\.scope.columns.scope)),
            .textArray(changes.map(\.scope.columns.key)), .textArray(changes.map { $0.channel?.rawValue ?? "" }),
        ]
    }
}

extension ResultSet {
    fileprivate func readChoices() throws(PostgresError) -> [PreferenceChoice] {
        try read { row throws(PostgresError) in try PreferenceChoice(row: row, from: 0) }
    }
}
