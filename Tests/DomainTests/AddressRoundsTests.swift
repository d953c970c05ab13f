import Testing

@testable import Domain

/// In which order what is said of addresses is stored.
@Suite struct AddressRoundsTests {
    private static let number = Address(.sms, "+4930123456")
    private static let mail = Address(.email, "ann@x.example")

    private func news(_ address: Address, _ word: AddressNews.Word, _ second: Int64) -> AddressNews {
        AddressNews(address, word, at: Instant(seconds: second))
    }

    private func rounds(_ news: AddressNews?...) -> [[Int]] {
        let rounds = AddressRounds(news)
        return [rounds.first, rounds.starts, rounds.last]
    }

    @Test func whatIsSaidOfDifferentAddressesGoesTogether() {
        #expect(
            rounds(
                news(Self.number, .suppressed(.stopped), 1), nil, news(Self.mail, .suppressed(.complained), 1),
                news(Address(.sms, "+4930123457"), .started, 1)) == [[0, 2], [3], []])
        // The same text on another channel is another address.
        #expect(
            rounds(
                news(Address(.push, "x"), .suppressed(.tokenGone), 1),
                news(Address(.email, "x"), .suppressed(.complained), 1))
                == [[0, 1], [], []])
    }

    @Test func theOrderIsThatOfTheTimes() {
        let (stop, start) = (AddressNews.Word.suppressed(.stopped), AddressNews.Word.started)
        #expect(rounds(news(Self.number, stop, 1), news(Self.number, start, 2)) == [[0], [1], []])
        #expect(rounds(news(Self.number, start, 1), news(Self.number, stop, 2)) == [[], [0], [1]])
        // Told in the wrong order.
        #expect(rounds(news(Self.number, start, 2), news(Self.number, stop, 1)) == [[1], [0], []])
        // At the same time: as it was told.
        #expect(rounds(news(Self.number, stop, 1), news(Self.number, start, 1)) == [[0], [1], []])
        #expect(rounds(news(Self.number, start, 1), news(Self.number, stop, 1)) == [[], [0], [1]])
        #expect(
            rounds(
                news(Self.number, stop, 1), news(Self.number, start, 2), news(Self.number, stop, 3),
                news(Self.number, start, 4), news(Self.number, stop, 5)) == [[0], [3], [4]])
    }

    @Test func theStrongestReasonCounts() {
        #expect(
            rounds(
                news(Self.mail, .suppressed(.hardBounced), 1), news(Self.mail, .suppressed(.complained), 2),
                news(Self.mail, .suppressed(.complained), 3), news(Self.mail, .suppressed(.hardBounced), 4))
                == [[1], [], []])
    }

    @Test func everyBadStateHasAPlaceAndNoOther() {
        let ranked = AddressState.allCases.filter { $0.strength != nil }
        #expect(Set(ranked) == [.tokenGone, .hardBounced, .blocked, .complained, .stopped])
        #expect(AddressState.byStrength.last == .stopped, "nothing makes a STOP be forgotten")
        #expect(AddressState.byStrength.allSatisfy { $0.suppression != nil })
    }
}
