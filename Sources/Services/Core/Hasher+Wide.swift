extension Hasher {
    /// 128 bits of what was combined, by the process' own key: two answers of SipHash on one state of 256 bits, as its 128-bit
    /// form has them.
    ///
    /// Two inputs have the same only if both answers are, or the states themselves: neither happens by accident, and nobody can look for it
    /// who sees none of them.
    func finalizeTwice() -> (high: Int, low: Int) {
        var second = self
        second.combine(true)
        let first = self
        return (first.finalize(), second.finalize())
    }
}
