import Testing

@testable import Domain

/// What users chose, as it is kept.
@Suite struct ChoicesTests {
    private static let on = Choice(whole: true)
    private static let off = Choice(whole: false)

    @Test("a list of choices says the same as a dictionary would, whatever is put in and taken out", arguments: 1...20)
    func asADictionary(seed: Int) {
        var state = UInt64(seed)
        func pick(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        // Names that are the same on two levels, and names that begin alike.
        let names = ["a", "ab", "abc", "b", "a long name that lies elsewhere in memory", "a long name that lies", ""]
        var choices = Choices()
        var expected: [ChoiceScope: Choice] = [:]
        for _ in 0..<400 {
            let name = names[pick(names.count)]
            let scope: ChoiceScope =
                switch pick(5) {
                case 0, 1: .type(TypeKey(unchecked: name))
                case 2, 3: .category(CategoryName(unchecked: name))
                default: .all
                }
            let choice = [Choice(), Self.on, Self.off, Choice(cadence: .daily)][pick(4)]
            choices[scope] = choice
            expected[scope] = choice.isEmpty ? nil : choice
            #expect(Set(choices.scopes) == Set(expected.keys) && choices.count == expected.count)
            #expect(choices.isEmpty == expected.isEmpty)
        }
        for (scope, choice) in expected { #expect(choices[scope] == choice) }
        for name in names {
            let (type, category) = (TypeKey(unchecked: name), CategoryName(unchecked: name))
            #expect(choices[type] == expected[.type(type)] ?? Choice())
            #expect(choices[category] == expected[.category(category)] ?? Choice())
        }
        #expect(choices.all == expected[.all] ?? Choice())
        #expect(
            choices
                == Choices(
                    types: Dictionary(
                        uniqueKeysWithValues: expected.compactMap { scope, choice in
                            if case .type(let key) = scope { (key, choice) } else { nil }
                        }),
                    categories: Dictionary(
                        uniqueKeysWithValues: expected.compactMap { scope, choice in
                            if case .category(let name) = scope { (name, choice) } else { nil }
                        }),
                    all: expected[.all] ?? Choice()))
    }

    @Test("one choice takes the memory of one entry, and none takes none")
    func memory() {
        #expect(Choices.none.octets == 0 && MemoryLayout<Choices>.size == 8)
        #expect(Choices(all: Self.on).octets == 64)
    }
}
