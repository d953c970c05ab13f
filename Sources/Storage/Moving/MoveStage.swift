/// How far the move of a tenant is, as its row in the registry says. A move goes through all of them in order, but
/// for ``restoring``, which leads back to ``copying``; up to there it can be taken back.
package enum MoveStage: String, Sendable, Hashable, CaseIterable {
    /// The tenant is served where it is, while a copy is made.
    case copying
    /// Its calls are served; workers finish what they hold of it and take nothing new.
    case draining
    /// Its calls are refused, and the rest is copied.
    case held
    /// It is given its service back where it was: from now on no earlier step can be done.
    case restoring
    /// It lives at its new place, which is not opened to its calls yet.
    case switched
    /// It is served at its new place; what is left at the old one is removed.
    case opened

    /// What the next run has to do about a move that was broken off at this stage.
    package enum Continuation: Sendable, Hashable {
        /// Give the tenant its service back where it was, and copy what is missing.
        case copy
        /// Open the new place.
        case open
        /// Remove what is left at the old place.
        case clear
    }

    /// See ``Continuation``.
    package var continuation: Continuation {
        switch self {
        case .copying, .draining, .held, .restoring: .copy
        case .switched: .open
        case .opened: .clear
        }
    }

    /// Whether the move can be taken back: the tenant still lives where it did.
    package var canBeAborted: Bool { continuation == .copy }
}
