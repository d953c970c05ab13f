internal import Foundation
internal import Security

/// The directory that `carillon dev` keeps everything in: keys, certificates, the cluster and delivered mail.
struct DevelopmentDirectory: Sendable {
    /// The directory itself.
    let url: URL

    /// `.carillon` in the current directory.
    static var usual: DevelopmentDirectory { DevelopmentDirectory(URL(filePath: ".carillon")) }

    /// A directory; nothing is made yet.
    init(_ url: URL) {
        self.url = url.absoluteURL.standardizedFileURL
    }

    /// The CA and the server's certificate.
    var authority: DevelopmentAuthority { DevelopmentAuthority(in: url) }
    /// The operator's key.
    var operatorKey: URL { url.appending(path: "operator.key") }
    /// The key-encryption key.
    var secretsKey: URL { url.appending(path: "secrets.key") }
    /// Where the sample supplier's mails are written.
    var maildir: URL { url.appending(path: "maildir") }
    /// The log of a server whose terminal is used for something else.
    var log: URL { url.appending(path: "carillon.log") }

    /// A file of one tenant, such as its API key.
    func file(of tenant: String, _ suffix: String) -> URL { url.appending(path: "\(tenant)\(suffix)") }

    /// Makes the directory and takes it for this process.
    ///
    /// - Throws: ``FileTrouble``, also when another process uses it.
    func take() throws(FileTrouble) -> DirectoryLock {
        // A server that does not run as root has to get through to its cluster; it sees nothing else.
        try KeptFile.makeFolder(url, mode: geteuid() == 0 ? 0o711 : 0o700)
        return try DirectoryLock(url.appending(path: "lock"))
    }

    /// Makes the keys that are missing.
    func prepareKeys() throws(FileTrouble) {
        _ = try KeptFile.readOrWrite(operatorKey, for: .owner) {
            var source = SystemRandomNumberGenerator()
            return APIKey.generate(.admin) { source.next() }.text
        }
        _ = try KeptFile.readOrWrite(secretsKey, for: .owner) { KeyEncryptionKey.generate().line }
    }
}
