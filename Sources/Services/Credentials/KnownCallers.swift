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
            var hasher = Hasher()
            func combine(_ octets: UnsafeRawBufferPointer) {
                hasher.combine(octets.count)
                unsafe hasher.combine(bytes: octets)
            }
            // Safe because the octets are not kept beyond this, and nothing is done for the call meanwhile.
            let sent = context.headers("authorization", "carillon-tenant")
            var isNamed = false
            switch sent.one {
            case .once(let credential):
                unsafe combine(credential)
                isNamed = true
            case .repeated: return nil
            case .none:
                guard var identity = context.peerIdentity?.id else { return nil }
                identity.withUTF8 { unsafe combine(UnsafeRawBufferPointer($0)) }
                hasher.combine(isForPlatform)
            }
            switch sent.other {
            case .once(let tenant): unsafe combine(tenant)
            case .repeated: return nil
            case .none: break
            }
            hasher.combine(isNamed)
            (high, low) = hasher.finalizeTwice()
        }

        init(high: Int, low: Int) {
            self.high = high
            self.low = low
        }

        func hash(into hasher: inout Hasher) { hasher.combine(low) }
    }

    private struct Entry {
        let caller: Caller
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
    mutating func find(_ fingerprint: Fingerprint, until end: MonotonicTime, epoch: Int) -> Caller? {
        guard let entry = entries.find(fingerprint), entry.epoch == epoch, end < entry.caller.goodUntil else {
            return nil
        }
        return entry.caller
    }

    /// Takes note of who was let in.
    mutating func insert(_ caller: Caller, for fingerprint: Fingerprint, epoch: Int) {
        entries.insert(Entry(caller: caller, epoch: epoch), for: fingerprint)
    }
}
