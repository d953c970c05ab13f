internal import Foundation

/// Small files that are written whole or not at all, with exactly the mode they are given.
enum KeptFile {
    /// Who may read a file.
    enum Access: mode_t {
        /// Its owner alone: keys.
        case owner = 0o600
        /// Everybody: certificates.
        case everybody = 0o644
    }

    /// The file's text without white space around it; nil if there is none that can be read.
    static func read(_ url: URL) -> String? {
        guard let data = FileManager.default.contents(atPath: url.path) else { return nil }
        return String(data: data, encoding: .utf8)?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Writes a text with a line feed at its end.
    ///
    /// - Throws: ``FileTrouble`` with the system's reason.
    static func write(_ text: String, to url: URL, for access: Access) throws(FileTrouble) {
        // Made with its mode from the start, under a name that nobody reads; a secret is never open for a moment.
        let fresh = url.path + ".new"
        unlink(fresh)
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, access.rawValue)
        guard descriptor >= 0 else { throw FileTrouble("make", fresh) }
        defer { close(descriptor) }
        var line = text.hasSuffix("\n") ? text : text + "\n"
        let isWritten = line.withUTF8 { Foundation.write(descriptor, $0.baseAddress, $0.count) == $0.count }
        // The mode once more: the process' umask had a word in the one above.
        guard isWritten, fchmod(descriptor, access.rawValue) == 0, fsync(descriptor) == 0,
            rename(fresh, url.path) == 0
        else {
            let trouble = FileTrouble("write", url.path)
            unlink(fresh)
            throw trouble
        }
    }

    /// The text of a file, which is made when it is not there.
    static func readOrWrite(_ url: URL, for access: Access, _ make: () -> String) throws(FileTrouble) -> String {
        if let text = read(url), !text.isEmpty { return text }
        let text = make()
        try write(text, to: url, for: access)
        return text
    }

    /// Makes a folder that only its owner can change, or takes the one that is there.
    ///
    /// - Parameters:
    ///   - mode: what others may do.
    ///   - owner: who is to own it; nil for this process' user.
    /// - Throws: ``FileTrouble``, also when somebody else owns what is there.
    static func makeFolder(_ url: URL, mode: mode_t, owner: ServerUser? = nil) throws(FileTrouble) {
        let expected = owner?.id ?? geteuid()
        if mkdir(url.path, mode) == 0 {
            if let owner, chown(url.path, owner.id, owner.group) != 0 { throw FileTrouble("give away", url.path) }
        } else if errno != EEXIST {
            throw FileTrouble("make", url.path)
        }
        // Attributes are those of a link itself: in a folder that all may write to, somebody could have put one there.
        let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
        guard attributes?[.type] as? FileAttributeType == .typeDirectory,
            (attributes?[.ownerAccountID] as? NSNumber)?.uint32Value == expected
        else { throw FileTrouble("use", url.path, because: "it is not a folder of ours") }
        guard chmod(url.path, mode) == 0 else { throw FileTrouble("protect", url.path) }
    }
}

/// A file or folder with which something cannot be done.
struct FileTrouble: Error, CustomStringConvertible {
    /// One line for the user.
    let description: String

    /// Takes the reason from `errno`.
    init(_ deed: String, _ path: String) {
        self.init(deed, path, because: String(cString: strerror(errno)))
    }

    init(_ deed: String, _ path: String, because reason: String) {
        description = "cannot \(deed) \(path): \(reason)"
    }
}
