package import CarillonNet
package import Postgres

/// What a login role is for: so much it may, and no more.
package enum LoginDuty: String, Sendable, Hashable {
    /// Answering calls.
    case serve
    /// Sending.
    case work
    /// Making schemas and roles.
    case own

    /// What it is called in messages.
    var word: String {
        switch self {
        case .serve: "serving"
        case .work: "working"
        case .own: "owning schemas"
        }
    }
}

extension LoginDuty {
    /// Checks a login before it is used, over a session of its own. On the loop.
    ///
    /// - Parameters:
    ///   - configuration: how it logs in.
    ///   - loop: the loop.
    /// - Throws: ``StorageError/Code/notReady`` with all that it is or may beyond its duty and what to do about it;
    ///   ``StorageError/Code/unavailable`` and the like when it cannot be asked.
    package func verify(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws(StorageError) {
        let found = try await storing { () async throws(PostgresError) in
            let session = try await PostgresSession.open(
                on: loop, configuration: configuration, deadline: loop.now.advanced(by: .seconds(5)))
            defer { session.close() }
            return try self.problems(try await session.run(Query(ReadinessStatements.role)))
        }
        guard found.isEmpty else {
            throw StorageError(.notReady, found.joined(separator: "; "))
        }
    }

    /// What is wrong with a login, by the answer to ``ReadinessStatements/role``.
    func problems(_ answer: ResultSet) throws(PostgresError) -> [String] {
        guard let row = answer.first else { return [] }
        let name = try row.text(0)
        var problems: [String] = []
        let mayMakeRoles = try row.bool(2) && self != .own
        if try row.bool(1) || mayMakeRoles {
            let rights =
                self == .own ? "superuser, BYPASSRLS, CREATEDB and the like" : "superuser, CREATEROLE and the like"
            problems.append("the role \(name) has rights beyond \(word) (\(rights))")
        }
        if try row.bool(3) { problems.append("the role \(name) must be NOINHERIT") }
        let roles = try row.textArray(4)
        if !roles.isEmpty {
            problems.append("the role \(name) must not be a member of " + roles.joined(separator: ", "))
        }
        return problems
    }
}
