internal import CLibPQ

/// Which statements are prepared on one connection, by which names, least recently used first out. Pure.
///
/// An entry is *unconfirmed* from the moment its Parse is sent until the server has answered it. Units sent in between
/// already rely on it, which is safe: if the Parse does not run, then because a unit failed before it, and everything
/// behind that unit is refused and sent again (``PipelineStateMachine``).
///
/// Names are never used twice, so no late answer or DEALLOCATE can hit another statement.
struct StatementCache {
    /// What to do with a statement.
    enum Lookup: Hashable {
        /// It is prepared, or will be by then.
        case prepared(name: String)
        /// Prepare it by this name, with these parameter types.
        case prepare(name: String, types: [Oid])
    }

    private struct Entry {
        let name: String
        var types: [Oid]
        var isConfirmed = false
        var lastUse: UInt64
    }

    /// How many statements there may be; at least one. When it becomes less, those that are too many go as others come: by then
    /// it shows which ones are still used.
    var capacity: Int
    private var entries: [Statement: Entry] = [:]
    private var unconfirmed: [Statement] = []
    private var evicted: [String] = []
    private var clock: UInt64 = 0

    /// A cache that keeps at most `capacity` statements; at least one.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { entries.count }

    /// How many names the server still knows and this cache does not; they are to be deallocated.
    var evictedCount: Int { evicted.count }

    /// Looks a statement up for parameters of these types, and makes an entry for it if there is none that fits.
    ///
    /// A NULL parameter has no type and fits any. An entry that was prepared while a parameter was NULL does not fit a
    /// later value of that parameter, since the server chose a type by itself; it is replaced.
    mutating func look(up statement: Statement, types: [Oid]) -> Lookup {
        clock += 1
        var types = types
        if let place = entries.index(forKey: statement) {
            if Self.entry(entries.values[place].types, fits: types) {
                entries.values[place].lastUse = clock
                return .prepared(name: entries.values[place].name)
            }
            types = Self.merge(types, entries.values[place].types)
            forget(statement)
        } else if entries.count >= capacity {
            // An eighth at a time: a whole scan is paid for by many insertions, and a use costs no more than a number.
            evict(max(1, capacity / 8))
        }
        let name = "c\(clock)"
        entries[statement] = Entry(name: name, types: types, lastUse: clock)
        unconfirmed.append(statement)
        return .prepare(name: name, types: types)
    }

    /// The server has prepared the statement by this name.
    mutating func confirm(_ statement: Statement, name: String) {
        guard entries[statement]?.name == name else {
            // Dropped while its Parse was on its way; only now it is there to be deallocated.
            evicted.append(name)
            return
        }
        entries[statement]?.isConfirmed = true
        unconfirmed.removeAll { $0 == statement }
    }

    /// Forgets a statement: what the server holds by its name does not fit any more, or was lost.
    mutating func forget(_ statement: Statement) {
        guard let entry = entries.removeValue(forKey: statement) else { return }
        unconfirmed.removeAll { $0 == statement }
        if entry.isConfirmed { evicted.append(entry.name) }
    }

    /// Forgets all statements whose Parse was not answered: a unit before them failed, so none of them will run.
    mutating func forgetUnconfirmed() {
        for statement in unconfirmed where entries[statement]?.isConfirmed == false {
            entries.removeValue(forKey: statement)
        }
        unconfirmed.removeAll()
    }

    /// Hands out names to deallocate, so many at most.
    mutating func takeEvicted(_ most: Int) -> [String] {
        defer { evicted.removeLast(min(most, evicted.count)) }
        return Array(evicted[max(0, evicted.count - most)...])
    }

    /// Takes back a name whose DEALLOCATE did not run.
    mutating func returnEvicted(_ name: String) {
        evicted.append(name)
    }

    /// Drops so many entries, those that were not used for the longest time.
    private mutating func evict(_ count: Int) {
        let last = entries.values.map(\.lastUse).sorted()[count - 1]
        let oldest = entries.filter { $0.value.lastUse <= last }
        for statement in oldest.keys { forget(statement) }
    }

    private static func entry(_ types: [Oid], fits given: [Oid]) -> Bool {
        types.count == given.count
            && zip(types, given).allSatisfy { $1 == WireType.unspecified || $0 == $1 }
    }

    private static func merge(_ given: [Oid], _ known: [Oid]) -> [Oid] {
        guard given.count == known.count else { return given }
        return zip(given, known).map { $0 == WireType.unspecified ? $1 : $0 }
    }
}
