import Foundation
import Testing

@testable import CarillonNet

/// Keys of session tickets: by a transcript, and against the `openssl` command.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TicketTests {
    private static func key(_ number: UInt8) -> TicketKey {
        TicketKey([UInt8](repeating: number, count: TicketKey.length))
    }

    @Test func ownKeysSealForTwelveHoursAndOpenForTwelveMore() {
        var keys = TicketKeys()
        var made: UInt8 = 0
        func hours(_ count: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: count * 3_600_000_000_000) }
        func seal(_ hour: Int64) -> TicketKey {
            keys.sealing(at: hours(hour)) {
                made += 1
                return Self.key(made)
            }
        }
        func open(_ number: UInt8, _ hour: Int64) -> TicketKeys.Opening {
            Self.key(number).name.withUnsafeBytes { keys.opening($0, at: hours(hour)) }
        }
        #expect(open(1, 0) == .unknown)
        #expect(seal(100) == Self.key(1))
        #expect(seal(111) == Self.key(1))
        #expect(open(1, 111) == .good(Self.key(1)))
        // Nobody sealed since: the key opens still, and what it opens is old.
        #expect(open(1, 112) == .old(Self.key(1)))
        #expect(seal(113) == Self.key(2))
        #expect(open(1, 113) == .old(Self.key(1)))
        #expect(open(2, 113) == .good(Self.key(2)))
        // The key before the sealing one goes when the next one comes.
        #expect(seal(125) == Self.key(3))
        #expect(open(1, 125) == .unknown)
        #expect(open(2, 125) == .old(Self.key(2)))
        // A server that slept for a day opens nothing of before.
        #expect(open(3, 149) == .unknown)
        #expect(seal(149) == Self.key(4))
        #expect(open(3, 149) == .unknown)
    }

    @Test func keysOfAFileSealByTheFirstAndOpenByAll() {
        var keys = TicketKeys()
        keys.adopt([Self.key(7), Self.key(6)])
        let later = MonotonicTime(nanoseconds: 1_000_000 * 3_600_000_000_000)
        let sealing = keys.sealing(at: later) { Self.key(0) }
        #expect(sealing == Self.key(7))
        #expect(Self.key(6).name.withUnsafeBytes { keys.opening($0, at: later) } == .old(Self.key(6)))
        #expect(Self.key(5).name.withUnsafeBytes { keys.opening($0, at: later) } == .unknown)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func oneTicketIsSentAndResumesTheSession(version: String) async throws {
        let files = try TestFiles.shared.get()
        let settings = TLSServerSettings(
            certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
        let session = files.path("session-\(UUID().uuidString)")
        let probe = try await TLSProbe.start(settings)
        let output = try await connect(probe, files, version, "-sess_out", session)
        let word = version == "-tls1_3" ? "Post-Handshake New Session Ticket arrived" : "TLS session ticket:"
        #expect(output.components(separatedBy: word).count == 2)
        #expect(output.contains("TLS session ticket lifetime hint: 43200 (seconds)"))
        _ = try await connect(probe, files, version, "-sess_in", session)
        await probe.events.first(containing: "resumed=true")
        await probe.stop()
        // Another server has other keys, and takes the long way.
        let other = try await TLSProbe.start(settings)
        _ = try await connect(other, files, version, "-sess_in", session)
        #expect(await other.events.first(containing: "established").contains("resumed=false"))
        await other.stop()
    }

    @Test func serversWithTheSameKeyFileResumeEachOthersSessions() async throws {
        let files = try TestFiles.shared.get()
        var settings = TLSServerSettings(
            certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
        let keyFile = files.path("tickets-\(UUID().uuidString)")
        try Data((0..<80).map { _ in UInt8.random(in: 0...255) }).write(to: URL(filePath: keyFile))
        settings.ticketKeys = keyFile
        let session = files.path("session-\(UUID().uuidString)")
        let (one, two) = (try await TLSProbe.start(settings), try await TLSProbe.start(settings))
        _ = try await connect(one, files, "-sess_out", session)
        _ = try await connect(two, files, "-sess_in", session)
        await two.events.first(containing: "resumed=true")
        // Another key took its place: what the old one sealed opens no more.
        try Data((0..<80).map { _ in UInt8.random(in: 0...255) }).write(to: URL(filePath: keyFile))
        try one.context.reload()
        _ = try await connect(one, files, "-sess_in", session)
        #expect(one.events.all.filter { $0.contains("resumed=false") }.count == 2)
        await one.stop()
        await two.stop()
    }

    private func connect(_ probe: TLSProbe, _ files: TestFiles, _ arguments: String...) async throws -> String {
        try await Command.run(
            [
                "openssl", "s_client", "-connect", "127.0.0.1:\(probe.port)", "-alpn", "h2", "-CAfile",
                files.path("ca.pem"), "-ign_eof",
            ] + arguments
        ).output
    }
}
