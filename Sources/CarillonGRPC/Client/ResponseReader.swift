internal import CarillonNet
package import SwiftProtobuf

/// The messages of an answer, for one reader in any task, and the metadata around them. Its end throws the status of a call
/// that failed. A call is cancelled when its reader and its writer are gone, or when a task that waits for it is cancelled.
package struct ResponseReader<Response: Message>: AsyncSequence, Sendable {
    package typealias Element = Response
    private let handle: CallHandle

    init(handle: CallHandle) {
        self.handle = handle
    }

    /// Gives up the call; the server is told. From any task.
    package func cancel() {
        handle.call.execute { $0.cancel() }
    }

    /// Waits for the leading metadata, which comes before the first message. It is empty when the call failed without.
    package func headers() async -> Metadata {
        let metadata = try? await handle.run { await $0.headers() }
        return metadata ?? Metadata()
    }

    /// Waits for the end of the call, and returns how it was and the trailing metadata. Messages that were not taken hold the
    /// end up, as they hold up the server.
    package func outcome() async -> (status: Status, trailers: Metadata) {
        do throws(Status) {
            return try await handle.run { await $0.outcome() }
        } catch {
            return (error, Metadata())
        }
    }

    /// Reads the messages from the first that was not taken yet.
    package func makeAsyncIterator() -> Iterator {
        Iterator(handle: handle)
    }

    /// Takes the messages one by one.
    package struct Iterator: AsyncIteratorProtocol {
        let handle: CallHandle

        /// The next message; `nil` after the last.
        package mutating func next() async throws(Status) -> Response? {
            try await handle.run { call async throws(Status) in try await call.next() }
        }
    }
}
