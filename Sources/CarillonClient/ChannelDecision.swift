internal import CarillonAPI
public import Foundation
internal import SwiftProtobuf

/// What is to happen on one channel, and why.
public struct ChannelDecision: Sendable, Hashable {
    /// A way out to a person.
    public enum Channel: String, Sendable {
        /// Mail.
        case email
        /// The inbox inside the portal.
        case inApp
        /// A push message.
        case push
        /// A text message.
        case sms
        /// A call to an address of the supplier's team.
        case webhook
        /// One that this version does not know.
        case unknown
    }

    /// What is to happen.
    public enum Verdict: String, Sendable {
        /// It is sent.
        case deliver
        /// It is sent later.
        case `defer`
        /// It goes into the next digest.
        case digest
        /// It is not sent.
        case suppress
        /// Something that this version does not know.
        case unknown
    }

    /// The channel.
    public let channel: Channel
    /// What is to happen.
    public let verdict: Verdict
    /// Stable code of the winning rule, such as `mandatory_all` or `opted_out`.
    public let reason: String
    /// With ``Verdict/defer`` when it is sent, with ``Verdict/digest`` when the digest closes; nil otherwise.
    public let deliverTime: Date?

    init(_ decision: Carillon_V1_ChannelDecision) {
        channel = Channel(decision.channel)
        verdict = Verdict(decision.verdict)
        reason = decision.reason
        deliverTime = decision.hasDeliverTime ? decision.deliverTime.date : nil
    }

    init(_ decision: Carillon_V1_ChannelVerdict) {
        channel = Channel(decision.channel)
        verdict = Verdict(decision.verdict)
        reason = decision.reason
        deliverTime = decision.hasDeliverTime ? decision.deliverTime.date : nil
    }
}

extension ChannelDecision.Channel {
    fileprivate init(_ channel: Carillon_V1_Channel) {
        self =
            switch channel {
            case .email: .email
            case .inApp: .inApp
            case .push: .push
            case .sms: .sms
            case .webhook: .webhook
            case .unspecified, .UNRECOGNIZED: .unknown
            }
    }
}

extension ChannelDecision.Verdict {
    fileprivate init(_ verdict: Carillon_V1_Verdict) {
        self =
            switch verdict {
            case .deliver: .deliver
            case .defer: .defer
            case .digest: .digest
            case .suppress: .suppress
            case .unspecified, .UNRECOGNIZED: .unknown
            }
    }
}
