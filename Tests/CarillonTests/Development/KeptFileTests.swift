import Foundation
import Testing

@testable import carillon

@Suite("Files of the development directory")
struct KeptFileTests {
    @Test("have exactly their mode, whatever the umask says", arguments: [0o000, 0o022, 0o077] as [mode_t])
    func modes(mask: mode_t) throws {
        let folder = try ScratchFolder()
        let before = umask(mask)
        defer { umask(before) }
        try KeptFile.write("secret", to: folder.url.appending(path: "key"), for: .owner)
        try KeptFile.write("public", to: folder.url.appending(path: "certificate"), for: .everybody)
        #expect(try folder.mode(of: "key") == 0o600)
        #expect(try folder.mode(of: "certificate") == 0o644)
    }

    @Test("are replaced whole, and leave nothing beside them")
    func replacing() throws {
        let folder = try ScratchFolder()
        let file = folder.url.appending(path: "key")
        try KeptFile.write("a long first text", to: file, for: .everybody)
        try KeptFile.write("second", to: file, for: .owner)
        #expect(try String(contentsOf: file, encoding: .utf8) == "second\n")
        #expect(try folder.mode(of: "key") == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["key"])
    }

    @Test("are made once")
    func making() throws {
        let folder = try ScratchFolder()
        let file = folder.url.appending(path: "key")
        var made = 0
        for _ in 0..<2 {
            let text = try KeptFile.readOrWrite(file, for: .owner) {
                made += 1
                return "key \(made)"
            }
            #expect(text == "key 1")
        }
    }

    @Test("The keys are keys that serve takes, readable by their owner alone, and kept")
    func keys() throws {
        let folder = try ScratchFolder()
        let directory = DevelopmentDirectory(folder.url)
        try directory.prepareKeys()
        let (first, secrets) = (KeptFile.read(directory.operatorKey), KeptFile.read(directory.secretsKey))
        try directory.prepareKeys()
        #expect(first?.hasPrefix("cr_adm_") == true)
        #expect(KeptFile.read(directory.operatorKey) == first)
        #expect(KeptFile.read(directory.secretsKey) == secrets)
        #expect(try folder.mode(of: "operator.key") == 0o600)
        #expect(try folder.mode(of: "secrets.key") == 0o600)
        var reader = SettingsReader(
            flags: [.operatorKeyFile: directory.operatorKey.path], environment: [:])
        #expect(ServeSettings.operatorKey(&reader) != nil)
    }

    @Test("A folder that is a link, or somebody else's, is not used")
    func folders() throws {
        let folder = try ScratchFolder()
        let link = folder.url.appending(path: "link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder.url)
        #expect(throws: FileTrouble.self) { try KeptFile.makeFolder(link, mode: 0o700) }
        let own = folder.url.appending(path: "own")
        try KeptFile.makeFolder(own, mode: 0o755)
        try KeptFile.makeFolder(own, mode: 0o700)
        #expect(try folder.mode(of: "own") == 0o700)
        let stranger = ServerUser(name: "stranger", id: geteuid() + 1, group: getegid())
        #expect(throws: FileTrouble.self) { try KeptFile.makeFolder(own, mode: 0o700, owner: stranger) }
    }

    @Test("A directory has one user at a time")
    func locking() throws {
        let folder = try ScratchFolder()
        let directory = DevelopmentDirectory(folder.url.appending(path: ".carillon"))
        var lock: DirectoryLock? = try directory.take()
        let error = #expect(throws: FileTrouble.self) { try directory.take() }
        #expect(error?.description.contains("process \(getpid()) already serves from there") == true)
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(throws: Never.self) { try directory.take() }
    }
}
