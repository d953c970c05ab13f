import Domain
import Testing

@testable import Storage

/// What a move decides by itself, without a database.
@Suite struct MoveDecisionTests {
    @Test(arguments: [
        (MoveStage.copying, MoveStage.Continuation.copy), (.draining, .copy), (.held, .copy), (.restoring, .copy),
        (.switched, .open), (.opened, .clear),
    ])
    func aMoveThatWasBrokenOffGoesOn(_ stage: MoveStage, _ continuation: MoveStage.Continuation) {
        #expect(stage.continuation == continuation)
        // Where the registry names the target already, there is no way back.
        #expect(stage.canBeAborted == [.copying, .draining, .held, .restoring].contains(stage))
    }

    @Test func everyTableIsCutInOneWay() {
        let cuts = Dictionary(uniqueKeysWithValues: ArchivedTable.tenant.map { ($0.name, TableCut($0)) })
        #expect(cuts["event"] == .time("event_id"))
        #expect(cuts["inbox_item"] == .time("notification_id"))
        #expect(cuts["idempotency"] == .time("event_id"))
        #expect(cuts["app_user"] == .name("user_id"))
        #expect(cuts["queue_owner"] == .whole)
        #expect(ArchivedTable.tenant.allSatisfy { table in table.timed.map(table.columns.contains) ?? true })
    }

    /// The past of all others is compared while the tenant is held.
    @Test func onlyWhatHasFreshIdentifiersComesInOrder() {
        #expect(ArchivedTable.tenant.filter(\.comesInOrder).map(\.name) == ["event", "notification", "audit"])
    }

    @Test(arguments: [(0, false), (10_000, false), (10_001, true), (60_000, true)])
    func aHoldThatWouldLastTooLongIsNotTried(_ milliseconds: Int, _ isRefused: Bool) {
        let refusal = HoldLimit(length: .seconds(10)).refusal(forecast: .milliseconds(milliseconds))
        #expect((refusal?.code == .moveRefused) == isRefused)
    }

    private static let recent = UUIDv7.lowerBound(milliseconds: 0x0193_0000_0000)

    @Test(arguments: [
        (["0192ff"], "0192ff00-0000-0000-0000-000000000000", "0192ffff-ffff-ffff-ffff-ffffffffffff"),
        (["01930001", "0192ff"], "0192ff00-0000-0000-0000-000000000000", "01930001-ffff-ffff-ffff-ffffffffffff"),
    ])
    func bucketsOfTimesHaveBounds(_ buckets: [String], _ first: String, _ last: String) {
        let condition = TableCut.time("event_id").condition(buckets, recent: Self.recent)
        #expect(condition.hasPrefix("x.event_id >= '\(first)' AND x.event_id <= '\(last)' AND "))
        let list = buckets.sorted().map { "'\($0)'" }.joined(separator: ", ")
        #expect(condition.hasSuffix(" = ANY (ARRAY[\(list)]::text[])"))
    }

    @Test func onlyTimesKnowWhatIsRecent() {
        #expect(TableCut.time("event_id").recentOnly(Self.recent) == "x.event_id >= '\(Self.recent)'")
        #expect(TableCut.name("user_id").recentOnly(Self.recent) == nil)
        #expect(TableCut.isRecent("01930001") && !TableCut.isRecent("019300"))
    }

    @Test(arguments: [
        ("", true), ("0af", true), ("01930001", true), ("019300012", false), ("0A", false), ("';", false),
    ])
    func aBucketIsDigits(_ text: String, _ isOne: Bool) {
        #expect(TableCut.isBucket(text) == isOne)
    }

    private static func digests(_ buckets: [String: (Int64, String)]) -> BucketDigests {
        BucketDigests(buckets: buckets.mapValues { BucketDigests.Bucket(rows: $0.0, digest: $0.1) })
    }

    @Test func theDifferenceIsWhatHasToBeCopied() {
        let original = Self.digests(["a": (1, "x"), "b": (2, "y"), "c": (3, "z")])
        #expect(original.difference(from: original).isEmpty)
        #expect(
            original.difference(from: BucketDigests())
                == .init(buckets: ["a", "b", "c"], rows: 6, isEverything: true, isOverwriting: false))
        // Changed, missing, and gone from the original.
        let copy = Self.digests(["a": (1, "other"), "b": (2, "y"), "d": (4, "w")])
        #expect(
            original.difference(from: copy)
                == .init(buckets: ["a", "c", "d"], rows: 4, isEverything: false, isOverwriting: true))
        let fewer = Self.digests(["a": (1, "x"), "b": (1, "y"), "c": (3, "z")])
        #expect(original.difference(from: fewer).buckets == ["b"])
        let behind = Self.digests(["a": (1, "x"), "b": (2, "y")])
        #expect(
            original.difference(from: behind)
                == .init(buckets: ["c"], rows: 3, isEverything: false, isOverwriting: false))
    }
}
