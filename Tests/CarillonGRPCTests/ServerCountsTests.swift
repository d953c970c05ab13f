import CarillonGRPC
import CarillonNet
import SwiftProtobuf
import Testing

/// What a server counts: every connection and every call once, with the code that it ended with.
@Suite(.timeLimit(.minutes(5))) struct ServerCountsTests {
    @Test func callsAreCountedByTheirCodes() async throws {
        let echo = try await EchoServer.start(loops: 2)
        #expect(echo.server.counts.callsStarted == 0)
        for _ in 0..<3 { let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("x")) }
        for _ in 0..<2 { let _: Text = try await echo.client.unary("/test.Echo/Async", Text("x")) }
        _ = try? await echo.client.unary("/test.Echo/Fail", Text("x")) as Text
        _ = try? await echo.client.unary("/test.Echo/Nothing", Text("x")) as Text
        let counts = try await echo.counts { $0.callsEnded.values.reduce(0, +) == 7 }
        #expect(counts.callsEnded.filter { $0.value > 0 } == [.ok: 5, .failedPrecondition: 1, .unimplemented: 1])
        // What reaches no handler does not start.
        #expect(counts.callsStarted == 6)
        #expect(counts.callsWithoutTrailers == 0)
        #expect(counts.connectionsOpen == 1)
        await echo.stop()
        let after = try await echo.counts { $0.connectionsOpen == 0 }
        #expect(after.connectionsOpened == 1 && after.connectionsFailed == 0)
    }

    @Test func callsAreCountedByTheirMethods() async throws {
        let echo = try await EchoServer.start(loops: 2)
        for _ in 0..<3 { let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("x")) }
        let second = try echo.client(trusting: TestCertificate.files.certificate)
        let _: Text = try await second.unary("/test.Echo/Async", Text("x"))
        _ = try? await second.unary("/test.Echo/Fail", Text("x")) as Text
        _ = try? await second.unary("/test.Echo/Nothing", Text("x")) as Text
        await second.close()
        let counts = try await echo.counts { $0.callsEnded.values.reduce(0, +) == 6 }
        #expect(counts.callsOpen == 0 && counts.callsTurnedDown == 1)
        let methods = Dictionary(uniqueKeysWithValues: echo.server.methodCounts.map { ($0.path, $0) })
        func ended(_ method: String) -> [StatusCode: Int]? {
            methods["/test.Echo/" + method]?.ended.filter { $0.value > 0 }
        }
        #expect(ended("Inline") == [.ok: 3])
        #expect(ended("Async") == [.ok: 1])
        #expect(ended("Fail") == [.failedPrecondition: 1])
        // What is in no table is a method of nobody's.
        #expect(methods["/test.Echo/Nothing"] == nil)
        #expect(methods.values.flatMap(\.ended.values).reduce(0, +) == 5)
        #expect(methods["/test.Echo/Inline"]?.durations.reduce(0, +) == 3)
        await echo.stop()
    }

    @Test func durationsAreCountedWhereTheyEnd() async throws {
        let echo = try await EchoServer.start()
        let options = CallOptions(timeout: .milliseconds(300))
        _ = try? await echo.client.unary("/test.Echo/Hang", Text("x"), options: options) as Text
        _ = try await echo.counts { $0.callsEnded.values.reduce(0, +) == 1 }
        let counts = try #require(echo.server.methodCounts.first { $0.path == "/test.Echo/Hang" })
        #expect(counts.isUnary && counts.durations.count == MethodCounts.bounds.count + 1)
        // Cut off by whichever side was first, and never much before the time was over.
        let place = try #require(counts.durations.firstIndex(of: 1))
        #expect(counts.durations.reduce(0, +) == 1)
        let seconds = Double(counts.nanoseconds) / 1e9
        #expect(place == MethodCounts.bounds.count || seconds <= MethodCounts.bounds[place])
        #expect(place == 0 || seconds > MethodCounts.bounds[place - 1])
        #expect(seconds > 0.1)
        await echo.stop()
    }

    @Test func aCallThatIsCutOffIsCountedOnce() async throws {
        let echo = try await EchoServer.start()
        // Connected first, or else the time may be over before there is anything to count.
        let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("x"))
        let options = CallOptions(timeout: .milliseconds(300))
        _ = try? await echo.client.unary("/test.Echo/Hang", Text("x"), options: options) as Text
        let counts = try await echo.counts { $0.callsEnded.values.reduce(0, +) == 2 }
        // Whichever side was first.
        #expect(counts.callsEnded[.deadlineExceeded] == 1 || counts.callsEnded[.cancelled] == 1)
        await echo.stop()
    }

    @Test func connectionsThatAreRefusedOrFailAreCounted() async throws {
        var limits = ServerLimits()
        limits.connections = 1
        let echo = try await EchoServer.start(limits: limits)
        let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("x"))
        let second = try echo.client(trusting: TestCertificate.files.certificate)
        _ = try? await second.unary("/test.Echo/Inline", Text("x"), options: .init(timeout: .milliseconds(300))) as Text
        await second.close()
        let counts = try await echo.counts { $0.connectionsRefused > 0 }
        #expect(counts.connectionsOpened == 1)
        await echo.stop()
    }
}

extension EchoServer {
    /// The counts as soon as they are as they should be; what ended on the client may not have ended on the server.
    fileprivate func counts(when isDone: (ServerCounts) -> Bool) async throws -> ServerCounts {
        while true {
            let counts = server.counts
            if isDone(counts) { return counts }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
