/// How far work on many things has come, such as a migration of tenants, or a copy of rows.
package struct ProgressCount: Sendable, Hashable {
    /// What is done with: of a migration tenants that were migrated, given up, or found to need nothing any more.
    package let done: Int
    /// Of these the ones that were given up.
    package let failed: Int
    /// How many there are to do, as far as is known.
    package let total: Int

    /// Progress of this much.
    package init(done: Int, failed: Int = 0, total: Int) {
        self.done = done
        self.failed = failed
        self.total = total
    }
}
