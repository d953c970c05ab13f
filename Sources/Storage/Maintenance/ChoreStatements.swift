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
    /// $1 chore, $2 holder, $3 microseconds to live.
    static let takeChore = Statement(
        """
        UPDATE carillon.chore c
        SET holder = $2::uuid, expires_at = now() + $3::int8 * interval '1 microsecond'
        WHERE c.name = $1::text AND (c.holder IS NULL OR c.holder = $2::uuid)
        """, prepared: false)
    /// $1 chore, $2 holder, $3 now.
    static let endChore = Statement(
        """
        UPDATE carillon.chore c
        SET holder = NULL, done_at = $3::timestamptz
        WHERE c.name = $1::text AND c.holder = $2::uuid
        """, prepared: false)
}
