internal import CarillonGRPC
internal import Domain
internal import Storage

/// Where a call came from, for the audit: the client's address without its port and, if it told one, its program's name.
enum CallOrigin {
    /// The most octets of a program's name that are kept.
    static let limit = 120

    /// One line of printable ASCII.
    static func text(of context: CallContext) -> String {
        text(peer: context.peer, userAgent: context[header: "user-agent"])
    }

    /// What the caller says of itself is cut to ``limit`` octets of printable ASCII; everything else in it is left out.
    static func text(peer: String, userAgent: String?) -> String {
        let program = String(
            decoding: (userAgent ?? "").utf8.lazy.filter { (0x20..<0x7f).contains($0) }.prefix(limit), as: UTF8.self)
        return program.isEmpty ? peer : "\(peer) \(program)"
    }
}

extension ServiceCore {
    /// The stamp of a change that a call makes.
    func stamp(_ context: CallContext, _ caller: Caller, at now: Instant) -> AuditStamp {
        AuditStamp(
            id: dependencies.makeID(at: now), actor: caller.actor, origin: CallOrigin.text(of: context))
    }
}
