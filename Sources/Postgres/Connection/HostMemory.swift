/// What a pool remembers of its servers, so that one that is gone costs its time once and not with every attempt: the one
/// that served last is tried first, and those that did not answer in time are tried last. Whatever answers at all, if
/// only that it is read-only, is tried in the order of the connection string again.
///
/// Confined to the pool's loop.
final class HostMemory {
    private var last: ConnectionParameters.Host?
    private var silent: Set<ConnectionParameters.Host> = []
    /// Addresses come and go with what names are resolved to.
    private static let limit = 64

    /// The servers in the order in which they are best tried.
    func order(_ hosts: [ConnectionParameters.Host]) -> [ConnectionParameters.Host] {
        var first: [ConnectionParameters.Host] = []
        var middle: [ConnectionParameters.Host] = []
        var end: [ConnectionParameters.Host] = []
        for host in hosts {
            if host == last {
                first.append(host)
            } else if silent.contains(host) {
                end.append(host)
            } else {
                middle.append(host)
            }
        }
        return first + middle + end
    }

    /// The server gave us a session that can write.
    func served(_ host: ConnectionParameters.Host) {
        silent.remove(host)
        last = host
    }

    /// The server, or its machine, refused us.
    func refused(_ host: ConnectionParameters.Host) {
        silent.remove(host)
        if last == host { last = nil }
    }

    /// The server did not answer in time.
    func wasSilent(_ host: ConnectionParameters.Host) {
        if silent.count >= Self.limit { silent = [] }
        silent.insert(host)
        if last == host { last = nil }
    }
}
