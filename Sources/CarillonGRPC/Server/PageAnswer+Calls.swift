internal import CarillonNet

// Answers in plain HTTP to what is not a call that this server can take. They have no `grpc-status`: a gRPC client makes one
// from the HTTP status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
extension PageAnswer {
    /// The request says that it did not come over TLS, as it does when a proxy in front is set up wrongly.
    static let wrongScheme = PageAnswer(status: 400, text: "this port speaks TLS: the scheme is https\n")
    /// The header list is over the limit.
    static let headersTooLarge = PageAnswer(status: 431, text: "the request's header fields are too large\n")
    /// Nothing here takes such a body.
    static let wrongMediaType = PageAnswer(
        status: 415, text: "this takes calls: gRPC, gRPC-Web or Connect; see accept-post\n",
        fields: [("accept-post", CallContentType.accepted)])

    /// Too much waits, of requests or of answers that are not read.
    static let busy = PageAnswer(
        status: 503, text: "too much waits in memory; try again\n", fields: [("retry-after", "1")])

    /// The connection ends before the answer is there.
    static let goingAway = PageAnswer(
        status: 503, text: "the server ends the connection; try again\n", fields: [("retry-after", "1")])

    /// The method is not one that the call has.
    static func wrongMethod(allowed: String) -> PageAnswer {
        PageAnswer(status: 405, text: "this takes \(allowed)\n", fields: [("allow", allowed)])
    }
}
