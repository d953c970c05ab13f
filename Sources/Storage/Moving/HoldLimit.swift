internal import CarillonNet
internal import Postgres

/// For how long a tenant may be held, and what is said where that is not enough.
struct HoldLimit: Sendable, Hashable {
    /// From the moment in which the tenant's role is shut out until the registry names the target.
    let length: Duration

    /// Why a tenant is not held that would be for longer than it may; nil when it can be tried.
    ///
    /// - Parameter forecast: how long the last pass took over what is compared and copied while it is held.
    func refusal(forecast: Duration) -> StorageError? {
        guard forecast > length else { return nil }
        return .moveRefused(
            "the tenant would be held for about \(Self.seconds(forecast)) s, and may be for \(seconds) s: \(Self.advice)"
        )
    }

    /// What a hold ends with that was not over in time.
    func passed(_ error: StorageError) -> StorageError {
        .moveRefused(
            "the tenant could not be moved in the \(seconds) s for which it may be held: \(Self.advice) (\(error))")
    }

    private static let advice =
        "it is served where it was, and what was copied is kept; try again when less is written, or with a greater "
        + "--hold-limit, or remove the copy by --abort"

    private var seconds: String { Self.seconds(length) }

    private static func seconds(_ duration: Duration) -> String {
        "\((duration.wholeNanoseconds + 999_999_999) / 1_000_000_000)"
    }

    /// The query that gives all statements of the open transaction what is left, at the server too: it must not go on with
    /// them when this program is gone.
    static func bound(_ left: Duration) -> Query {
        Query(CopyStatements.limitStatements(max(1, left.wholeNanoseconds / 1_000_000)))
    }
}
