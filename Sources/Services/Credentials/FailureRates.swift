internal import CarillonNet

/// How often credentials were wrong, for each address or each key's id, in memory that does not grow.
///
/// Nothing is counted for good credentials, and no good credential that is known is ever refused by it: who shares an address
/// with somebody who guesses does not notice. Who guesses from very many addresses makes the oldest of them be forgotten,
/// and gains as many tries as addresses, which is what he would have had anyway.
struct FailureRates<Key: Hashable> {
    private var buckets: BoundedCache<Key, TokenBucket>
    private let full: TokenBucket

    init(limits: ServiceLimits) {
        buckets = BoundedCache(limit: limits.countedFailures)
        full = TokenBucket(burst: limits.failures, perSecond: limits.failuresPerSecond)
    }

    /// Counts one; false when it is too much.
    mutating func take(_ key: Key, at now: MonotonicTime) -> Bool {
        var bucket = buckets.find(key) ?? full
        let isLet = bucket.take(at: now)
        if isLet { buckets.insert(bucket, for: key) }
        return isLet
    }

    /// Whether one more would be too much.
    mutating func isSpent(_ key: Key, at now: MonotonicTime) -> Bool {
        buckets.find(key).map { !$0.hasToken(at: now) } ?? false
    }
}
