internal import Domain
internal import Postgres

/// The registry's audit: what operators change of one tenant, or of the installation.
///
/// A change puts the queries of its line at the beginning of its unit: so the line says what was there before, and the
/// chain's head is the first lock that a change of the registry takes. (Making a tenant is the exception: nobody else can
/// hold what it makes.) A unit writes to one chain only.
enum RegistryAudit {
    /// Makes the chain's head if there is none, and locks it. $1 chain.
    static let lock = Statement(
        """
        INSERT INTO carillon.audit_head AS h (chain, seq, hash)
        VALUES ($1::text, 0, ''::bytea)
        ON CONFLICT (chain) DO UPDATE SET seq = h.seq
        """)
    /// $1 chain: the head goes to the line that was added behind it; if none was, it stays.
    static let advance = Statement(
        """
        UPDATE carillon.audit_head h
        SET seq = a.seq, hash = a.hash
        FROM carillon.audit a
        WHERE h.chain = $1::text AND a.chain = $1::text AND a.seq = h.seq + 1
        """)
    /// $5 action, $6 object, $7 before, $8 after.
    static let given = line("SELECT $5::text, $6::text, $7::jsonb, $8::jsonb")

    /// A statement that adds a line.
    ///
    /// - Parameter select: a SELECT of action, object, before and after, with one row, or none for a change that does
    ///   nothing. Its parameters begin at $5; $4 is the chain.
    static func line(_ select: String) -> Statement {
        Statement(
            AuditChain.insertion(
                into: "carillon.audit (chain, ", own: "$4::text, ", scope: "('registry/' || $4::text)",
                head: "carillon.audit_head h ON h.chain = $4::text", line: select))
    }

    /// The queries of a line whose words are known.
    ///
    /// - Parameters:
    ///   - chain: whose audit; nil for the installation's.
    ///   - stamp: who makes the change.
    ///   - action: what is done, such as `key.create`.
    ///   - object: to what, such as `key/<id>`.
    ///   - before: what was there before, as JSON; nil for nothing. Neither it nor `after` may hold secrets or their hashes.
    ///   - after: what is there afterwards.
    static func queries(
        chain: TenantID?, stamp: AuditStamp, action: String, object: String, before: String?, after: String?
    ) -> [Query] {
        queries(given, [.text(action), .text(object), .json(before), .json(after)], chain: chain, stamp: stamp)
    }

    /// The queries of a line that the database finds the words of.
    ///
    /// - Parameters:
    ///   - line: made by ``line(_:)``.
    ///   - parameters: its parameters from $5.
    ///   - chain: whose audit; nil for the installation's.
    ///   - stamp: who makes the change.
    static func queries(
        _ line: Statement, _ parameters: [Parameter] = [], chain: TenantID?, stamp: AuditStamp
    ) -> [Query] {
        let name = Parameter.text(chain?.rawValue ?? "")
        return [
            Query(lock, [name]),
            Query(line, [.uuid(stamp.id), .text(stamp.actor), .text(stamp.origin), name] + parameters),
            Query(advance, [name]),
        ]
    }
}
