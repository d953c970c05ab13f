import Testing

/// A short run of every fuzz target that is the same each time: the seeds, and some thousand mutations of them. The long
/// runs, under AddressSanitizer and guided by coverage, are `make fuzz`.
@Suite struct FuzzTests {
    @Test(arguments: FuzzTarget.all.map(\.name))
    func seedsAndTheirMutationsDoNoHarm(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let seeds = target.seeds()
        #expect(seeds.count > 5)
        for seed in seeds { try seed.withUnsafeBytes { try target.run($0) } }
        var mutator = Mutator(state: 0x5eed)
        for round in 0..<2000 {
            let input = mutator.mutate(seeds[round % seeds.count], with: seeds[mutator.below(seeds.count)])
            do {
                try input.withUnsafeBytes { try target.run($0) }
            } catch {
                Issue.record("\(error): \(input)")
            }
        }
    }
}

/// Changes inputs, always in the same way for the same beginning.
private struct Mutator {
    var state: UInt64

    /// xorshift64 (George Marsaglia, "Xorshift RNGs").
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func below(_ bound: Int) -> Int { bound == 0 ? 0 : Int(next() % UInt64(bound)) }

    mutating func mutate(_ seed: [UInt8], with other: [UInt8]) -> [UInt8] {
        var input = seed
        for _ in 0...below(4) {
            let place = below(input.count + 1)
            switch below(6) {
            case 0 where place < input.count: input[place] ^= 1 << UInt8(below(8))
            case 1 where place < input.count: input[place] = [0, 1, 0x7f, 0x80, 0xff][below(5)]
            case 2: input.insert(UInt8(truncatingIfNeeded: next()), at: place)
            case 3 where place < input.count: input.remove(at: place)
            case 4: input.replaceSubrange(place..., with: other.suffix(below(other.count + 1)))
            default: input.insert(contentsOf: input.prefix(below(20)), at: place)
            }
        }
        return input
    }
}
