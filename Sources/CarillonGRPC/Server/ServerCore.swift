internal import CarillonNet

/// What all connections of a server share; but for the gate, which guards itself, it is not changed after it was made.
final class ServerCore: Sendable {
    let methods: MethodTable
    let pages: PageTable
    let limits: ServerLimits
    /// Who may begin a TLS handshake.
    let gate: HandshakeGate
    let report: @Sendable (ServerEvent) -> Void

    init(
        methods: [RPCMethod], pages: [Page], limits: ServerLimits, report: @escaping @Sendable (ServerEvent) -> Void
    ) {
        self.methods = MethodTable(methods)
        self.pages = PageTable(pages)
        self.limits = limits
        gate = HandshakeGate(limits.ofHandshakes)
        self.report = report
    }
}
