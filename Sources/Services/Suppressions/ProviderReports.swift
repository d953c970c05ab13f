internal import CarillonAPI
internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Storage

/// The events of one call, and what becomes of them. Pure: what is read and stored in between comes from outside.
struct ProviderReports {
    private let reports: [Result<ProviderReport, Status>]
    private var failures: [Int: Status] = [:]
    /// What each event says of an address, by its place; nil for one that says nothing, or failed.
    private(set) var news: [AddressNews?]
    /// What became of messages some of whose deliveries may have no known outcome, by the deliveries that they are named by: nil for a
    /// message that has arrived, else the reason code.
    private(set) var outcomes: [DeliveryID: String?] = [:]
    /// The events that changed something.
    private var applied: Set<Int> = []

    /// - Parameter now: the time of the call.
    init(_ events: [Carillon_V1_ProviderEvent], now: Instant) {
        reports = events.map { event in
            do throws(Status) {
                return .success(try ProviderReport(event, now: now))
            } catch {
                return .failure(error)
            }
        }
        news = reports.map { report in
            guard case .success(let report) = report, case .news(let word) = report.effect,
                case .address(let address) = report.subject
            else { return nil }
            return AddressNews(address, word, at: report.at)
        }
    }

    /// The deliveries of the messages that something follows for.
    var messages: Set<DeliveryID> { Set(named.map(\.delivery)) }

    /// Finds out what the events that name a message are about.
    mutating func resolve(_ messages: [DeliveryID: ReportedMessage]) {
        for (place, report, delivery, text) in named {
            guard let message = messages[delivery], message.messageID == text else {
                failures[place] = .messageNotFound
                continue
            }
            // Whatever became of the delivery that lends a digest its name, the others in it may have no known end.
            let isOpen = message.state != .delivered
            guard case .news(let word) = report.effect else {
                // A message that was refused as well as taken has not arrived.
                if isOpen, outcomes[delivery] == nil { outcomes[delivery] = .some(nil) }
                continue
            }
            if isOpen, word == .suppressed(.hardBounced) { outcomes[delivery] = "hard_bounce" }
            let addresses = Set(
                message.addresses.filter { MaskedAddress.of($0, on: delivery.channel) == message.maskedAddress })
            if let address = addresses.first, addresses.count == 1 {
                news[place] = AddressNews(Address(delivery.channel, address), word, at: report.at)
            } else {
                failures[place] = .addressChanged
            }
        }
    }

    /// The addresses that events name, and something is said of.
    var addresses: Set<Address> { Set(news.compactMap { $0?.address }) }

    /// Refuses what is said of all other addresses: nobody has them, and there is no room for more.
    mutating func refuse(allBut known: Set<Address>, with error: Status) {
        for (place, one) in news.enumerated() {
            guard let one, !known.contains(one.address) else { continue }
            news[place] = nil
            failures[place] = error
        }
    }

    /// Takes note of the addresses of one round of which something has changed.
    mutating func applied(_ places: [Int], _ changed: Set<Address>) {
        for place in places {
            if let one = news[place], changed.contains(one.address) { applied.insert(place) }
        }
    }

    /// Takes note of the messages of which something was settled.
    mutating func settled(_ deliveries: Set<DeliveryID>) {
        for (place, _, delivery, _) in named where deliveries.contains(delivery) {
            applied.insert(place)
            // Of the address there is nothing to say, but of the message there was.
            failures[place] = nil
        }
    }

    /// The results, in the order of the events.
    var results: [Carillon_V1_ProviderEventResult] {
        reports.enumerated().map { place, report in
            var result = Carillon_V1_ProviderEventResult()
            switch report {
            case .failure(let error): result.error = Carillon_V1_ItemError(error)
            case .success(let report):
                if let error = failures[place] {
                    result.error = Carillon_V1_ItemError(error)
                } else if applied.contains(place) {
                    result.outcome = .applied
                } else {
                    result.outcome = report.isIgnored ? .ignored : .unchanged
                }
            }
            return result
        }
    }

    /// The events that name a message and that something follows from.
    private var named: [(place: Int, report: ProviderReport, delivery: DeliveryID, text: String)] {
        reports.enumerated().compactMap { place, report in
            guard case .success(let report) = report, report.effect != .nothing,
                case .message(let delivery, let text) = report.subject
            else { return nil }
            return (place, report, delivery, text)
        }
    }
}

extension ProviderReport {
    /// Whether nothing ever follows from it.
    fileprivate var isIgnored: Bool {
        switch (effect, subject) {
        case (.nothing, _), (.arrival, .address): true
        case (.arrival, .message), (.news, _): false
        }
    }
}
