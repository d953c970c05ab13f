internal import CarillonAPI
internal import Domain

/// What a check comes to.
struct CheckAnswer {
    /// The channels that are told of, in order.
    let channels: [Channel]
    /// What would happen on them.
    let decided: PerChannel<ChannelDecision?>

    /// The answer as it is given.
    var message: Carillon_V1_CheckPreferenceResponse {
        var response = Carillon_V1_CheckPreferenceResponse()
        response.channels.reserveCapacity(channels.count)
        for channel in channels {
            guard let decided = decided[channel] else { continue }
            response.channels.append(Carillon_V1_ChannelVerdict(channel, decided))
        }
        return response
    }

    /// A number that all answers have in common that look the same, and no others; nil for one that tells of a time, since few are the
    /// same.
    var signature: UInt64? {
        var signature: UInt64 = 0
        for channel in channels {
            guard let decided = decided[channel] else { continue }
            let isPositive: UInt64
            switch decided.verdict {
            case .deliver: isPositive = 1
            case .suppress: isPositive = 0
            case .defer, .digest: return nil
            }
            // Six bits for the reason, one for the verdict, three for the channel, one that says that there is one.
            signature = signature << 11 | UInt64(decided.reason.index) << 5 | isPositive << 4
            signature |= UInt64(channel.index) << 1 | 1
        }
        return signature
    }
}
