internal import CarillonGRPC
internal import CarillonNet
internal import Domain

/// Who was let in lately, by what the call came with: whoever comes with the same again is let in without reading it anew, looking it
/// up and verifying it, on whichever connection.
///
/// Confined to its loop.
struct KnownCallers {
    /// What says who a call is from, as 128 bits of a keyed hash (SipHash, by a key that the process draws and nobody sees anything of):
    /// as hard to guess as any credential, and none itself.
    struct Fingerprint: Hashable {
        private let high: Int
        private let low: Int

        /// Nil for what is looked at thoroughly: several fields of one name, or nothing at all.
        ///
        /// - Parameters:
        ///   - context: the call.
        ///   - isForPlatform: whether the method is one for operators; only for certificates, which speak for the platform there and
        ///     for a tenant elsewhere.
        init?(_ context: CallContext, isForPlatform: Bool) {
            var (first, second) = (Hasher(), Hasher())
            second.combine(true)
            func combine(_ octets: UnsafeRawBufferPointer) {
                first.combine(octets.count)
                second.combine(octets.count)
                unsafe first.combine(bytes: octets)
                unsafe second.combine(bytes: octets)
            }
            // Safe because the octets are not kept beyond the closures.
            let isNamed = unsafe context.withOnlyHeader("authorization") { field in
                if let field = unsafe field { unsafe combine(field) }
                return unsafe field != nil
            }
            if !isNamed {
                if unsafe context.withHeader("authorization", { unsafe $0 != nil }) { return nil }
                guard var identity = context.peerIdentity?.id else { return nil }
                identity.withUTF8 { unsafe combine(UnsafeRawBufferPointer($0)) }
                first.combine(isForPlatform)
                second.combine(isForPlatform)
            }
            let claims = unsafe context.withOnlyHeader("carillon-tenant") { field in
                if let field = unsafe field { unsafe combine(field) }
                return unsafe field != nil
            }
            if !claims, unsafe context.withHeader("carillon-tenant", { unsafe $0 != nil }) { return nil }
            first.combine(isNamed)
            second.combine(isNamed)
            self.init(high: first.finalize(), low: second.finalize())
        }

        init(high: Int, low: Int) {
            self.high = high
            self.low = low
        }

        func hash(into hasher: inout Hasher) { hasher.combine(low) }
    }

    private struct Entry {
        let caller: Caller
        /// The key that it came with, if it was one.
        let key: KnownKey?
        let epoch: Int
    }

    private var entries: BoundedCache<Fingerprint, Entry>

    init(limit: Int) {
        entries = BoundedCache(limit: limit)
    }

    /// Who came with the same, if that still counts.
    ///
    /// - Parameters:
    ///   - end: until when it has to count.
    ///   - epoch: the count of ``Authenticator``: everything older than a revocation is looked up again.
    mutating func find(
        _ fingerprint: Fingerprint, until end: MonotonicTime, epoch: Int
    ) -> (caller: Caller, key: KnownKey?)? {
        guard let entry = entries.find(fingerprint), entry.epoch == epoch, end < entry.caller.goodUntil else {
            return nil
        }
        return (entry.caller, entry.key)
    }

    /// Takes note of who was let in.
    mutating func insert(_ caller: Caller, with key: KnownKey?, for fingerprint: Fingerprint, epoch: Int) {
        entries.insert(Entry(caller: caller, key: key, epoch: epoch), for: fingerprint)
    }
}
