internal import CarillonNet

/// How fresh facts have to be.
enum Freshness {
    /// Any age: what comes of them is compared with what is stored before it counts, or never changes.
    case any
    /// As checks have them: at most ``ServiceLimits/factsAge`` old, or vouched for (``FactsHearing``); and read after the last
    /// change that was heard of.
    case current
}

/// How much facts of one tenant that were read at some time are worth now.
///
/// A read counts from the time that it began. So what was read while something changed is as old as it has to be: it is not
/// current once that change is heard of, whenever its answer came.
///
/// Confined to its loop.
final class FactsFreshness {
    private let loop: EventLoop
    /// In nanoseconds.
    private let age: Int64
    private let hearing: FactsHearing
    /// From when on facts must have been read to be current: another process has changed something.
    private var changedAt = MonotonicTime(nanoseconds: .min)
    /// Counts the times that something was forgotten or changed: a read that began before is not kept.
    private(set) var epoch = 0

    init(loop: EventLoop, age: Duration, hearing: FactsHearing) {
        self.loop = loop
        self.age = age.wholeNanoseconds
        self.hearing = hearing
    }

    /// The time of a read that begins now: after all changes that were heard of.
    var now: MonotonicTime { max(loop.now, changedAt) }

    /// Whether what was read then is as fresh as checks have it.
    func isCurrent(_ readAt: MonotonicTime) -> Bool {
        guard changedAt <= readAt else { return false }
        let now = loop.now
        return now.advanced(byNanoseconds: -age) <= readAt || hearing.vouches(for: readAt, now: now)
    }

    /// Whether it is as fresh as somebody wants it who would take what is known.
    func suffices(_ readAt: MonotonicTime, _ freshness: Freshness) -> Bool {
        switch freshness {
        case .any: true
        case .current: isCurrent(readAt)
        }
    }

    /// Something has changed: nothing is current that was read before, whenever it comes.
    func outdate() {
        epoch += 1
        // What was read in this tick may have been read before the word came.
        changedAt = now.advanced(byNanoseconds: 1)
    }

    /// This process has changed something that it knows: what is being read is not kept.
    func dropReads() { epoch += 1 }
}
