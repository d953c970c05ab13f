@testable import Domain

/// The decision once more, slow and to be checked by reading: the ten steps of the precedence, one small function each, in
/// their order, as loops over lists. It shares the engine's value types, and none of its rules.
///
/// Where the text leaves something open, a comment says so, and which reading holds here.
struct Reference {
    let world: World
    let audience: Audience
    /// The audience's side, the most senior first; ties are broken by id.
    let people: [World.Person]

    init(_ world: World, as audience: Audience) {
        self.world = world
        self.audience = audience
        people = world.people(of: audience).users.sorted { left, right in
            left.facts.seniority == right.facts.seniority
                ? left.facts.id < right.facts.id : left.facts.seniority < right.facts.seniority
        }
    }

    /// The answer for one user of the side.
    ///
    /// The text leaves open where scope stands among the steps; here it comes right after the type, before anything that
    /// tells of the user.
    func answer(for person: World.Person, heldDuty: Duty? = nil) -> Answer {
        let user = person.facts
        if let reason = typeIsOff() { return refusal(reason) }
        if !isInScope(user) { return refusal(.outOfScope) }
        if let reason = recipientIsOut(user) { return refusal(reason) }
        if let reason = isSuppressed() { return refusal(reason) }
        if let reason = isTheActor(user) { return refusal(reason) }
        if let reason = hasLostItsReason() { return refusal(reason) }
        return answer(for: person, duty: duty(of: user, held: heldDuty))
    }

    /// Whether each channel is wanted, then whether it can be used, then when.
    private func answer(for person: World.Person, duty: Duty?) -> Answer {
        var verdicts = PerChannel<ChannelDecision?>(repeating: nil)
        var wants: [Reason] = []
        // Time says the same of all channels but the inbox, so it is asked once, and only if it matters.
        lazy var waiting = hasToWait(person, isMandatory: duty != nil) ?? isTooEarly()
        for channel in world.channels {
            let want = wish(of: person.facts, duty: duty, on: channel)
            wants.append(want)
            if !want.isPositive {
                verdicts[channel] = .suppressed(want)
            } else if let reason = addressIsOut(person.facts, on: channel) {
                verdicts[channel] = .suppressed(reason)
            } else if channel == .inApp {
                verdicts[channel] = isTooEarly() ?? ChannelDecision(.deliver, want)
            } else if let waiting {
                verdicts[channel] = waiting
            } else if duty == nil, isThrottled(person.facts, on: channel) {
                verdicts[channel] = .suppressed(.throttled)
            } else {
                verdicts[channel] = ChannelDecision(.deliver, want)
            }
        }
        return Answer(reason: duty?.reason ?? reasonOfTheWhole(wants), channels: verdicts)
    }

    /// The text leaves open which reason speaks for the whole where channels differ; here the first channel that is
    /// wanted, in the type's order. When none is: the first no to the whole, and no to each channel by itself is that too.
    private func reasonOfTheWhole(_ wants: [Reason]) -> Reason {
        if let wanted = wants.first(where: \.isPositive) { return wanted }
        return wants.first { $0 != .channelOptedOut } ?? .optedOut
    }

    func refusal(_ reason: Reason) -> Answer { Answer(refusal: reason, on: world.channels) }
}
