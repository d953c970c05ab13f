internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// One tenant that the worker works under one fence. Confined to the worker's loop.
final class TenantWork: @unchecked Sendable {
    let lease: TenantLease
    let store: TenantStore
    let recorder: Recorder

    var tenant: TenantID { lease.tenant }
    var fence: Int64 { lease.fence }

    /// False once the tenant was let go: nothing more is begun for it.
    var isCurrent = true
    /// Whether the queue knows our fence.
    var isTakenOver = false
    var isClaiming = false
    /// Somebody said that there is work while a claim was under way, which may not have seen it.
    var hasNews = false
    /// Whether the next turn will most likely bring something: it claims then, and otherwise looks first.
    var expectsWork = false
    /// A claim's commit had an unknown outcome, or a word could not be written: rows may be held of which nobody here knows.
    /// Once nothing is in flight, the lease is given back, and whoever takes it next finds them by a greater fence.
    var isSuspect = false
    /// Had its turn while it had as many sends as it may: it comes back when one ends.
    var isWaitingForRoom = false

    /// When its queue is looked at next, unless somebody says that there is work.
    var look: LoopTimer?
    var pace = CheckPace()
    /// Failed claims in a row.
    var readFailures = 0
    /// The rest that the queue has while the key, the providers or the facts cannot be read; nil once they can.
    var rest: Rest?
    /// When its expired idempotency keys are looked for next.
    var keysDue: MonotonicTime

    /// The deliveries held: claimed, and their words not on disk yet.
    var held: Set<DeliveryID> = []
    /// Those of them that go out with another one: it holds the place of all. Bounded by ``GatheringBounds``.
    var companions: Set<DeliveryID> = []
    /// The sends under way, by the delivery in whose name each is.
    var sends: [DeliveryID: Task<Void, Never>] = [:]
    /// The same as caps count them.
    var underWay = SendsUnderWay()

    /// What sending needs besides the facts, and when it was read.
    var means: SendingMeans?
    var rests = ProviderRests()
    /// The revisions of stored providers that cannot be used, of which was told.
    var unusable: [ProviderID: Int64] = [:]

    /// A pause between tries to prepare sends, longer each time.
    struct Rest {
        var failures = 0
        var until: MonotonicTime
    }

    init(
        _ lease: TenantLease, store: TenantStore, loop: EventLoop, environment: DeliveryEnvironment,
        teller: FactsTeller
    ) {
        self.lease = lease
        self.store = store
        // Tenants that are taken over together are not all looked at together.
        keysDue = loop.now.advanced(by: DeliveryWorker.keyPause * environment.randomness())
        recorder = Recorder(loop: loop, store: store, fence: lease.fence, environment: environment, teller: teller)
    }

    /// How many places it has.
    var places: Int { held.count - companions.count }

    /// Whether nothing of it is under way.
    var isIdle: Bool { held.isEmpty && !isClaiming && recorder.isEmpty }

    /// Begins nothing more. Sends that are under way are cut off if `cutsOff`: others may be at it already.
    func letGo(cutsOff: Bool) {
        isCurrent = false
        look?.cancel()
        look = nil
        recorder.letGo()
        if cutsOff { for send in sends.values { send.cancel() } }
    }
}
