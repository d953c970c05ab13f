import Foundation
import Testing

@testable import CarillonNet

/// Files that change under a running server.
@Suite(.timeLimit(.minutes(1))) struct TLSWatchTests {
    @Test func aRenewedCertificateIsInUseWithoutARestartAndABrokenOneIsNot() async throws {
        let files = try TestFiles.shared.get()
        let (certificate, key) = (files.path("live-\(UUID()).pem"), files.path("live-\(UUID()).key"))
        let copy = { (name: String) in
            for (from, to) in [("\(name).pem", certificate), ("\(name).key", key)] {
                try Data(contentsOf: URL(filePath: files.path(from))).write(to: URL(filePath: to), options: .atomic)
            }
        }
        try copy("server")
        let probe = try await TLSProbe.start(TLSServerSettings(certificateChain: certificate, privateKey: key))
        let reloads = Events()
        let watch = TLSWatch(probe.context, on: probe.loop, every: .milliseconds(20)) { reloads.record("\($0)") }
        #expect(try await subject(probe) == "CN = server")
        try copy("renewed")
        let replaced = await reloads.first(containing: "in use")
        #expect(replaced.hasPrefix("new TLS files are in use: CN=renewed, good until "))
        #expect(try await subject(probe) == "CN = renewed")
        // A certificate without its key is refused, and said once.
        try FileManager.default.removeItem(atPath: key)
        let refused = await reloads.first(containing: "cannot be used")
        #expect(refused.contains("the old ones stay") && refused.contains(key))
        #expect(try await subject(probe) == "CN = renewed")
        try copy("server")
        await reloads.first(containing: "CN=server")
        #expect(try await subject(probe) == "CN = server")
        #expect(reloads.all.count == 3)
        watch.stop()
        await probe.stop()
    }

    @Test func aChangeIsTakenOnceAndWhenItIsComplete() throws {
        let files = try TestFiles.shared.get()
        let (one, two) = (FileStamp(files.path("ca.pem")), FileStamp(files.path("ca.key")))
        let three = FileStamp("/nowhere")
        #expect(Set([one, two, three]).count == 3)
        var change = FileChange(taken: [one])
        let looks = [one, two, three, three, three, two, one, one].map { change.look([$0]) }
        #expect(looks == [false, false, false, true, false, false, false, true])
    }

    private func subject(_ probe: TLSProbe) async throws -> String? {
        let output = try await Command.run([
            "openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-alpn", "h2", "-ign_eof",
        ]).output
        return output.split(separator: "\n").first { $0.hasPrefix("subject=") }.map { String($0.dropFirst(8)) }
    }
}
