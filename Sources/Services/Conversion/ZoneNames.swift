internal import FoundationEssentials
internal import Synchronization

/// Knows the names of time zones: those for which the machine's zone database has a file.
///
/// Looking is one read of a small file for each new name; names that were found are kept. Any thread.
final class ZoneNames: Sendable {
    private let folders: [String]
    private let known = Mutex<Set<String>>(["UTC"])

    /// - Parameter folders: where the database may lie; the usual places of Linux and macOS.
    init(folders: [String] = ["/usr/share/zoneinfo", "/var/db/timezone/zoneinfo"]) {
        self.folders = folders
    }

    /// Whether there is a zone of that name.
    func contains(_ name: String) -> Bool {
        guard Self.isWellFormed(name) else { return false }
        if known.withLock({ $0.contains(name) }) { return true }
        guard folders.contains(where: { Self.isZoneFile("\($0)/\(name)") }) else { return false }
        known.withLock { _ = $0.insert(name) }
        return true
    }

    /// Letters, digits, `_`, `+`, `-` in parts joined by slashes. No dots, so that a name stays below its folder.
    private static func isWellFormed(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty
                    && part.utf8.allSatisfy { octet in
                        switch octet {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }

    /// Every compiled zone begins with these four octets (RFC 8536 §3.1).
    private static func isZoneFile(_ path: String) -> Bool {
        guard let data = FileManager.default.contents(atPath: path) else { return false }
        return data.starts(with: Array("TZif".utf8))
    }
}
