/// A table that forgets what was not asked for lately.
///
/// Two generations: what is found in the older one moves to the younger one, and when that has taken its share, the
/// older one is dropped whole. So the table never holds more than its limit, and each step costs the same.
struct BoundedCache<Key: Hashable, Value> {
    private let share: Int
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]

    /// - Parameter limit: the most entries, at least 2.
    init(limit: Int) {
        share = max(1, limit / 2)
    }

    /// How many entries there are.
    var count: Int { young.count + old.count }

    /// The value of a key.
    mutating func find(_ key: Key) -> Value? {
        if let value = young[key] { return value }
        guard let value = old.removeValue(forKey: key) else { return nil }
        insert(value, for: key)
        return value
    }

    /// Stores a value.
    mutating func insert(_ value: Value, for key: Key) {
        old[key] = nil
        if young[key] == nil, young.count >= share {
            old = young
            young = [:]
        }
        young[key] = value
    }

    /// Forgets a key.
    mutating func remove(_ key: Key) {
        young[key] = nil
        old[key] = nil
    }

    /// Forgets every entry that is told. It looks at all of them.
    mutating func removeAll(where isForgotten: (Key, Value) -> Bool) {
        young = young.filter { !isForgotten($0.key, $0.value) }
        old = old.filter { !isForgotten($0.key, $0.value) }
    }
}
