import Foundation
import Testing

@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
#endif

/// Connections that behave in ways no library would, against a server of the HTTP/2 layer alone.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ConnectionTests {
    private func play(_ scenario: String, _ probe: HTTP2Probe) async throws -> String {
        let files = try TestFiles.shared.get()
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "raw_peer.py").path
        let outcome = try await Command.run(["python3", script, "\(probe.port)", files.path("ca.pem"), scenario])
        return outcome.output
    }

    /// Plays a scenario against limits and returns what the peer saw and why the server says that it ended.
    private func ending(
        _ scenario: String, _ change: (inout HTTP2Limits) -> Void = { _ in }
    ) async throws -> (
        seen: String, reason: String
    ) {
        var limits = HTTP2Limits()
        change(&limits)
        let probe = try await HTTP2Probe.start(limits)
        let seen = try await play(scenario, probe)
        let reason = await probe.events.first(containing: "closed: ")
        await probe.stop()
        return (seen, reason)
    }

    @Test(arguments: ["empty_data", "priority", "window_update", "unknown", "pong"])
    func framesThatCarryNoCallEndTheConnectionInTheEnd(kind: String) async throws {
        let (seen, reason) = try await ending("flood_\(kind)")
        #expect(seen.contains("11 too_many_idle_frames"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: too_many_idle_frames")
    }

    @Test func settingsWithoutEndDoToo() async throws {
        // Whichever comes first: the answers that the peer has not read, or the frames themselves.
        let (_, reason) = try await ending("flood_settings")
        #expect(["flood", "too_many_idle_frames"].contains { reason == "closed: the peer was cut off: \($0)" })
    }

    @Test func smallMessagesAreAsGoodAsLargeOnes() async throws {
        let (seen, reason) = try await ending("small_messages")
        #expect(seen.contains("HEADERS 5\nDATA 5") && !seen.contains("GOAWAY"), "\(seen)")
        #expect(reason == "closed: finished")
    }

    /// What a frame earns does not depend on how many reads it takes.
    @Test func aFrameThatComesInPiecesEarnsOnce() async throws {
        let (seen, reason) = try await ending("dribbled_data") {
            ($0.idleFrameBurst, $0.idleFramesPerSecond) = (500, 0)
        }
        #expect(seen.contains("11 too_many_idle_frames"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: too_many_idle_frames")
    }

    @Test func rapidResetsEndTheConnection() async throws {
        let (seen, reason) = try await ending("rapid_reset")
        #expect(seen.contains("11 too_many_resets"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: too_many_resets")
    }

    @Test func callsThatWereUnderWayMayBeCancelledAtWill() async throws {
        let (seen, reason) = try await ending("patient_cancel") {
            // The client of this test looks by PINGs whether its streams were taken up.
            $0.pingInterval = .zero
            $0.permitsPingsWithoutStreams = true
        }
        #expect(!seen.contains("GOAWAY"), "\(seen)")
        #expect(seen.contains("HEADERS 5001\nDATA 5001"))
        #expect(reason == "closed: finished")
    }

    @Test func resetsThatThePeerProvokesEndTheConnection() async throws {
        let (seen, reason) = try await ending("made_you_reset")
        #expect(seen.contains("11 too_many_errors"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: too_many_errors")
    }

    @Test func aHeaderListThatIsABombEndsTheConnection() async throws {
        let (seen, reason) = try await ending("hpack_bomb")
        #expect(seen.contains("DATA 3"), "\(seen)")
        #expect(seen.contains("11 header_list_too_large\nend"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: header_list_too_large")
    }

    @Test func theThirdHastyPingEndsTheConnection() async throws {
        let (seen, reason) = try await ending("pings")
        // The first is forgiven by the answer before it; the next has nothing to compare with but that one.
        #expect(seen.components(separatedBy: "PING ACK").count - 1 <= 4, "\(seen)")
        #expect(seen.contains("11 too_many_pings\nend"), "\(seen)")
        #expect(reason == "closed: the peer was cut off: too_many_pings")
    }

    @Test func framesForClosedStreamsAreErrorsUnlessTheyWereUnderWay() async throws {
        let closed = try await ending("closed_stream")
        #expect(closed.seen.contains("GOAWAY 1 5 frame for a closed stream\nend"), "\(closed.seen)")
        let lower = try await ending("lower_stream")
        #expect(lower.seen.contains("GOAWAY 9 1 unexpected stream identifier\nend"), "\(lower.seen)")
        let late = try await ending("late_data") {
            $0.bodyGrace = .zero
            $0.bodyRate = 1_000_000
        }
        #expect(late.seen.contains("RST_STREAM 3 11\nHEADERS 5\nDATA 5"), "\(late.seen)")
        #expect(late.reason == "closed: finished")
    }

    @Test(arguments: [
        ("silent_settings", "GOAWAY 0 4 ", "the peer did not acknowledge SETTINGS in time"),
        ("open_headers", "GOAWAY 3 11 ", "a header block did not end in time"),
        ("partial_headers", "GOAWAY 3 11 ", "a header block did not end in time"),
        ("no_preface", "GOAWAY 0 4 no SETTINGS", "the handshake took too long"),
        ("mute", "PING \nGOAWAY 1 0 ", "the peer does not answer: no octet since the keepalive PING"),
    ])
    func whatIsOwedHasItsTime(scenario: String, seen: String, reason: String) async throws {
        let end = try await ending(scenario) {
            $0.settingsTime = .milliseconds(300)
            $0.headerBlockTime = .milliseconds(300)
            $0.prefaceTime = .milliseconds(300)
            if scenario == "mute" {
                $0.keepaliveTime = .milliseconds(100)
                $0.keepaliveTimeout = .milliseconds(200)
            }
        }
        #expect(end.seen.contains("\(seen)\nend"), "\(end.seen)")
        #expect(end.reason == "closed: \(reason)")
    }

    /// The system ends connections whose peer acknowledges nothing, where it can be told so (gRFC A18).
    #if canImport(Glibc)
        @Test(arguments: [20_000, 1500])
        func whatIsSentMustBeAcknowledged(milliseconds: Int) async throws {
            var limits = HTTP2Limits()
            limits.keepaliveTimeout = .milliseconds(milliseconds)
            let probe = try await HTTP2Probe.start(limits)
            async let stays = play("stay", probe)
            await probe.events.first(containing: "ready")
            let option = await probe.look { descriptor in
                var (value, length) = (UInt32(0), socklen_t(MemoryLayout<UInt32>.size))
                getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, &value, &length)
                return value
            }
            #expect(option == UInt32(milliseconds))
            await probe.drain(.shutdown)
            _ = try await stays
            await probe.stop()
        }
    #endif

    @Test func aPrefaceOfSomethingElseIsToldSo() async throws {
        let (seen, reason) = try await ending("wrong_preface")
        #expect(seen.contains("GOAWAY 0 1 this port takes HTTP/2\nend"), "\(seen)")
        #expect(reason.contains("does not speak HTTP/2"))
    }

    @Test func anAnswerThatTheWindowHoldsUpIsGivenUp() async throws {
        let (seen, _) = try await ending("zero_window") { $0.outputStall = .milliseconds(100) }
        #expect(seen.contains("RST_STREAM 1 8"), "\(seen)")
    }

    @Test func aPeerThatDoesNotReadIsCutOff() async throws {
        let (seen, reason) = try await ending("no_reading") { $0.outputStall = .milliseconds(300) }
        #expect(seen.contains("reset"))
        #expect(reason == "closed: the peer does not read")
    }

    @Test func whatTheOwnerDoesNotTakeIsRefused() async throws {
        let (seen, _) = try await ending("many_streams")
        #expect(seen.contains("RST_STREAM 103 7"), "\(seen)")
    }

    @Test func oldIdleAndUsedUpConnectionsAreDrainedWithTheReason() async throws {
        // The peer's first request may come before the time is up or after: the last identifier is not looked at.
        let notice = "GOAWAY 2147483647 0 \n"
        let age = try await ending("stay") { $0.maxAge = .milliseconds(200) }
        #expect(age.seen.contains(notice) && age.seen.contains(" 0 max_age\nend"), "\(age.seen)")
        let idle = try await ending("stay") { $0.maxIdle = .milliseconds(200) }
        #expect(idle.seen.contains(notice) && idle.seen.contains(" 0 max_idle\nend"), "\(idle.seen)")
        let used = try await ending("high_stream")
        #expect(used.seen.contains("GOAWAY 1610612737 0 stream_ids"), "\(used.seen)")
        for end in [age, idle, used] { #expect(end.reason == "closed: finished") }
    }

    /// The last stream is fixed when the peer has seen the announcement, which no other PING's answer shows.
    @Test func onlyItsOwnAnswerEndsAnAnnouncement() async throws {
        let end = try await ending("wrong_pong") {
            ($0.maxIdle, $0.drainNoticeTime) = (.milliseconds(200), .milliseconds(700))
        }
        let words = end.seen.components(separatedBy: "answered\n")
        #expect(words.count == 2 && !words[0].contains("max_idle"), "\(end.seen)")
        #expect(words.last?.contains(" 0 max_idle\nend") == true, "\(end.seen)")
    }

    /// A peer does not wait for ever for what libnghttp2 had no memory to send.
    @Test func whatCannotBeSubmittedEndsTheSession() async {
        let loop = EventLoop(name: "session")
        let reason = await loop.run {
            let session = HTTP2Session(isServer: true, loop: loop, peer: "nobody", limits: .init())
            defer { session.close() }
            session.demand(0)
            guard session.concludeVerdict() == nil else { return "too early" }
            // NGHTTP2_ERR_NOMEM
            session.demand(-901)
            return session.concludeVerdict()?.description ?? "never"
        }
        #expect(reason == "the connection cannot go on: Out of memory")
        await loop.shutDown()
    }

    @Test func strangersAreToldInTheirOwnLanguage() async throws {
        let probe = try await HTTP2Probe.start()
        let page = try await Command.run(["curl", "-s", "http://127.0.0.1:\(probe.port)/"])
        #expect(page.output == "This port speaks TLS: use https.\n")
        await probe.events.first(containing: "closed: the peer spoke plain HTTP to the TLS port")
        let plaintext = try await Command.python(
            """
            import socket, sys
            peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            peer.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            print(b"".join(iter(lambda: peer.recv(4096), b"")))
            """, "\(probe.port)")
        #expect(plaintext.output.contains("\\x00\\x00\\x00\\x0cthis port speaks TLS: use a secure channel"))
        await probe.events.first(containing: "closed: the peer spoke plain HTTP/2 (gRPC without TLS)")
        let older = try await Command.run([
            "curl", "-sk", "--http1.1", "--no-alpn", "https://127.0.0.1:\(probe.port)/",
        ])
        #expect(older.output == "This port speaks HTTP/2 only (ALPN h2).\n")
        await probe.events.first(containing: "closed: the peer offers no protocol by ALPN")
        let noise = try await Command.python(
            """
            import socket, sys
            peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            peer.sendall(bytes(range(100)))
            print(len(b"".join(iter(lambda: peer.recv(4096), b""))))
            """, "\(probe.port)")
        #expect(noise.output == "0\n")
        await probe.events.first(containing: "closed: the peer did not speak TLS")
        await probe.stop()
    }

    @Test func aClientsIdentityComesWithTheConnection() async throws {
        let files = try TestFiles.shared.get()
        var tls = TLSServerSettings(certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
        tls.clientAuthorities = files.path("ca.pem")
        let probe = try await HTTP2Probe.start(tls: tls)
        let page = try await Command.run([
            "curl", "-s", "--http2", "--cacert", files.path("ca.pem"), "--cert", files.path("orders.pem"), "--key",
            files.path("orders.key"), "https://localhost:\(probe.port)/",
        ])
        #expect(page.output == "...")
        await probe.events.first(containing: "ready identity=spiffe://example.org/ns/shop/sa/orders")
        await probe.stop()
    }
}
