import Testing

@testable import CarillonNet

@Suite struct HeaderBlockTests {
    @Test func keepsFieldsInOrderWithTheirOctets() {
        var block = HeaderBlock()
        block.append(":path", "/a")
        block.append("x", "")
        block.append("x", "second ☺")
        var seen: [String] = []
        block.visit { name, value in
            seen.append("\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))")
        }
        #expect(seen == [":path=/a", "x=", "x=second ☺"])
        #expect(block["x"] == "")
        #expect(block[":path"] == "/a")
        #expect(block[":pat"] == nil)
    }

    @Test("two fields are found in one go, and one that comes twice is known for it")
    func occurrences() {
        func text(_ occurrence: HeaderBlock.Occurrence) -> String? {
            switch occurrence {
            case .none: nil
            case .once(let octets): String(decoding: octets, as: UTF8.self)
            case .repeated: "repeated"
            }
        }
        var block = HeaderBlock()
        func found() -> [String?] {
            let found = block.occurrences(of: "key", and: "tenant")
            return [text(found.one), text(found.other)]
        }
        #expect(found() == [nil, nil])
        block.append("tenant", "b")
        block.append("keys", "no")
        #expect(found() == [nil, "b"])
        block.append("key", "a")
        #expect(found() == ["a", "b"])
        block.append("key", "a")
        #expect(found() == ["repeated", "b"])
        block.append("key", "a")
        block.append("tenant", "")
        #expect(found() == ["repeated", "repeated"])
    }

    @Test func countsItsSizeAsTheRFCDoes() {
        var block = HeaderBlock()
        block.append("name", "value")
        block.append("a", "")
        #expect(block.listSize == 4 + 5 + 32 + 1 + 32)
        block.removeAll()
        #expect(block.listSize == 0)
        #expect(block["name"] == nil)
    }

    @Test(arguments: [
        ("02 68 32", true), ("08 68 74 74 70 2f 31 2e 31 02 68 32", true), ("08 68 74 74 70 2f 31 2e 31", false),
        ("", false), ("00 02 68 32", false), ("02 68", false), ("03 68 32 63", false), ("ff 68 32", false),
    ])
    func findsH2InAnOfferedList(list: String, found: Bool) {
        let octets = list.split(separator: " ").compactMap { UInt8($0, radix: 16) }
        octets.withUnsafeBufferPointer { buffer in
            let start = buffer.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
            #expect((ALPN.positionOfH2(start, buffer.count) != nil) == found)
        }
    }

    @Test func timeSaturatesInsteadOfOverflowing() {
        let late = MonotonicTime(nanoseconds: .max - 5)
        #expect(late.advanced(by: .seconds(1)) == .distantFuture)
        #expect(late.advanced(by: .seconds(Int64.max)) == .distantFuture)
        #expect(MonotonicTime(nanoseconds: 10).advanced(by: .nanoseconds(-4)).nanoseconds == 6)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    }
}
