/// The sockets that listen on the addresses of one name, all on the same port. Whoever opened them closes them.
struct ListeningSockets {
    /// One for each address, none of which is the owner's before ``open(at:port:listen:)`` has returned.
    let descriptors: [CInt]
    /// The port that was asked for, or the one that the system chose for port 0.
    let port: UInt16

    /// How often another port is tried when the system's choice is taken on one of the further addresses.
    static let attempts = 10

    /// Opens a socket on an address; `onlyIPv6` keeps IPv4 away from an IPv6 socket.
    typealias Listen = (_ address: NetworkAddress, _ onlyIPv6: Bool) throws(SocketError) -> CInt

    /// Listens on all of the addresses, or on none.
    ///
    /// Where there are addresses of both families, IPv6 sockets take IPv6 alone, and those of them are left out that the
    /// system has not got: names have IPv6 addresses on machines without IPv6 too. A lone `::` takes what the system says.
    ///
    /// - Parameters:
    ///   - addresses: at least one.
    ///   - port: 0 lets the system choose for the first; the others get the same, or all begin anew with another.
    ///   - listen: opens one socket; tests put theirs in its place.
    /// - Throws: what the first failure was, with its address.
    static func open(
        at addresses: [NetworkAddress], port: UInt16, listen: Listen = Socket.listen
    ) throws(SocketError) -> ListeningSockets {
        for _ in 1..<attempts where port == 0 {
            do throws(SocketError) {
                return try openOnce(addresses, port, listen)
            } catch {
                guard error.isAddressInUse else { throw error }
            }
        }
        return try openOnce(addresses, port, listen)
    }

    private static func openOnce(
        _ addresses: [NetworkAddress], _ port: UInt16, _ listen: Listen
    ) throws(SocketError) -> ListeningSockets {
        let isMixed = Set(addresses.map(\.isIPv6)).count == 2
        var descriptors: [CInt] = []
        var chosen = port
        do throws(SocketError) {
            for address in addresses {
                do throws(SocketError) {
                    let descriptor = try listen(address.with(port: chosen), isMixed)
                    descriptors.append(descriptor)
                    if chosen == 0 { chosen = Socket.localPort(descriptor) }
                } catch {
                    guard isMixed, address.isIPv6, error.isUnknownAddress else { throw error }
                }
            }
            return ListeningSockets(descriptors: descriptors, port: chosen)
        } catch {
            for descriptor in descriptors { Socket.close(descriptor) }
            throw error
        }
    }
}
