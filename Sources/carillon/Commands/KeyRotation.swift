internal import Domain
internal import Security
internal import Storage

/// The work of `secrets rotate`.
enum KeyRotation {
    /// What it came to.
    struct Outcome: Sendable {
        /// The ids of the keys of the ring, that of the one that wraps first.
        let ids: [[UInt8]]
        /// How many data keys each key-encryption key wraps now.
        let counts: [[UInt8]: Int]
        /// Tenants whose data key no key of the ring opens; the first of them.
        let closed: [TenantID]

        /// Whether every data key is wrapped by the first key.
        var isDone: Bool { counts.allSatisfy { $0.key == ids[0] } }

        /// What the user is told: a line for each key, then what can be done now.
        var lines: [String] {
            let known = ids.enumerated().map { place, id in
                "key \(Self.hex(id)) (\(place == 0 ? "first of the file" : "older")): \(counts[id] ?? 0) data keys"
            }
            let unknown = counts.keys.filter { !ids.contains($0) }.sorted { Self.hex($0) < Self.hex($1) }.map { id in
                "key \(Self.hex(id)) (not in the file): \(counts[id] ?? 0) data keys"
            }
            let left = counts.filter { $0.key != ids[0] }.values.reduce(0, +)
            let verdict =
                if left > 0 {
                    "\(left) data keys are not wrapped by the first key: older keys must stay"
                } else {
                    "every data key is wrapped by the first key: older keys can be removed from the file of servers that "
                        + "have this one first"
                }
            return known + unknown + [verdict]
        }

        private static func hex(_ octets: [UInt8]) -> String {
            octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// How many data keys are held in memory, and changed in one transaction.
    static let batch = 100
    /// How often all tenants are gone through: those that are made meanwhile by a server whose file has another key first are
    /// found by the next pass. When such a server goes on, no number of passes would do.
    private static let passes = 3
    /// How many tenants are named whose key does not open.
    private static let namedTenants = 20

    /// Wraps all data keys as the owner.
    ///
    /// - Parameters:
    ///   - keyring: the keys, the one that wraps first.
    ///   - changes: whether to wrap, or to count only.
    ///   - administration: the owner's.
    ///   - progress: told after each batch how many were wrapped so far, and how many are to be.
    static func run(
        _ keyring: Keyring, changes: Bool, by administration: TenantAdministration, progress: (Int, Int) -> Void
    ) async throws(StorageError) -> Outcome {
        var rewrapped = 0
        var closed: [TenantID] = []
        var counts = try await administration.dataKeysByWrapper()
        let total = counts.filter { $0.key != keyring.ids[0] }.values.reduce(0, +)
        for number in 0..<(changes ? passes : 0) where counts.contains(where: { $0.key != keyring.ids[0] }) {
            // A key that no key opens stays as it is; going through all tenants again for it would be in vain.
            guard number == 0 || counts.contains(where: { keyring.ids.dropFirst().contains($0.key) }) else { break }
            closed = try await pass(keyring, by: administration) { count in
                rewrapped += count
                if count > 0 { progress(rewrapped, max(rewrapped, total)) }
            }
            counts = try await administration.dataKeysByWrapper()
        }
        return Outcome(ids: keyring.ids, counts: counts, closed: closed)
    }

    /// Goes through all tenants once.
    ///
    /// - Returns: the first tenants whose key does not open.
    private static func pass(
        _ keyring: Keyring, by administration: TenantAdministration, _ stored: (Int) -> Void
    ) async throws(StorageError) -> [TenantID] {
        var closed: [TenantID] = []
        var after: TenantID?
        while true {
            let keys = try await administration.dataKeys(after: after, size: batch)
            guard let last = keys.last else { return closed }
            after = last.tenant
            var changed: [(read: WrappedDataKey, wrapped: [UInt8])] = []
            for key in keys {
                do throws(SecretError) {
                    guard let wrapped = try keyring.rewrap(key.octets, for: key.tenant.rawValue) else { continue }
                    changed.append((key, wrapped))
                } catch {
                    if closed.count < namedTenants { closed.append(key.tenant) }
                }
            }
            stored(try await administration.replaceDataKeys(changed))
        }
    }
}
