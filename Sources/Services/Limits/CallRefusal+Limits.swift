internal import CarillonGRPC

// What a tenant is told that has reached one of its limits: RESOURCE_EXHAUSTED with a reason, the limit, and when to come
// again, as RetryInfo and as `grpc-retry-pushback-ms`. They are made once for many refusals.

extension CallRefusal {
    /// More calls run at once than may.
    static func tooManyCalls(limit: Int) -> CallRefusal {
        CallRefusal(
            .tooManyCalls,
            "too many calls of the tenant's keys, or of its portal's users, run at once; wait until some have ended",
            limit: limit, retryAfter: .seconds(1))
    }

    /// The requests of the calls that run hold more than they may.
    static func tooManyOctets(limit: Int) -> CallRefusal {
        CallRefusal(
            .tooManyOctets,
            "too many large requests of the tenant's keys, or of its portal's users, run at once; wait until some have ended",
            limit: limit, retryAfter: .seconds(1))
    }

    /// More streams are open than may. They last longer than calls.
    static func tooManyStreams(limit: Int) -> CallRefusal {
        CallRefusal(
            .tooManyStreams, "too many streams of the tenant are open; wait until some have ended",
            limit: limit, retryAfter: .seconds(5))
    }

    /// More calls come than may. After a second half of what is allowed at once is free again, so that not all who were refused
    /// are refused again.
    static func callRate(limit: Int) -> CallRefusal {
        CallRefusal(
            .callRate,
            "the tenant's keys, or its portal's users, call more often than \(limit) times a second; call less often",
            limit: limit, retryAfter: .seconds(1))
    }

    /// More events come than may.
    static func eventRate(limit: Int) -> CallRefusal {
        CallRefusal(
            .eventRate, "the tenant publishes more than \(limit) events a second; publish more slowly", limit: limit,
            retryAfter: .seconds(1))
    }

    /// The choices of a user change more often than they may.
    static func preferenceRate(limit: Int, pause: Duration) -> CallRefusal {
        CallRefusal(
            .preferenceRate,
            "the choices of the user were changed too often lately; change them less often, several at once",
            limit: limit, retryAfter: pause)
    }

    /// Addresses of a user are asked about more often than they may.
    static func confirmationRate(limit: Int, pause: Duration) -> CallRefusal {
        CallRefusal(
            .confirmationRate,
            "mails that ask to confirm the user's addresses were asked for too often lately; wait for those that were sent",
            limit: limit, retryAfter: pause)
    }

    /// Too many events wait for the database.
    static let tooMuchWaiting = CallRefusal(
        .tooMuchWaiting, "too many events wait already", limit: nil, retryAfter: .milliseconds(500))

    /// The tenant has stored all that it may. What it has is counted now and then, so coming sooner is in vain.
    static func storageFull(limit: Int) -> CallRefusal {
        CallRefusal(
            .storageFull,
            "the tenant has stored the \(limit) rows that it may; let the operator raise the limit or keep less history",
            limit: limit, retryAfter: .seconds(300))
    }

    /// A message that is longer than the tenant may send: it does not become shorter by being sent again.
    static func messageTooLarge(limit: Int) -> CallRefusal {
        CallRefusal(
            .messageTooLarge, "the request is longer than the \(limit) octets that the tenant may send in one message",
            limit: limit, retryAfter: nil)
    }

    private init(_ reason: ErrorReason, _ message: String, limit: Int?, retryAfter: Duration?) {
        self.init(
            Status(
                .resourceExhausted, reason, message, metadata: limit.map { ["limit": String($0)] } ?? [:],
                retryAfter: retryAfter),
            pushback: retryAfter)
    }
}
