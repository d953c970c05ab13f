internal import Postgres

extension Statement {
    /// A statement that breaks off its transaction unless `rows` selects one.
    ///
    /// The queries of a unit cannot look at each other's results, and a change that spans several of them must not
    /// happen by half. Dividing by the number of rows is the one way to fail on a condition that SQL has without
    /// functions of our own.
    static func assertion(_ rows: String) -> Statement {
        Statement("WITH held AS MATERIALIZED (\(rows)) SELECT 1 / count(*) FROM held")
    }
}
