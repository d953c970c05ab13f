package import CoreMetrics
package import Domain

/// Counts events that were stored, with what was decided of them, on one loop.
///
/// Confined to its loop.
package final class PublishCounters {
    /// The name of the counter of events.
    package static let eventsName = "carillon_events_published_total"
    /// The name of the counter of duties that moved.
    package static let dutiesName = "carillon_duties_moved_total"

    /// Who must hear instead of the one who should have, and could not be reached.
    private enum Fallback: String {
        case standIn = "stand_in"
        case mailbox
        case nobody
    }

    private let decisions: DecisionCounters
    private let events: any CounterHandler
    private let standIns: any CounterHandler
    private let mailboxes: any CounterHandler
    private let nobodies: any CounterHandler

    /// Makes counters.
    ///
    /// - Parameter factory: where they count.
    package init(_ factory: any MetricsFactory) {
        decisions = DecisionCounters(.publish, factory)
        events = factory.makeCounter(label: Self.eventsName, dimensions: [])
        func moved(to fallback: Fallback) -> any CounterHandler {
            factory.makeCounter(label: Self.dutiesName, dimensions: [("to", fallback.rawValue)])
        }
        standIns = moved(to: .standIn)
        mailboxes = moved(to: .mailbox)
        nobodies = moved(to: .nobody)
    }

    /// Counts an event that was stored.
    package func countEvent() { events.increment(by: 1) }

    /// Counts one whom the event may concern.
    ///
    /// - Parameters:
    ///   - recipient: who.
    ///   - reason: why it is told, or is not.
    package func count(_ recipient: Recipient, _ reason: Reason) {
        switch recipient {
        case .user where reason == .mandatoryForStandIn: standIns.increment(by: 1)
        case .user: break
        case .mailbox: mailboxes.increment(by: 1)
        case .nobody: nobodies.increment(by: 1)
        }
    }

    /// Counts what was decided for a channel of one of them.
    package func count(_ decided: ChannelDecision, on channel: Channel) { decisions.count(decided, on: channel) }
}
