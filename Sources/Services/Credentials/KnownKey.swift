internal import CarillonNet
internal import Domain
internal import Security
internal import Storage

/// A key as the registry knew it.
///
/// Confined to its loop; safe as `@unchecked Sendable` for that reason.
final class KnownKey: @unchecked Sendable {
    /// What the key opens.
    let credential: Storage.Credential
    /// When the registry was asked.
    let readAt: MonotonicTime
    private var notedAt: Instant?

    init(_ credential: Storage.Credential, readAt: MonotonicTime) {
        self.credential = credential
        self.readAt = readAt
    }

    /// How far apart two uses are noted, in seconds: what is recorded of them is coarser.
    static let usePause: Int64 = 10

    /// Whether a use is to be noted (``KeyUses``), which then counts as done.
    func isWorthNoting(at now: Instant) -> Bool {
        if let notedAt, now.seconds - notedAt.seconds < Self.usePause { return false }
        notedAt = now
        return true
    }
}
