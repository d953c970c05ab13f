@testable import Domain

extension Outcome {
    /// Where two outcomes differ, a line for each entry that only one of them has or that the other answers otherwise.
    static func differences(engine: Outcome, reference: Outcome) -> String {
        lines("resolve", engine.resolved, reference.resolved) + lines("decide", engine.asked, reference.asked)
            + lines("decideMailbox", engine.mailboxes, reference.mailboxes)
    }

    private static func lines(_ question: String, _ engine: [Entry], _ reference: [Entry]) -> String {
        var text = ""
        for index in 0..<max(engine.count, reference.count) {
            let left = index < engine.count ? engine[index] : nil
            let right = index < reference.count ? reference[index] : nil
            guard left != right else { continue }
            text += "\(question) \(index): engine    \(left?.text ?? "nothing")\n"
            text += "\(question) \(index): reference \(right?.text ?? "nothing")\n"
        }
        return text
    }
}

extension Outcome.Entry {
    fileprivate var text: String {
        let who =
            switch recipient {
            case .user(let id): id.rawValue
            case .mailbox(let account): "the mailbox of \(account?.rawValue ?? "the supplier")"
            case .nobody(let account): "nobody of \(account?.rawValue ?? "the supplier")"
            }
        return "\(who) as \(audience.rawValue): \(answer.text)"
    }
}

extension Answer {
    fileprivate var text: String {
        let verdicts = Channel.allCases.compactMap { channel in
            channels[channel].map { "\(channel.rawValue) \($0.verdict.text) (\($0.reason.rawValue))" }
        }
        return "\(reason.rawValue); " + verdicts.joined(separator: ", ")
    }
}

extension Verdict {
    fileprivate var text: String {
        switch self {
        case .deliver: "delivered"
        case .defer(let until): "deferred until \(until)"
        case .digest(let window): "in the \(window.cadence.rawValue) digest of \(window.opens) to \(window.closes)"
        case .suppress: "suppressed"
        }
    }
}
