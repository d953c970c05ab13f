import Foundation
import Testing

@testable import CarillonNet

/// Files that change under a running server.
@Suite(.timeLimit(.minutes(5))) struct TLSWatchTests {
    @Test func aRenewedCertificateIsInUseWithoutARestartAndABrokenOneIsNot() async throws {
        let files = try TestFiles.shared.get()
        let link = files.path("live-\(UUID())")
        // As Kubernetes changes mounted secrets: a folder for each state, and a link that is replaced in one step.
        let show = { (names: [(from: String, to: String)]) in
            let folder = files.path("state-\(UUID())")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (from, to) in names {
                try FileManager.default.copyItem(atPath: files.path(from), toPath: "\(folder)/\(to)")
            }
            try FileManager.default.createSymbolicLink(atPath: "\(folder).link", withDestinationPath: folder)
            #expect(rename("\(folder).link", link) == 0)
        }
        try show([("server.pem", "tls.crt"), ("server.key", "tls.key")])
        let probe = try await TLSProbe.start(
            TLSServerSettings(certificateChain: "\(link)/tls.crt", privateKey: "\(link)/tls.key"))
        let reloads = Events()
        let watch = TLSWatch(probe.context, on: probe.loop, every: .milliseconds(20)) { reloads.record("\($0)") }
        #expect(try await subject(probe) == "CN = server")
        try show([("renewed.pem", "tls.crt"), ("renewed.key", "tls.key")])
        let replaced = await reloads.first(containing: "in use")
        #expect(replaced.hasPrefix("new TLS files are in use: CN=renewed, good until "))
        #expect(try await subject(probe) == "CN = renewed")
        // A key that is missing, and one that does not fit: refused, said once each.
        try show([("server.pem", "tls.crt")])
        let missing = await reloads.first(containing: "cannot be used")
        #expect(missing.contains("the old ones stay") && missing.contains("\(link)/tls.key"))
        try show([("server.pem", "tls.crt"), ("renewed.key", "tls.key")])
        await reloads.first(containing: "key values mismatch")
        #expect(try await subject(probe) == "CN = renewed")
        try show([("server.pem", "tls.crt"), ("server.key", "tls.key")])
        await reloads.first(containing: "CN=server")
        #expect(try await subject(probe) == "CN = server")
        #expect(reloads.all.count == 4)
        await watch.stop()
        await probe.stop()
    }

    /// A server makes its context when it reads its settings, and looks at the files when it serves.
    @Test func whatChangesBetweenTheContextAndTheWatchIsMetToo() async throws {
        let files = try TestFiles.shared.get()
        let folder = files.path("early-\(UUID())")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let show = { (name: String) in
            for kind in ["pem", "key"] {
                let content = try Data(contentsOf: URL(filePath: files.path("\(name).\(kind)")))
                try content.write(to: URL(filePath: "\(folder)/tls.\(kind)"), options: .atomic)
            }
        }
        try show("server")
        let probe = try await TLSProbe.start(
            TLSServerSettings(certificateChain: "\(folder)/tls.pem", privateKey: "\(folder)/tls.key"))
        try show("renewed")
        let reloads = Events()
        let watch = TLSWatch(probe.context, on: probe.loop, every: .milliseconds(20)) { reloads.record("\($0)") }
        await reloads.first(containing: "new TLS files are in use: CN=renewed")
        #expect(try await subject(probe) == "CN = renewed")
        await watch.stop()
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
