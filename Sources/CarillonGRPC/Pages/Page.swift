/// A plain HTTP resource on the same port: one exact path, and what answers it.
///
/// Paths are compared octet by octet; nothing is decoded or normalised. What follows a `?` is the query and not part of
/// the path. GET pages answer HEAD as well.
package struct Page: Sendable {
    /// The methods that a page takes.
    package struct Methods: OptionSet, Sendable {
        package let rawValue: UInt8

        /// Makes a set of raw bits.
        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// GET and HEAD.
        package static let get = Methods(rawValue: 1)
        /// POST.
        package static let post = Methods(rawValue: 2)
    }
    enum Handler: Sendable {
        /// Runs on the connection's loop and does not wait.
        case inline(@Sendable (PageRequest) -> PageAnswer)
        /// Runs in a task on the connection's loop; cancelled when the caller is gone.
        case task(@Sendable (PageRequest) async throws -> PageAnswer)
    }
    /// The exact path, such as `/readyz`.
    package let path: String
    /// The methods that it takes; others are answered with 405.
    package let methods: Methods
    /// The greatest length of a body in octets; a longer one is answered with 413.
    package let bodyLimit: Int
    let handler: Handler

    /// Makes a page for GET whose answer does not depend on the request; the closure must not wait.
    package init(_ path: String, _ answer: @escaping @Sendable () -> PageAnswer) {
        self.init(path, inline: { _ in answer() })
    }

    /// Makes a page whose answer needs no waiting.
    package init(
        _ path: String, methods: Methods = .get, bodyLimit: Int = 16 * 1024,
        inline answer: @escaping @Sendable (PageRequest) -> PageAnswer
    ) {
        self.path = path
        self.methods = methods
        self.bodyLimit = bodyLimit
        handler = .inline(answer)
    }

    /// Makes a page whose answer takes time, such as a look-up in the database. What it throws is not told to the caller,
    /// who gets 500.
    package init(
        _ path: String, methods: Methods = .get, bodyLimit: Int = 16 * 1024,
        async answer: @escaping @Sendable (PageRequest) async throws -> PageAnswer
    ) {
        self.path = path
        self.methods = methods
        self.bodyLimit = bodyLimit
        handler = .task(answer)
    }

    /// Makes a page that is a file.
    package init(_ path: String, _ file: StaticFile) {
        self.init(path, inline: { file.answer($0) })
    }

    /// The value of `allow`.
    var allowed: String {
        switch methods {
        case .get: "GET, HEAD"
        case .post: "POST"
        default: "GET, HEAD, POST"
        }
    }
}
