/// The place of a line in a chain, as it was told once and kept outside of the database.
package struct AuditAnchor: Sendable, Hashable {
    /// The chain: `tenant/<id>` for the one in a tenant's schema, `registry/<id>` for what operators did to a tenant,
    /// `registry/` for what they did to the installation.
    package let chain: String
    /// The line's place; 0 for a chain without lines.
    package let seq: Int64
    /// The line's hash; empty for place 0.
    package let hash: [UInt8]

    /// An anchor.
    package init(chain: String, seq: Int64, hash: [UInt8]) {
        self.chain = chain
        self.seq = seq
        self.hash = hash
    }
}

/// What a chain was found to be.
package struct AuditFinding: Sendable, Hashable {
    /// Where a chain is broken, and why.
    package struct Break: Sendable, Hashable {
        /// The place of the first line that is not what it should be.
        package let seq: Int64
        /// Why, in a few words that hold nothing of the line.
        package let why: String
    }

    /// The last line that is as it should be; an anchor for later.
    package let head: AuditAnchor
    /// How many lines were read.
    package let lines: Int
    /// How many lines stand beside the chain, as programs that knew none wrote them.
    package let unchained: Int64
    /// The first break; nil for a chain that is intact.
    package let firstBreak: Break?
}

/// Walks along a chain and recomputes each hash.
struct ChainVerifier {
    private let scope: String
    private let chain: String
    /// What was told of the chain before, the lowest place first.
    private var anchors: ArraySlice<AuditAnchor>
    private(set) var head: AuditAnchor
    private(set) var lines = 0
    private(set) var firstBreak: AuditFinding.Break?

    /// Begins at the chain's first line.
    init(chain: String, scope: String, anchors: [AuditAnchor]) {
        self.chain = chain
        self.scope = scope
        self.anchors = anchors.filter { $0.chain == chain && $0.seq > 0 }.sorted { $0.seq < $1.seq }[...]
        head = AuditAnchor(chain: chain, seq: 0, hash: [])
    }

    /// The next line in the order of their places. Nothing is read behind a break.
    mutating func take(_ entry: AuditEntry) {
        guard firstBreak == nil else { return }
        lines += 1
        let expected = head.seq + 1
        guard let seq = entry.seq, seq >= expected else {
            return breakOff(entry.seq ?? expected, "there is a line before the first one")
        }
        guard seq == expected else { return breakOff(expected, "the line is missing") }
        let hash = AuditChain.hash(of: entry, after: head.hash, scope: scope)
        guard entry.hash == hash else { return breakOff(seq, "the hash is not that of the line and the one before") }
        head = AuditAnchor(chain: chain, seq: seq, hash: hash)
        while let anchor = anchors.first, anchor.seq == seq {
            anchors.removeFirst()
            guard anchor.hash == hash else { return breakOff(seq, "the line is not the one of the anchor") }
        }
    }

    /// There are no more lines.
    ///
    /// - Parameters:
    ///   - stored: the head as it is stored; nil for none.
    ///   - isHeadNeeded: whether also a chain without lines has a head.
    mutating func end(stored: (seq: Int64, hash: [UInt8])?, isHeadNeeded: Bool) {
        guard firstBreak == nil else { return }
        if let stored {
            if stored.seq > head.seq { return breakOff(head.seq + 1, "the line is missing: the head is \(stored.seq)") }
            if stored.seq < head.seq { return breakOff(stored.seq + 1, "the line is behind the head") }
            if stored.hash != head.hash { return breakOff(head.seq, "the head is another line") }
        } else if isHeadNeeded || lines > 0 {
            return breakOff(head.seq, "the head is missing")
        }
        if let anchor = anchors.first { breakOff(head.seq + 1, "the line is missing: an anchor is \(anchor.seq)") }
    }

    private mutating func breakOff(_ seq: Int64, _ why: String) {
        firstBreak = AuditFinding.Break(seq: seq, why: why)
    }
}
