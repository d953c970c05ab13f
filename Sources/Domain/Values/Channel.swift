/// A way to reach a recipient.
package enum Channel: String, CaseIterable, Sendable, Hashable {
    case email
    case inApp = "in_app"
    case push
    case sms
    case webhook

    /// The channel's place in a ``PerChannel`` and its bit in a ``ChannelSet``.
    package var index: Int {
        switch self {
        case .email: 0
        case .inApp: 1
        case .push: 2
        case .sms: 3
        case .webhook: 4
        }
    }

    /// The channel as people read it at the beginning of a line.
    package var title: String {
        switch self {
        case .email: "E-mail"
        case .inApp: "Portal inbox"
        case .push: "Push"
        case .sms: "SMS"
        case .webhook: "Webhook"
        }
    }

    /// Whether what is sent stays inside the portal. In-app content is shown only after sign-in, so it may carry more,
    /// and it is never held back by quiet hours, caps or digests.
    package var isInsidePortal: Bool { self == .inApp }
}

/// A set of channels in one byte.
package struct ChannelSet: OptionSet, Hashable, Sendable {
    /// One bit for each channel.
    package let rawValue: UInt8
    /// The set with these bits.
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Exactly one channel.
    package init(_ channel: Channel) { rawValue = 1 << UInt8(channel.index) }

    /// All the given channels.
    package init(_ channels: some Sequence<Channel>) {
        rawValue = channels.reduce(0) { $0 | (1 << UInt8($1.index)) }
    }

    /// Every channel there is.
    package static let all = ChannelSet(Channel.allCases)

    /// Whether `channel` is in the set.
    package func contains(_ channel: Channel) -> Bool { rawValue & (1 << UInt8(channel.index)) != 0 }

    /// The set's channels in the order of `Channel.allCases`.
    package var channels: [Channel] { Channel.allCases.filter { contains($0) } }
}

/// One value for each channel, stored in line.
package struct PerChannel<Value> {
    private var email: Value
    private var inApp: Value
    private var push: Value
    private var sms: Value
    private var webhook: Value

    /// The same value for every channel.
    package init(repeating value: Value) {
        email = value
        inApp = value
        push = value
        sms = value
        webhook = value
    }

    /// The value for one channel.
    package subscript(channel: Channel) -> Value {
        get {
            switch channel {
            case .email: email
            case .inApp: inApp
            case .push: push
            case .sms: sms
            case .webhook: webhook
            }
        }
        set {
            switch channel {
            case .email: email = newValue
            case .inApp: inApp = newValue
            case .push: push = newValue
            case .sms: sms = newValue
            case .webhook: webhook = newValue
            }
        }
    }
}

extension PerChannel: Sendable where Value: Sendable {}
extension PerChannel: Equatable where Value: Equatable {}
extension PerChannel: Hashable where Value: Hashable {}
