@testable import Domain

extension Outcome {
    /// What the text says of a world.
    init(reference world: World) {
        var told: [UserID] = []
        for audience in Audience.allCases {
            let reference = Reference(world, as: audience)
            let concerns = world.terms[audience] != nil && (audience.isInternal || world.customers != nil)
            for person in reference.people {
                let id = person.facts.id
                let answer = reference.answer(for: person)
                let held = world.heldDuty.map { reference.answer(for: person, heldDuty: $0) } ?? answer
                asked.append(Entry(recipient: .user(id), audience: audience, answer: held))
                guard concerns, reference.isInScope(person.facts) else { continue }
                let isDuplicate = Reference.isDuplicate(id, answer, after: told)
                resolved.append(
                    Entry(
                        recipient: .user(id), audience: audience,
                        answer: isDuplicate ? reference.refusal(.duplicate) : answer))
                if answer.tells { told.append(id) }
            }
            // The text leaves open what comes first for somebody whom nobody knows; here that, whatever the type.
            asked.append(
                Entry(
                    recipient: .user(Self.stranger), audience: audience,
                    answer: reference.refusal(.recipientInactive)))
            for duty in [.standIn, nil, world.heldDuty] as [Duty?] {
                mailboxes.append(
                    Entry(
                        recipient: .mailbox(audience.isInternal ? nil : World.account), audience: audience,
                        answer: reference.mailboxAnswer(heldDuty: duty)))
            }
            guard concerns else { continue }
            let last = reference.lastResort()
            if let entry = reference.teamMailbox(), last?.recipient != entry.recipient { resolved.append(entry) }
            if let last { resolved.append(last) }
        }
    }
}
