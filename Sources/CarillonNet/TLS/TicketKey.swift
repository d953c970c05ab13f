/// A key that seals session tickets (RFC 5077 §4): the name that a ticket carries, a key for AES-256-CBC and one for
/// HMAC-SHA-256.
struct TicketKey: Equatable, Sendable {
    /// Octets of the name.
    static let nameLength = 16
    /// Octets of name and keys together, as in nginx's files.
    static let length = 80
    /// Keys that one file may hold.
    static let limit = 8

    let name: [UInt8]
    let cipher: [UInt8]
    let mac: [UInt8]

    /// Takes a key from exactly ``length`` octets.
    init(_ octets: some Collection<UInt8>) {
        let octets = Array(octets)
        precondition(octets.count == Self.length, "a ticket key has 80 octets")
        name = Array(octets[..<16])
        cipher = Array(octets[16..<48])
        mac = Array(octets[48...])
    }

    /// Reads a file of keys, the sealing one first. Blocks.
    static func read(_ path: String) throws(TLSError) -> [TicketKey] {
        let octets = try FileContent.read(path, limit: limit * length)
        guard !octets.isEmpty, octets.count.isMultiple(of: length) else {
            throw TLSError(
                .configuration,
                "reading the ticket keys \(path): one to \(limit) keys of \(length) octets are wanted, "
                    + "and it has \(octets.count) octets")
        }
        return stride(from: 0, to: octets.count, by: length).map { TicketKey(octets[$0..<($0 + length)]) }
    }
}

/// Which key seals and which open, at a time. Pure: time and fresh keys come from the caller.
///
/// States: own keys, of which the newest seals for ``lifetime`` and opens for as long again; or keys of a file, which stay
/// until other ones are adopted.
struct TicketKeys {
    /// How long a key of one's own seals, and then goes on opening.
    static let lifetime = Duration.seconds(12 * 60 * 60)

    private var keys: [TicketKey] = []
    private var newest: MonotonicTime?
    private var areOwn = true

    /// What to do with a ticket that a client shows.
    enum Opening: Equatable {
        /// Nobody here knows its key: a full handshake.
        case unknown
        /// It opens, and the client keeps it.
        case good(TicketKey)
        /// It opens, and the client should get a new one.
        case old(TicketKey)
    }

    /// Takes keys of a file, the sealing one first.
    mutating func adopt(_ keys: [TicketKey]) {
        self.keys = keys
        areOwn = false
    }

    /// The key that seals now.
    mutating func sealing(at now: MonotonicTime, fresh: () -> TicketKey) -> TicketKey {
        if areOwn, newest.map({ $0.duration(to: now) >= Self.lifetime }) ?? true {
            expire(at: now)
            keys = [fresh()] + keys.prefix(1)
            newest = now
        }
        return keys[0]
    }

    /// The key that a ticket names.
    mutating func opening(_ name: UnsafeRawBufferPointer, at now: MonotonicTime) -> Opening {
        expire(at: now)
        guard let index = keys.firstIndex(where: { $0.name.elementsEqual(name) }) else { return .unknown }
        let isSealing = index == 0 && !(areOwn && newest.map { $0.duration(to: now) >= Self.lifetime } ?? false)
        return isSealing ? .good(keys[index]) : .old(keys[index])
    }

    /// Forgets own keys whose time to open is over too.
    private mutating func expire(at now: MonotonicTime) {
        guard areOwn, let newest else { return }
        let age = newest.duration(to: now)
        if age >= Self.lifetime { keys.removeLast(max(0, keys.count - 1)) }
        if age >= Self.lifetime * 2 { keys = [] }
    }
}
