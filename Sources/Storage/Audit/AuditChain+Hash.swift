internal import Crypto
internal import Postgres

extension AuditChain {
    /// The hash of a line as the database computes it.
    ///
    /// - Parameters:
    ///   - entry: the line.
    ///   - previous: the hash of the line before; empty for the first one.
    ///   - scope: ``tenantScope`` or ``registryScope(_:)``.
    static func hash(of entry: AuditEntry, after previous: [UInt8], scope: String) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: previous)
        hash.update(data: canonical(entry, scope: scope))
        return Array(hash.finalize())
    }

    /// The canonical form of a line.
    static func canonical(_ entry: AuditEntry, scope: String) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(512)
        func add(_ part: String?) {
            if let part {
                octets += String(part.utf8.count).utf8
                octets.append(UInt8(ascii: ":"))
                octets += part.utf8
            } else {
                octets.append(UInt8(ascii: "-"))
            }
            octets.append(UInt8(ascii: ","))
        }
        add(form)
        add(scope)
        add(entry.seq.map { String($0) })
        add(entry.id.description)
        add(entry.actor)
        add(entry.origin)
        add(entry.action)
        add(entry.object)
        add(entry.before)
        add(entry.after)
        return octets
    }
}
