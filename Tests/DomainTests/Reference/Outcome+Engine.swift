@testable import Domain

extension Outcome {
    /// What the engine says of a world.
    init(engine world: World) {
        guard let event = world.event else { return }
        let account = world.accountFacts
        let supplier = world.supplierFacts
        resolved = resolve(
            event: event, account: account, supplier: supplier, settings: world.settings, now: world.now
        ).map { Entry(recipient: $0.recipient, audience: $0.audience, answer: Answer($0.decision)) }
        for audience in Audience.allCases {
            let people = audience.isInternal ? supplier : account ?? .empty
            for id in people.users.map(\.id) + [Self.stranger] {
                let decision = decide(
                    user: id, as: audience, event: event, account: account, supplier: supplier,
                    settings: world.settings, heldDuty: world.heldDuty, now: world.now)
                asked.append(Entry(recipient: .user(id), audience: audience, answer: Answer(decision)))
            }
            for duty in [.standIn, nil, world.heldDuty] as [Duty?] {
                let mailbox = decideMailbox(
                    as: audience, event: event, account: account, supplier: supplier, settings: world.settings,
                    heldDuty: duty, now: world.now)
                mailboxes.append(
                    Entry(
                        recipient: .mailbox(audience.isInternal ? nil : World.account), audience: audience,
                        answer: Answer(mailbox)))
            }
        }
    }
}
