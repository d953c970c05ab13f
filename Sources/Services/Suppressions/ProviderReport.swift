internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// One event of a provider that was checked, before anything is known of what it names.
struct ProviderReport {
    /// What follows from it.
    enum Effect: Hashable {
        case news(AddressNews.Word)
        /// The message has arrived.
        case arrival
        case nothing
    }
    /// What it is about.
    enum Subject: Hashable {
        case message(DeliveryID, String)
        case address(Address)
    }

    /// The longest text that names a message, in octets: that of a line of a mail.
    private static let messageIDLimit = 998
    /// The longest token of a device, in octets.
    private static let tokenLimit = 2_000

    let effect: Effect
    let subject: Subject
    let at: Instant

    /// Reads an event.
    ///
    /// - Parameter now: the time of the call; nothing has happened after it.
    /// - Throws: INVALID_ARGUMENT that names every field that is wrong; NOT_FOUND for what cannot be the name of a message of ours.
    init(_ event: Carillon_V1_ProviderEvent, now: Instant) throws(Status) {
        var check = FieldCheck()
        let effect = Self.effect(of: event.kind)
        if effect == nil {
            check.add(
                "kind", "is not a known kind of event", reason: event.kind == .unspecified ? "REQUIRED" : "UNKNOWN")
        }
        var at = now
        if event.hasOccurTime {
            if let time = Instant(event.occurTime) {
                at = min(time, now)
            } else {
                check.add("occur_time", "is not a point in time in the years 1970 to 9999", reason: "OUT_OF_RANGE")
            }
        }
        var subject: Subject?
        switch event.subject {
        case .messageID(let text):
            check.line(text, "message_id", limit: Self.messageIDLimit, isRequired: true)
            try check.check()
            subject = Self.delivery(of: text)
            guard subject != nil else { throw .messageNotFound }
        case .address(let address): subject = Self.address(address, &check).map { .address($0) }
        case nil: check.add("message_id", "is required, or an address is", reason: "REQUIRED")
        }
        if let subject, !Self.channels(of: event.kind).contains(ChannelSet(subject.channel)) {
            check.add("kind", "does not happen on the channel \(subject.channel.rawValue)")
        }
        try check.check()
        guard let effect, let subject else { throw .unauthenticated }
        (self.effect, self.subject, self.at) = (effect, subject, at)
    }

    private static func effect(of kind: Carillon_V1_ProviderEventKind) -> Effect? {
        switch kind {
        case .delivered: .arrival
        case .bouncedPermanently: .news(.suppressed(.hardBounced))
        case .bouncedTemporarily: .nothing
        case .complained: .news(.suppressed(.complained))
        case .stopped: .news(.suppressed(.stopped))
        case .started: .news(.started)
        case .tokenGone: .news(.suppressed(.tokenGone))
        case .unspecified, .UNRECOGNIZED: nil
        }
    }

    private static func channels(of kind: Carillon_V1_ProviderEventKind) -> ChannelSet {
        switch kind {
        case .bouncedPermanently: [ChannelSet(.email), ChannelSet(.sms)]
        case .complained: ChannelSet(.email)
        case .stopped, .started: ChannelSet(.sms)
        case .tokenGone: ChannelSet(.push)
        // What is no kind is said already.
        case .delivered, .bouncedTemporarily, .unspecified, .UNRECOGNIZED:
            [ChannelSet(.email), ChannelSet(.sms), ChannelSet(.push)]
        }
    }

    /// The delivery that a Message-ID of ours names: `<notification>.<channel>@<host>`.
    private static func delivery(of text: String) -> Subject? {
        var name = text[...]
        if name.hasPrefix("<"), name.hasSuffix(">") { name = name.dropFirst().dropLast() }
        let parts = name.prefix { $0 != "@" }.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let notification = NotificationID(String(parts[0])),
            let channel = Channel(rawValue: String(parts[1]))
        else { return nil }
        return .message(DeliveryID(notification: notification, channel: channel), String(name))
    }

    private static func address(_ sent: Carillon_V1_ChannelAddress, _ check: inout FieldCheck) -> Address? {
        guard let channel = check.addressed(sent.channel, "address.channel") else { return nil }
        check.address(sent.address, on: channel, "address.address", tokenLimit: tokenLimit)
        return Address(channel, sent.address)
    }
}

extension ProviderReport.Subject {
    /// The channel that it is about.
    fileprivate var channel: Channel {
        switch self {
        case .message(let id, _): id.channel
        case .address(let address): address.channel
        }
    }
}

extension FieldCheck {
    /// A channel on which people have addresses; nil, noted, for every other one.
    mutating func addressed(_ channel: Carillon_V1_Channel, _ field: String) -> Channel? {
        switch Channel(channel) {
        case .some(let channel) where [.email, .push, .sms].contains(channel): return channel
        case .some: add(field, "has no addresses of people: send e-mail, push or SMS")
        case nil:
            add(field, "is required: e-mail, push or SMS", reason: channel == .unspecified ? "REQUIRED" : "UNKNOWN")
        }
        return nil
    }

    /// An address on a channel, in the form that stored ones have.
    mutating func address(_ text: String, on channel: Channel, _ field: String, tokenLimit: Int = 2_000) {
        switch channel {
        case .email: email(text, field, isRequired: true)
        case .sms where text.isEmpty: add(field, "is required", reason: "REQUIRED")
        case .sms:
            if !TextForms.isPhone(text) {
                add(field, "is not a number in E.164 form, such as +4930123456", reason: "MALFORMED")
            }
        case .push, .inApp, .webhook: line(text, field, limit: tokenLimit, isRequired: true)
        }
    }
}
