internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// A key as the registry knew it, with who was let in by it: whoever comes again is let in without reading all of that anew,
/// which would be most of what a call costs where thousands of tenants call in turns.
///
/// Confined to its loop; safe as `@unchecked Sendable` for that reason.
final class KnownKey: @unchecked Sendable {
    /// What the key opens.
    let credential: Storage.Credential
    /// When the registry was asked.
    let readAt: MonotonicTime
    private var admitted: (caller: Caller, kind: APIKey.Kind, epoch: Int)?
    private var notedAt: Instant?

    init(_ credential: Storage.Credential, readAt: MonotonicTime) {
        self.credential = credential
        self.readAt = readAt
    }

    /// Who was let in by the key, if that still counts.
    ///
    /// - Parameters:
    ///   - kind: as what the key is shown.
    ///   - now: the time of the loop's tick.
    ///   - epoch: the count of ``Authenticator``.
    func caller(with kind: APIKey.Kind, at now: MonotonicTime, epoch: Int) -> Caller? {
        guard let admitted, admitted.epoch == epoch, admitted.kind == kind, now < admitted.caller.goodUntil else {
            return nil
        }
        return admitted.caller
    }

    /// Takes note of who was let in.
    func admit(_ caller: Caller, with kind: APIKey.Kind, epoch: Int) {
        admitted = (caller, kind, epoch)
    }

    /// How far apart two uses are noted: what is recorded of them is coarser.
    private static let usePause = Duration.seconds(10)

    /// Whether a use is to be noted (``KeyUses``), which then counts as done.
    func isWorthNoting(at now: Instant) -> Bool {
        if let notedAt, now < notedAt.advanced(by: Self.usePause) { return false }
        notedAt = now
        return true
    }
}
