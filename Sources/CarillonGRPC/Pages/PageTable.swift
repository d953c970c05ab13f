internal import CarillonNet

/// Finds a page by the exact octets of its path. Made once, read by all loops.
struct PageTable: Sendable {
    /// The greatest length of an address, query included, in octets; a longer one is answered with 414.
    static let addressLimit = 8 * 1024

    // Octets, not strings: strings that are written differently can be equal.
    private let pages: [[UInt8]: Page]

    init(_ pages: [Page]) {
        self.pages = Dictionary(pages.map { (Array($0.path.utf8), $0) }) { first, _ in
            preconditionFailure("the page \(first.path) is registered twice")
        }
    }

    /// What becomes of a request, as far as its header block tells.
    enum Decision {
        /// The page answers when the body is there.
        case page(Page, PageRequest)
        /// Nothing but this can be answered.
        case refusal(PageAnswer)
    }

    /// Whether there is a page at an address. What follows a `?` does not matter.
    func contains(_ address: UnsafeRawBufferPointer) -> Bool {
        pages[Self.path(of: address)] != nil
    }

    private static func path(of address: UnsafeRawBufferPointer) -> [UInt8] {
        Array(address.prefix { $0 != UInt8(ascii: "?") })
    }

    /// Decides by method and address.
    func decide(_ fields: HeaderBlock) -> Decision {
        let method = fields[":method"] ?? ""
        let address = fields.withFirst(":path") { Array($0 ?? .init(start: nil, count: 0)) }
        guard address.count <= Self.addressLimit else {
            return .refusal(
                PageAnswer(
                    status: 414, text: "the address has \(address.count) octets; the limit is \(Self.addressLimit)\n"))
        }
        let path = address.withUnsafeBytes { Self.path(of: $0) }
        guard let page = pages[path] else {
            return .refusal(
                PageAnswer(
                    status: 404,
                    text: """
                        not found: there is no page at this exact path, and no method that is called this way.
                        gRPC, gRPC-Web and Connect calls go to /package.Service/Method, by POST.

                        """))
        }
        let kind: PageRequest.Method
        switch method {
        case "GET" where page.methods.contains(.get), "HEAD" where page.methods.contains(.get): kind = .get
        case "POST" where page.methods.contains(.post): kind = .post
        default:
            return .refusal(
                PageAnswer(
                    status: 405, text: "this page takes \(page.allowed)\n", fields: [("allow", page.allowed)]))
        }
        let query = Array(address.dropFirst(path.count + 1))
        return .page(page, PageRequest(method: kind, path: page.path, query: query, fields: fields))
    }
}
