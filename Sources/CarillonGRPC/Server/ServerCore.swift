internal import CarillonNet

/// What all connections of a server share; not changed after it was made.
final class ServerCore: Sendable {
    let methods: MethodTable
    let pages: PageTable
    let limits: ServerLimits
    let report: @Sendable (ServerEvent) -> Void

    init(
        methods: [RPCMethod], pages: [Page], limits: ServerLimits, report: @escaping @Sendable (ServerEvent) -> Void
    ) {
        self.methods = MethodTable(methods)
        self.pages = PageTable(pages)
        self.limits = limits
        self.report = report
    }
}
