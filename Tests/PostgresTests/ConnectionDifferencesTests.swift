import Testing

@testable import Postgres

/// A further database is reached as the first one, but for what its place says.
@Suite struct ConnectionDifferencesTests {
    private func apply(_ differences: String, _ other: String) throws -> ConnectionParameters {
        try ConnectionParameters(try ConnectionDifferences(differences).applied(to: other), applicationName: "x")
    }

    @Test func whatItSaysWinsAndTheRestStays() throws {
        let base = "postgresql://carillon_serve:it's%20%5Csecret@one:6000/first?sslmode=verify-full"
        let merged = try apply("host=two dbname='se cond'", base)
        #expect(merged.hosts == [.init(name: "two", port: "6000")])
        #expect(merged.options["dbname"] == "se cond")
        #expect(merged.options["user"] == "carillon_serve")
        #expect(merged.options["password"] == #"it's \secret"#)
        #expect(merged.options["sslmode"] == "verify-full")
        #expect(try apply("", base) == ConnectionParameters(base, applicationName: "x"))
    }

    @Test func anAddressGoesWithItsHost() throws {
        let merged = try apply("host=two", "host=one hostaddr=192.0.2.1 port=1")
        #expect(merged.hosts == [.init(name: "two", port: "1")])
    }

    @Test(arguments: ["password=x", "user=x", "sslkey=x", "options=x", "host", "postgresql://u:p@host/db"])
    func whoLogsInIsNotItsMatter(text: String) throws {
        #expect(throws: PostgresError.self) { try ConnectionDifferences(text) }
    }
}
