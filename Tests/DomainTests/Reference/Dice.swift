@testable import Domain

/// Random picks from a seed, by plain arithmetic: in a debug build the generic ones of the standard library would take most
/// of the time that making a world does.
struct Dice {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// A number from 0 up to, but not including, `limit`.
    mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }

    /// Yes in one of `count` cases.
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// Any set of channels.
    mutating func channels() -> ChannelSet { ChannelSet(rawValue: UInt8(below(32))) }
}
