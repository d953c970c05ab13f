internal import Postgres

/// The place of a line in a chain, as it was told once and kept outside of the database.
package struct AuditAnchor: Sendable, Hashable {
    /// The chain: `tenant/<id>` for the one in a tenant's schema, `registry/<id>` for what operators did to a tenant,
    /// `registry/` for what they did to the installation.
    package let chain: String
    /// The line's place; 0 for a chain without lines.
    package let seq: Int64
    /// The line's hash; empty for place 0.
    package let hash: [UInt8]
    /// The id of the chain's first line, a UUIDv7 as text: a tenant that gets the id of one that was erased has chains of the same
    /// names, which are other lives. Nil for a chain without lines, and where nobody told it.
    package let life: String?

    /// An anchor.
    package init(chain: String, seq: Int64, hash: [UInt8], life: String?) {
        self.life = life
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
    /// How many former lives anchors named that the installation's audit says were ended by an erasure.
    package var erasedLives = 0
}

/// Walks along a chain and recomputes each hash.
struct ChainVerifier {
    private let scope: String
    private let chain: String
    /// What was told of the chain before, the lowest place first.
    private var anchors: ArraySlice<AuditAnchor>
    /// The lives of anchors that are not that of the chain.
    private(set) var otherLives: Set<UUIDBytes> = []
    /// The id of the first line.
    private(set) var life: UUIDBytes?
    private(set) var head: AuditAnchor
    private(set) var lines = 0
    private(set) var firstBreak: AuditFinding.Break?

    /// Begins at the chain's first line.
    init(chain: String, scope: String, anchors: [AuditAnchor]) {
        self.chain = chain
        self.scope = scope
        self.anchors = anchors.filter { $0.chain == chain && $0.seq > 0 }.sorted { $0.seq < $1.seq }[...]
        head = AuditAnchor(chain: chain, seq: 0, hash: [], life: nil)
    }

    /// The next line in the order of their places. Nothing is read behind a break.
    mutating func take(_ entry: AuditEntry) {
        guard firstBreak == nil else { return }
        if lines == 0 { begin(entry.id) }
        lines += 1
        let expected = head.seq + 1
        guard let seq = entry.seq, seq >= expected else {
            return breakOff(entry.seq ?? expected, "there is a line before the first one")
        }
        guard seq == expected else { return breakOff(expected, "the line is missing") }
        let hash = AuditChain.hash(of: entry, after: head.hash, scope: scope)
        guard entry.hash == hash else { return breakOff(seq, "the hash is not that of the line and the one before") }
        head = AuditAnchor(chain: chain, seq: seq, hash: hash, life: life?.description)
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
        if lines == 0 { begin(nil) }
        if let stored {
            if stored.seq > head.seq { return breakOff(head.seq + 1, "the line is missing: the head is \(stored.seq)") }
            if stored.seq < head.seq { return breakOff(stored.seq + 1, "the line is behind the head") }
            if stored.hash != head.hash { return breakOff(head.seq, "the head is another line") }
        } else if isHeadNeeded || lines > 0 {
            return breakOff(head.seq, "the head is missing")
        }
        if let anchor = anchors.first { breakOff(head.seq + 1, "the line is missing: an anchor is \(anchor.seq)") }
    }

    /// The chain begins with this line, or has none: lays aside the anchors of other lives.
    private mutating func begin(_ first: UUIDBytes?) {
        life = first
        func other(_ anchor: AuditAnchor) -> UUIDBytes? {
            anchor.life.flatMap { UUIDBytes($0) }.flatMap { $0 == first ? nil : $0 }
        }
        otherLives = Set(anchors.compactMap(other))
        anchors = anchors.filter { other($0) == nil }[...]
    }

    /// Lives that anchors name were not ended: the chain was written anew.
    mutating func breakOffOtherLife() {
        guard firstBreak == nil else { return }
        breakOff(1, "the chain does not begin with the line that it began with for the anchor")
    }

    private mutating func breakOff(_ seq: Int64, _ why: String) {
        firstBreak = AuditFinding.Break(seq: seq, why: why)
    }
}
