package import Domain
internal import Postgres

/// A user with everything that the user has said.
package struct Speaker: Sendable {
    /// The user, without the addresses.
    package let record: UserRecord
    /// What the user said.
    package let stored: StoredChoices
}

extension TenantStore {
    /// Users who have said anything, in the order of their ids, with what they said.
    ///
    /// - Parameters:
    ///   - after: the last user of the page before.
    ///   - size: the most users that are returned.
    package func speakers(after: UserID?, size: Int) async throws(StorageError) -> Page<Speaker, UserID> {
        try await storing { () async throws(PostgresError) in
            let users = try await run([
                Query(preferences.speakers, [.text(after?.rawValue ?? ""), .int8(Int64(size) + 1)])
            ])
            let records = try users[0].read(UserRecord.init(row:))
            let names = Parameter.textArray(records.map(\.id.rawValue))
            var choices: [UserID: [PreferenceChoice]] = [:]
            for row in try await run([Query(preferences.choicesOfUsers, [names])])[0] {
                choices[try row.identifier(0), default: []].append(try PreferenceChoice(row: row, from: 1))
            }
            let speakers = records.map { record in
                Speaker(
                    record: record,
                    stored: StoredChoices(
                        choices: choices[record.id] ?? [], cadences: record.cadences, revision: record.choicesRevision))
            }
            return Page(overread: speakers, size: size) { $0.record.id }
        }
    }
}
