import CarillonAPI
import Domain
import Storage
import SwiftProtobuf
import Testing

@testable import Services

/// What follows from events that name messages, by what is known of those.
@Suite("provider reports")
struct ProviderReportTests {
    private static let now = Instant(seconds: 1_794_744_000)
    private static let notification = NotificationID(
        UUIDv7(milliseconds: 1_794_744_000_000, randomness: (1, 2)))
    private static let delivery = DeliveryID(notification: notification, channel: .email)
    private static let name = "\(notification).email@portal.example"

    private static func event(
        _ kind: Carillon_V1_ProviderEventKind, _ name: String = name
    ) -> Carillon_V1_ProviderEvent {
        .with {
            $0.kind = kind
            $0.messageID = name
        }
    }

    private static func message(
        _ state: DeliveryState = .delivered, _ addresses: [String] = ["ann@x.example"], name: String = name
    ) -> ReportedMessage {
        ReportedMessage(messageID: name, maskedAddress: "a…@x.example", state: state, addresses: addresses)
    }

    private func resolved(
        _ kinds: [Carillon_V1_ProviderEventKind], _ message: ReportedMessage?
    ) -> ProviderReports {
        var reports = ProviderReports(kinds.map { Self.event($0) }, now: Self.now)
        reports.resolve(message.map { [Self.delivery: $0] } ?? [:])
        return reports
    }

    @Test("the address is the one that looks like the message's")
    func addresses() {
        let bounce: [Carillon_V1_ProviderEventKind] = [.bouncedPermanently]
        for (addresses, found) in [
            (["ann@x.example"], "ann@x.example"), (["bob@x.example", "ann@x.example"], "ann@x.example"),
            // Once as an address of the user, and once as the mailbox of the account.
            (["ann@x.example", "ann@x.example"], "ann@x.example"),
            (["ann@y.example"], nil), ([], nil), (["ann@x.example", "abe@x.example"], nil),
        ] {
            let reports = resolved(bounce, Self.message(.delivered, addresses))
            #expect(reports.news[0]?.address.text == found)
            #expect(reports.results[0].error.reason == (found == nil ? "ADDRESS_CHANGED" : ""))
        }
    }

    @Test("a message that there is not, or of another name, is one answer")
    func unknown() {
        for message in [nil, Self.message(name: "\(Self.notification).email@else.example")] {
            let reports = resolved([.bouncedPermanently, .delivered], message)
            #expect(reports.results.map(\.error.reason) == ["MESSAGE_NOT_FOUND", "MESSAGE_NOT_FOUND"])
            #expect(reports.news == [nil, nil] && reports.outcomes.isEmpty)
        }
    }

    @Test("an outcome that was not known is, and a refusal counts for more than an arrival")
    func outcomes() {
        #expect(resolved([.delivered], Self.message()).outcomes.isEmpty)
        #expect(resolved([.delivered], Self.message(.outcomeUnknown)).outcomes == [Self.delivery: nil])
        for kinds: [Carillon_V1_ProviderEventKind] in [
            [.bouncedPermanently, .delivered], [.delivered, .bouncedPermanently],
        ] {
            #expect(resolved(kinds, Self.message(.outcomeUnknown)).outcomes == [Self.delivery: "hard_bounce"])
        }
        #expect(resolved([.complained], Self.message(.outcomeUnknown)).outcomes.isEmpty)
        // The recipient has another address meanwhile; of the message there is something to say all the same.
        var reports = resolved([.bouncedPermanently], Self.message(.outcomeUnknown, []))
        reports.settled([Self.delivery])
        #expect(reports.results[0].outcome == .applied && !reports.results[0].hasError)
        #expect(resolved([.delivered], Self.message()).results[0].outcome == .unchanged)
        #expect(resolved([.bouncedTemporarily], nil).results[0].outcome == .ignored)
    }

    @Test("a message may be a digest that went out without the delivery that lent it its name")
    func digests() {
        for state: DeliveryState in [.cancelled, .suppressed, .expired, .failed, .pending] {
            #expect(resolved([.delivered], Self.message(state)).outcomes == [Self.delivery: nil])
            #expect(resolved([.bouncedPermanently], Self.message(state)).outcomes == [Self.delivery: "hard_bounce"])
        }
        // Nothing was settled: the address is what is left to be told of.
        var reports = resolved([.delivered], Self.message(.cancelled))
        reports.settled([])
        #expect(reports.results[0].outcome == .unchanged)
    }

    @Test("nothing has happened after the call")
    func times() throws {
        var event = Self.event(.complained)
        for (seconds, expected) in [(-60, -60), (0, 0), (3_600, 0)] as [(Int64, Int64)] {
            event.occurTime = Google_Protobuf_Timestamp(seconds: Self.now.seconds + seconds)
            let report = try ProviderReport(event, now: Self.now)
            #expect(report.at == Self.now.advanced(by: .seconds(expected)))
        }
    }

    @Test(
        "names that are none of ours",
        arguments: ["x", "@", "\(notification)@x", "\(notification).fax@x", "\(notification).email.more@x", "<\(name)"])
    func names(name: String) throws {
        let reports = ProviderReports([Self.event(.bouncedPermanently, name)], now: Self.now)
        #expect(reports.results[0].error.reason == "MESSAGE_NOT_FOUND")
        #expect(reports.messages.isEmpty)
    }
}
