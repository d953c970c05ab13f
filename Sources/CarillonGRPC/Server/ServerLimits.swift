package import CarillonNet

/// What callers may ask of a server. Every number is a promise that nothing grows without bound.
package struct ServerLimits: Sendable {
    /// The greatest length of one request message in octets, as it came and when it is decompressed; 4 MiB as in other
    /// gRPC servers.
    package var messageSize = 4 * 1024 * 1024
    /// The greatest length in octets of a request message that is decoded on its loop, when it came without compression.
    /// Longer ones are decoded by other threads, as decoding many tiny fields takes 150 ns for each octet: whoever shares
    /// the loop is served meanwhile. So many octets at most are decompressed for one message on the loop, too.
    package var lightMessage = 16 * 1024
    /// Octets that a loop makes by decompression in one tick; what would become more is decoded by other threads.
    package var inflationPerTick = 64 * 1024
    /// Messages that are decoded by other threads at once, over all loops, and at least one for each. The connections take
    /// turns. libuv has four such threads, which also look up names and read files.
    package var decodings = 2
    /// Messages of one connection that may wait to be decoded by other threads, the one under way included; as long as there
    /// are more, or they are longer than ``messageSize`` together, nothing is read from the connection.
    package var decodingsPerConnection = 16
    /// How many times the length that came a message may have when it is decompressed, beyond ``freeInflation``. What people
    /// write compresses up to ten times, and lists of nearly the same up to a hundred times.
    package var inflationRatio = 100
    /// Octets that a compressed message may become whatever its length was: a message of zeros, which compresses a thousand
    /// times, is somebody's test more often than an attack.
    package var freeInflation = 512 * 1024
    /// Limits of each connection.
    package var http2 = HTTP2Limits()
    /// Connections that may be open at once, over all loops; more are closed at once.
    package var connections = 50_000
    /// TLS handshakes that may be under way at once for one address (IPv4), or one network of 64 bits (IPv6). For a further
    /// one, whoever has kept us waiting longest has to go. Behind a load balancer that hides its clients' addresses they all
    /// count as one; see ``countsHandshakesByAddress``.
    package var handshakesPerAddress = 512
    /// The same over all addresses. OpenSSL takes up to 60 KiB for each, so that they have at most 60 MiB together.
    package var handshakes = 1024
    /// Whether ``handshakesPerAddress``, ``handshakeBurst``, ``handshakesPerSecond`` and ``slowHandshakesPerSecond`` count. Off behind a
    /// load balancer that hides its clients' addresses, and bounds itself what each of them does: here whoever comes too
    /// often would shut out everybody. ``handshakes`` and ``waitingHandshakes`` count all the same.
    package var countsHandshakesByAddress = true
    /// Handshakes that may begin at once for one address or network; more are closed at once.
    package var handshakeBurst = 1000
    /// How many a second after that. A handshake takes a third of a millisecond of a processor.
    package var handshakesPerSecond = 500
    /// How many a second, and at once, for ``slowTime`` after a peer from there was cut off for a flood: who connects anew each
    /// time has us sign each time. Others who share the address are let in as often, together with him.
    package var slowHandshakesPerSecond = 10
    /// See ``slowHandshakesPerSecond``.
    package var slowTime: Duration = .seconds(60)
    /// Handshakes that may wait for their turn, over all loops; while there are as many, new connections wait in the
    /// system's queue.
    package var waitingHandshakes = 256
    /// Calls of one connection that may run at once, those included whose stream is gone and whose handler has not
    /// returned yet; more are refused (REFUSED_STREAM), untouched, and may be tried again elsewhere.
    package var callsPerConnection = 2000
    /// The same over all connections, divided evenly among the loops: room for 10,000 watched inboxes and 7,000 others. Beyond
    /// it connections with few calls are served (``fewCalls``).
    package var calls = 17_000
    /// Calls of one connection whose stream is gone while their handler works on; as long as there are as many, further
    /// calls are refused. A caller that opens and resets streams gets no more work done than this (CVE-2023-44487).
    package var abandonedCallsPerConnection = 200
    /// The same over all connections, divided evenly among the loops.
    package var abandonedCalls = 2000
    /// The longest time that a call's timeout gives it; longer ones count as this. Calls without a timeout have none: whoever
    /// watches something may do so for days.
    package var timeout: Duration = .seconds(24 * 60 * 60)
    /// Octets of requests that are not complete, or not taken by their handlers, of one connection; what comes beyond that
    /// ends its call with RESOURCE_EXHAUSTED.
    package var inputPerConnection = 16 * 1024 * 1024
    /// The same over all connections, divided evenly among the loops.
    package var input = 512 * 1024 * 1024
    /// Octets of answers that may wait for one connection's peer. Beyond that calls and pages are refused, unary answers
    /// become RESOURCE_EXHAUSTED and those of pages 503, and the writers of streams wait; one answer may go beyond it.
    package var outputPerConnection = 16 * 1024 * 1024
    /// The same over all connections, divided evenly among the loops.
    package var output = 128 * 1024 * 1024

    /// How often it is looked whether calls and connections have come to their end whose memory should go back to the system
    /// (``MemoryKeeper``).
    package var memoryPause: Duration = .seconds(1)
    /// Whether that is looked at at all: one server of a process does it for all.
    package var looksAfterMemory = true

    // Whoever uses up what there is for all must shut out himself, and nobody else: connections that have little are served
    // until twice as much is used.

    /// How many running calls are little.
    package var fewCalls = 100
    /// How many calls whose stream is gone are few.
    package var fewAbandonedCalls = 8
    /// How many octets of requests are little.
    package var littleInput = 64 * 1024
    /// How many octets of answers are little.
    package var littleOutput = 64 * 1024

    /// Makes the default limits.
    package init() {}

    /// How many octets a compressed message of some length may become.
    func inflatedSize(of length: Int) -> Int {
        let (product, isBeyond) = length.multipliedReportingOverflow(by: inflationRatio)
        return min(messageSize, max(freeInflation, isBeyond ? .max : product))
    }

    /// What a caller is told whose message of some length becomes more than that.
    func inflatesTooMuch(_ length: Int) -> Status {
        let size = inflatedSize(of: length)
        guard size < messageSize else {
            return Status(.resourceExhausted, "the message has more than \(size) bytes when it is decompressed")
        }
        return Status(
            .resourceExhausted,
            """
            the message of \(length) compressed bytes becomes more than \(size); beyond \(freeInflation) it may grow \
            \(inflationRatio) times at most: send it without compression
            """)
    }

    /// What the gate of the handshakes needs to know.
    var ofHandshakes: HandshakeLimits {
        HandshakeLimits(
            countsByAddress: countsHandshakesByAddress, perAddress: handshakesPerAddress, overall: handshakes,
            waiting: waitingHandshakes, burst: handshakeBurst, perSecond: handshakesPerSecond,
            slowPerSecond: slowHandshakesPerSecond, slowTime: slowTime)
    }
}
