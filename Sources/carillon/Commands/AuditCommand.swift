internal import ArgumentParser
internal import Domain
internal import Foundation
internal import Postgres
internal import Storage

/// Commands about the audits.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Verify and read the audits.",
        subcommands: [AuditVerifyCommand.self, AuditListCommand.self])
}

/// Recomputes the hash chains of the audits.
struct AuditVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Verify that no line of an audit was changed, taken out or put in.",
        discussion: """
            Reads every database that tenants live in, while servers run. Prints a line for each chain, such as \
            'audit tenant/acme 12 lines, first <id>, head 12 <hash>: intact', and a summary. Keep what it prints outside of the database: with --anchors, a later run finds out whether history was rewritten as a \
            whole or its end cut off, which nothing within the database can show.

            Exit status: 0 when every chain is intact, 1 when one is broken or could not be read, 64 for a wrong command \
            line, 69 when the database is not there.
            """)

    @Option(
        help: ArgumentHelp("Verify the chains of one tenant only.", valueName: "id"), transform: AuditText.tenant)
    var tenant: TenantID?
    @Option(help: ArgumentHelp("What an earlier run printed: its heads must be in the chains.", valueName: "file"))
    var anchors: String?
    @OptionGroup var flags: OwnerFlags

    func run() async throws {
        let known = try anchors.map { path -> [AuditAnchor] in
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw Console.fail("--anchors: \(path) cannot be read", with: .usage)
            }
            let known = AuditText.anchors(in: text)
            guard !known.isEmpty else { throw Console.fail("--anchors: \(path) names no chain", with: .usage) }
            return known
        }
        let (owner, level) = try flags.login()
        let tally = try await OwnerWork.command(as: owner, "audit", level: level) {
            [tenant] work throws(StorageError) in
            var tally = (chains: 0, lines: 0, damaged: 0)
            try await work.administration.verifyAudits(of: tenant, anchors: known ?? []) { report in
                tally.chains += 1
                if case .found(let finding) = report { tally.lines += finding.lines }
                if !report.isIntact { tally.damaged += 1 }
                Console.say(AuditText.line(report))
            }
            return tally
        }
        let verdict = tally.damaged == 0 ? "intact" : "\(tally.damaged) broken or not read"
        Console.say("audit: \(tally.chains) chains, \(tally.lines) lines: \(verdict)")
        if tally.damaged > 0 { throw ExitCode.failure }
    }
}

/// Prints a tenant's audit.
struct AuditListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print the newest lines of a tenant's audits, newest first.",
        discussion: """
            Each line has, between tabs: when, who, from where, what, to what, what was there before and what is there \
            afterwards as JSON.
            """)

    @Option(help: ArgumentHelp("Whose audits.", valueName: "id"), transform: AuditText.tenant)
    var tenant: TenantID
    @Option(help: ArgumentHelp("The most lines, 1 to 10000.", valueName: "number"))
    var limit = 100
    @OptionGroup var flags: OwnerFlags

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is not in 1 to 10000") }
    }

    func run() async throws {
        let (owner, level) = try flags.login()
        let entries = try await OwnerWork.command(as: owner, "audit", level: level) {
            [tenant, limit] work throws(StorageError) in
            try await work.administration.newestAuditLines(of: tenant, limit: limit)
        }
        for entry in entries { Console.say(AuditText.line(entry)) }
    }
}

/// Audits as a person reads them.
enum AuditText {
    /// One line for a chain.
    static func line(_ report: AuditReport) -> String {
        switch report {
        case .unread(let chain, let why): return "audit \(chain): not read: \(PlainText.of(why))"
        case .erased(let chain): return "audit \(chain): the tenant was erased"
        case .found(let finding):
            let hash = finding.head.hash.isEmpty ? "-" : finding.head.hash.map(hex).joined()
            let beside = finding.unchained == 0 ? "" : " (and \(finding.unchained) without a chain, by version 1)"
            let verdict = finding.firstBreak.map { "broken at \($0.seq): \($0.why)" } ?? "intact"
            let former = finding.erasedLives == 0 ? "" : ", of a tenant behind \(finding.erasedLives) that were erased"
            let first = finding.head.life.map { ", first \($0)" } ?? ""
            let head = "head \(finding.head.seq) \(hash)"
            return "audit \(finding.head.chain) \(finding.lines) lines\(beside)\(former)\(first), \(head): \(verdict)"
        }
    }

    private static func hex(_ octet: UInt8) -> String {
        String(octet >> 4, radix: 16) + String(octet & 15, radix: 16)
    }

    /// The tenant of an argument.
    static func tenant(_ text: String) throws -> TenantID {
        guard let id = TenantID(text) else { throw ValidationError("it is no tenant's id") }
        return id
    }

    /// The heads in what was printed before.
    static func anchors(in text: String) -> [AuditAnchor] {
        text.split(separator: "\n").compactMap { line in
            let form =
                #/audit (?<chain>\S+) \d+ lines.*?(, first (?<life>[-0-9a-f]{36}))?, head (?<seq>\d+) (?<hash>[0-9a-f]{64}): .*/#
            guard let match = line.wholeMatch(of: form), let seq = Int64(match.seq) else { return nil }
            let digits = Array(match.hash.utf8)
            let hash = stride(from: 0, to: digits.count, by: 2).compactMap { place in
                UInt8(String(decoding: digits[place..<(place + 2)], as: UTF8.self), radix: 16)
            }
            return AuditAnchor(chain: String(match.chain), seq: seq, hash: hash, life: match.life.map(String.init))
        }
    }

    /// One line of an audit.
    static func line(_ entry: AuditEntry) -> String {
        let time = Date(timeIntervalSince1970: Double(entry.id.high >> 16) / 1000)
        return [
            time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)), entry.actor, entry.origin ?? "-",
            entry.action, entry.object, entry.before ?? "-", entry.after ?? "-",
        ]
        .map(PlainText.of).joined(separator: "\t")
    }
}
