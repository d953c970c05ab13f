internal import Postgres

/// The statements on the leases of chores.
///
/// Expiry goes by the database's clock, as that of workers does: see ``WorkerStatements``.
enum ChoreStatements {
    /// $1 chore: frees it when its holder's time is over, by the database's clock, as the leases of workers are.
    static let freeChore = Statement(
        "UPDATE carillon.chore c SET holder = NULL WHERE c.name = $1::text AND c.expires_at <= now()", prepared: false)
    /// $1 chore.
    static let addChore = Statement(
        """
        INSERT INTO carillon.chore (name, holder, expires_at)
        VALUES ($1::text, NULL, 'epoch')
        ON CONFLICT (name) DO NOTHING
        """, prepared: false)
    /// $1 chore, $2 holder, $3 microseconds to live, $4 for how many microseconds it is not due after it was done.
    static let takeChore = Statement(
        """
        UPDATE carillon.chore c
        SET holder = $2::uuid, expires_at = now() + $3::int8 * interval '1 microsecond'
        WHERE c.name = $1::text AND (
            c.holder = $2::uuid OR c.holder IS NULL
                AND (c.done_at IS NULL OR c.done_at <= now() - $4::int8 * interval '1 microsecond')
        )
        """, prepared: false)
    /// $1 chore, $2 holder, $3 whether everything was gone through.
    static let endChore = Statement(
        """
        UPDATE carillon.chore c
        SET holder = NULL, done_at = CASE WHEN $3::bool THEN now() ELSE c.done_at END
        WHERE c.name = $1::text AND c.holder = $2::uuid
        """, prepared: false)
}
