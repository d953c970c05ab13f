internal import CarillonAPI
internal import CarillonGRPC

/// The changes of an inbox as they come; see ``CarillonClient/watchInbox(token:after:)``. Each iterator is a call of its own,
/// which ends with it. A slow reader holds the server up, which then tells newer counts instead of all.
public struct InboxChanges: AsyncSequence, Sendable {
    /// What comes.
    public typealias Element = InboxChange
    private let client: CarillonClient
    private let token: String
    private let sequence: Int64?

    init(client: CarillonClient, token: String, after sequence: Int64?) {
        self.client = client
        self.token = token
        self.sequence = sequence
    }

    /// Begins to watch.
    public func makeAsyncIterator() -> Iterator {
        Iterator(client: client, token: token, after: sequence)
    }

    /// Takes the changes one by one.
    public struct Iterator: AsyncIteratorProtocol {
        private enum State {
            case idle(token: String, after: Int64?)
            case open(ResponseReader<Carillon_V1_WatchInboxResponse>.Iterator)
        }
        // Held to the end: a client that nobody holds closes its connections.
        private let client: CarillonClient
        private var state: State

        init(client: CarillonClient, token: String, after sequence: Int64?) {
            self.client = client
            state = .idle(token: token, after: sequence)
        }

        /// The next change; `nil` when the server has ended the call properly.
        ///
        /// - Throws: ``CarillonError``; a token that has expired is ``CarillonError/Code/unauthenticated``.
        public mutating func next() async throws(CarillonError) -> InboxChange? {
            do throws(Status) {
                var iterator = try await open()
                let response = try await iterator.next()
                state = .open(iterator)
                return response.map(InboxChange.init)
            } catch {
                throw CarillonError(error)
            }
        }

        private func open() async throws(Status) -> ResponseReader<Carillon_V1_WatchInboxResponse>.Iterator {
            switch state {
            case .open(let iterator): return iterator
            case .idle(let token, let sequence):
                var request = Carillon_V1_WatchInboxRequest()
                if let sequence { request.afterSequence = sequence }
                // The user's token takes the place of the tenant's key: this call is the user's.
                let options = CallOptions(metadata: [("authorization", "Bearer \(token)")])
                return try await InboxServiceClient(client.calls).watchInbox(request, options: options)
                    .makeAsyncIterator()
            }
        }
    }
}
