/// What was chosen about one type for one user: by the user, and for channels on which the user chose nothing by the administrators
/// of the account.
struct Wishes {
    /// The user's choices.
    let own: Standing
    /// The account's defaults; nil when there are none.
    let account: Standing?

    /// Whether the type is wanted on a channel: the reason, or nil when nobody said anything that applies.
    func word(on channel: Channel) -> Reason? {
        if let word = own.word(on: channel) { return word }
        guard let word = account?.word(on: channel) else { return nil }
        return word.isPositive ? .subscribedByAccount : .unsubscribedByAccount
    }

    /// Why a channel was turned off by itself, which holds for mandatory types as well; nil when it was not.
    func drop(of channel: Channel) -> Reason? {
        guard own.word(on: channel) == nil else {
            return own.channelsOff.contains(channel) ? .channelOptedOut : nil
        }
        return account?.channelsOff.contains(channel) == true ? .unsubscribedByAccount : nil
    }

    /// How often the user is to hear of it; nil when nobody said so.
    var cadence: Cadence? { own.cadence ?? account?.cadence }
}
