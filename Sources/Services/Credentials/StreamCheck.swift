/// When open streams are looked at again, so that none goes on for longer than ``ServiceLimits/credentialAge`` after its
/// token's key was taken back by another process.
///
/// A stream begins on knowledge that is at most half of that age old, and each round uses knowledge of at most a fifth. In the
/// worst case the key was taken back just before what a stream began on was read again: half an age passes until it begins,
/// two fifths until the next round, which is then old enough to see it.
struct StreamCheck {
    private let age: Duration

    init(_ limits: ServiceLimits) {
        age = limits.credentialAge
    }

    /// For how long what a stream begins on must still count.
    var margin: Duration { age / 2 }
    /// Between two rounds.
    var pause: Duration { age * 2 / 5 }
    /// How old what a round goes by may be.
    var knowledge: Duration { age / 5 }
}
