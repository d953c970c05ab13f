internal import CoreMetrics
internal import Delivery
internal import Domain
internal import Storage

/// Counts what the worker tells. Any thread, though there is but one worker.
final class DeliveryCounters: Sendable {
    static let wordsName = "carillon_delivery_words_total"
    static let durationName = "carillon_send_duration_seconds"
    static let repeatsName = "carillon_deliveries_repeated_total"
    static let staleName = "carillon_delivery_words_stale_total"
    static let restsName = "carillon_provider_rests_total"
    static let fencedName = "carillon_worker_fenced_total"

    /// What a word comes to.
    enum Outcome: String, CaseIterable {
        case delivered, failed, suppressed, expired, cancelled
        case outcomeUnknown = "outcome_unknown"
        case retry, postponed, released

        init(_ resolution: DeliveryResult.Resolution) {
            self =
                switch resolution {
                case .delivered: .delivered
                case .failed: .failed
                case .suppressed: .suppressed
                case .expired: .expired
                case .cancelled: .cancelled
                case .outcomeUnknown: .outcomeUnknown
                case .retry: .retry
                case .postponed: .postponed
                case .released: .released
                }
        }
    }

    private let words: [[any CounterHandler]]
    private let durations: [any RecorderHandler]
    private let repeats: any CounterHandler
    private let stale: any CounterHandler
    private let rests: any CounterHandler
    private let fenced: any CounterHandler

    /// Makes all handles.
    init(_ factory: any MetricsFactory) {
        let channels = Channel.allCases.sorted { $0.index < $1.index }
        words = channels.map { channel in
            Outcome.allCases.map { outcome in
                factory.makeCounter(
                    label: Self.wordsName, dimensions: [("channel", channel.rawValue), ("outcome", outcome.rawValue)])
            }
        }
        durations = channels.map { channel in
            factory.makeRecorder(
                label: Self.durationName, dimensions: [("channel", channel.rawValue)], aggregate: true)
        }
        repeats = factory.makeCounter(label: Self.repeatsName, dimensions: [])
        stale = factory.makeCounter(label: Self.staleName, dimensions: [])
        rests = factory.makeCounter(label: Self.restsName, dimensions: [])
        fenced = factory.makeCounter(label: Self.fencedName, dimensions: [])
    }

    /// Counts an event of the worker.
    func count(_ event: DeliveryEvent) {
        switch event {
        case .recorded(_, let result):
            count(result)
        case .repeated: repeats.increment(by: 1)
        case .stale: stale.increment(by: 1)
        case .providerRests: rests.increment(by: 1)
        case .fenced: fenced.increment(by: 1)
        default: break
        }
    }

    private func count(_ result: DeliveryResult) {
        let channel = result.id.channel.index
        if let place = Outcome.allCases.firstIndex(of: Outcome(result.resolution)) {
            words[channel][place].increment(by: 1)
        }
        // A digest was handed over once, whatever it told of: what took its time is the delivery that it has its Message-ID from.
        if let digest = result.digest, !digest.hasPrefix(result.id.notification.description) { return }
        // Without a provider nothing was sent.
        guard let attempt = result.attempt, attempt.provider != nil else { return }
        let microseconds = attempt.finishedAt.microseconds - attempt.startedAt.microseconds
        durations[channel].record(Double(max(0, microseconds)) / 1e6)
    }
}
