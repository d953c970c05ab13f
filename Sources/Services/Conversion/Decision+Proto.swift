internal import CarillonAPI
internal import Domain
internal import Storage
internal import SwiftProtobuf

extension Carillon_V1_Verdict {
    init(_ verdict: Verdict) {
        self =
            switch verdict {
            case .deliver: .deliver
            case .defer: .defer
            case .digest: .digest
            case .suppress: .suppress
            }
    }

    init(_ verdict: StoredVerdict) {
        self =
            switch verdict {
            case .deliver: .deliver
            case .defer: .defer
            case .digest: .digest
            case .suppress: .suppress
            }
    }
}

extension Carillon_V1_ChannelVerdict {
    init(_ channel: Channel, _ decision: ChannelDecision) {
        self.init()
        self.channel = Carillon_V1_Channel(channel)
        verdict = Carillon_V1_Verdict(decision.verdict)
        reason = decision.reason.rawValue
        if let time = decision.verdict.time { deliverTime = Google_Protobuf_Timestamp(time) }
    }
}

extension Verdict {
    /// When something is sent that is not sent now.
    fileprivate var time: Instant? {
        switch self {
        case .defer(let until): until
        case .digest(let window): window.closes
        case .deliver, .suppress: nil
        }
    }
}

extension Carillon_V1_ChannelDecision {
    init(_ channel: Channel, _ decision: ChannelDecision) {
        self.init()
        self.channel = Carillon_V1_Channel(channel)
        verdict = Carillon_V1_Verdict(decision.verdict)
        reason = decision.reason.rawValue
        explanation = decision.reason.text
        if let time = decision.verdict.time { deliverTime = Google_Protobuf_Timestamp(time) }
    }

    init(_ delivery: DeliveryRecord) {
        self.init()
        channel = Carillon_V1_Channel(delivery.channel)
        verdict = Carillon_V1_Verdict(delivery.verdict)
        reason = delivery.reason.rawValue
        explanation = delivery.reason.text
        if let time = delivery.awaitedTime { deliverTime = Google_Protobuf_Timestamp(time) }
    }
}

extension Carillon_V1_RecipientDecision {
    init(_ decision: RecipientDecision, notification: NotificationID?, channels: [Channel]) {
        self.init()
        notificationID = notification?.description ?? ""
        audience = Carillon_V1_Audience(decision.audience)
        switch decision.recipient {
        case .user(let id): userID = id.rawValue
        case .mailbox(let account):
            billingMailbox = account != nil
            teamMailbox = account == nil
        case .nobody: break
        }
        self.channels = channels.compactMap { channel in
            decision.decision.channels[channel].map { Carillon_V1_ChannelDecision(channel, $0) }
        }
    }
}
