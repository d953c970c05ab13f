/// What callers may ask of the standard services, which need no credential. Every number is a promise that nothing grows
/// without bound.
package struct StandardServiceLimits: Sendable {
    /// Open health watches of the server. Clients with health checking keep one for each connection and service.
    package var watches = 10_000
    /// Open health watches of one connection.
    package var watchesPerConnection = 64
    /// Names that `List` tells; more are refused (gRFC A90).
    package var listedNames = 100
    /// Open reflection streams of the server.
    package var reflectionStreams = 256
    /// Open reflection streams of one connection.
    package var reflectionStreamsPerConnection = 16
    /// The longest symbol or file name that reflection looks up, in octets of UTF-8. What is asked is sent back with the
    /// answer.
    package var nameLength = 4_096

    /// Makes the usual limits.
    package init() {}
}
