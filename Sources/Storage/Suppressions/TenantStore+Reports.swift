package import Domain
internal import Postgres

/// A message that was handed to a provider, or was to be.
package struct ReportedMessage: Sendable, Hashable {
    /// What every attempt carries.
    package let messageID: String
    /// Where it went, masked.
    package let maskedAddress: String?
    /// How far its delivery has come.
    package let state: DeliveryState
    /// Where it may have gone: all addresses of its recipient on its channel, as they are now.
    package let addresses: [String]

    /// Describes a message.
    package init(messageID: String, maskedAddress: String?, state: DeliveryState, addresses: [String]) {
        self.messageID = messageID
        self.maskedAddress = maskedAddress
        self.state = state
        self.addresses = addresses
    }
}

extension TenantStore {
    /// The messages of these deliveries, of those that there are.
    package func reportedMessages(
        _ ids: Set<DeliveryID>
    ) async throws(StorageError) -> [DeliveryID: ReportedMessage] {
        let ids = Array(ids)
        return try await storing { () async throws(PostgresError) in
            let columns = Self.columns(ids)
            let results = try await run([Query(reports.messages, columns), Query(reports.addresses, [columns[0]])])
            var addresses: [UserID: [Channel: [String]]] = [:]
            for row in results[1] {
                let user = try row.identifier(0, as: UserID.self)
                addresses[user, default: [:]][try row.value(1), default: []].append(try row.text(2))
            }
            var messages: [DeliveryID: ReportedMessage] = [:]
            for row in results[0] {
                let id = DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1))
                let user = try row.optionalIdentifier(5, as: UserID.self)
                let mailbox = try row.optionalText(6)
                messages[id] = ReportedMessage(
                    messageID: try row.text(2), maskedAddress: try row.optionalText(3), state: try row.value(4),
                    addresses: (user.flatMap { addresses[$0]?[id.channel] } ?? []) + [mailbox].compactMap { $0 })
            }
            return messages
        }
    }

    /// Says what became of messages whose outcome was not known: of their deliveries, which are all that went in it where the message
    /// is a digest. Those that have come to another end keep it.
    ///
    /// - Parameters:
    ///   - outcomes: by the deliveries that the messages are named by; nil for a message that has arrived, else the reason code of its
    ///     failure.
    ///   - now: the time of recording.
    /// - Returns: those of the names by which something is settled.
    package func settleUnknown(
        _ outcomes: [DeliveryID: String?], now: Instant
    ) async throws(StorageError) -> Set<DeliveryID> {
        guard !outcomes.isEmpty else { return [] }
        let ids = Array(outcomes.keys)
        let reasons = ids.map { outcomes[$0] ?? nil }
        let states = reasons.map { $0 == nil ? DeliveryState.delivered : .failed }
        return try await storing { () async throws(PostgresError) in
            let query = Query(
                reports.settle,
                Self.columns(ids) + [
                    .textArray(states.map(\.rawValue)), .optionalTextArray(reasons), .timestamp(now),
                ] + ReportStatements.span(ids, until: now))
            var settled: Set<DeliveryID> = []
            for row in try await run([query])[0] {
                settled.insert(
                    DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1)))
            }
            return settled
        }
    }
}
