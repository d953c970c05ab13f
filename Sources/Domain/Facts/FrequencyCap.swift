/// The most messages that one user may get within a rolling span of time. What is mandatory passes every cap, and counts.
package struct FrequencyCap: Hashable, Sendable {
    /// Which messages count, and are held back.
    package enum Scope: Hashable, Sendable {
        /// All of them.
        case all
        /// Those of one category.
        case category(CategoryName)
        /// Those of one type.
        case type(TypeKey)
    }

    /// Which messages it is about.
    package let scope: Scope
    /// The channel that it is about; nil for all of them together but the inbox.
    package let channel: Channel?
    /// How many there may be.
    package let limit: Int
    /// Within how many seconds: those at the beginning of the span count no more when it has passed.
    package let seconds: Int64

    /// The longest span: a week and a day. What was sent must be known for so long.
    package static let longestSpan: Int64 = 8 * 86_400

    /// A cap; nil when it is not between 1 and 1,000 messages, in a minute to 8 days, or for the inbox, which has none.
    package init?(_ limit: Int, within seconds: Int64, of scope: Scope = .all, on channel: Channel? = nil) {
        guard (1...1_000).contains(limit), (60...Self.longestSpan).contains(seconds), channel?.isInsidePortal != true
        else { return nil }
        self.scope = scope
        self.channel = channel
        self.limit = limit
        self.seconds = seconds
    }

    /// Whether it is about a type on a channel.
    package func concerns(_ type: TypeKey, of category: CategoryName, on channel: Channel) -> Bool {
        guard !channel.isInsidePortal, self.channel == nil || self.channel == channel else { return false }
        switch scope {
        case .all: return true
        case .category(let name): return name == category
        case .type(let key): return key == type
        }
    }
}

/// A message that a user got.
package struct RecentSend: Hashable, Sendable {
    /// When it was sent.
    package let at: Instant
    /// Its type.
    package let type: TypeKey
    /// The type's category.
    package let category: CategoryName
    /// How it was sent.
    package let channel: Channel

    /// A message that was sent.
    package init(at: Instant, type: TypeKey, category: CategoryName, channel: Channel) {
        self.at = at
        self.type = type
        self.category = category
        self.channel = channel
    }
}

extension FrequencyCap {
    /// Whether no further message may be sent now.
    ///
    /// - Parameter sends: what the user got lately, in any order; mandatory messages too.
    package func isReached(by sends: [RecentSend], at now: Instant) -> Bool {
        let start = now.seconds - seconds
        var count = 0
        for send in sends where send.at.seconds > start && concerns(send.type, of: send.category, on: send.channel) {
            count += 1
            if count == limit { return true }
        }
        return false
    }
}
