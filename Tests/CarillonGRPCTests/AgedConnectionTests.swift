import CarillonGRPC
import CarillonNet
import Testing

/// What a connection's age means for its calls: the client is asked to go, calls may end by themselves for a while, and
/// what is open then is answered.
///
/// A connection gets old by the clock, however slow the machine is. So the tests begin with a call that is open before the
/// connection takes no more, and from there wait for what happens, in whatever time.
@Suite(.timeLimit(.minutes(5))) struct AgedConnectionTests {
    /// A server whose connections get old, a client of it, and a call that is open on its connection.
    private struct Aging {
        let echo: EchoServer
        let client: RawClient
        let call: RawStream

        /// Ends everything and returns what the server counted.
        func stop() async -> ServerCounts {
            await client.close()
            await echo.stop()
            return echo.server.counts
        }
    }

    /// How long a server that does nothing is waited for.
    private static let patience = Duration.seconds(40)

    /// Opens a call that does not end before its client ends it. Where the machine is too slow for that, another connection
    /// may get older.
    private static func openCall(grace: Duration) async throws -> Aging {
        for age in [400, 1600, 6400, 25_600] {
            var limits = ServerLimits()
            limits.http2.maxAge = .milliseconds(age)
            limits.http2.ageGrace = grace
            let echo = try await EchoServer.start(limits: limits)
            let client = try await RawClient.connect(to: echo)
            await client.giveUp(after: patience)
            let call = await client.open("/test.Echo/Chat", parts: [CallRulesTests.text("a")], ends: false)
            if let call, await call.hasBegun() { return Aging(echo: echo, client: client, call: call) }
            await client.close()
            await echo.stop()
        }
        throw Status(.deadlineExceeded, "no call was open before its connection was old")
    }

    @Test func whatIsOpenWhenTheGraceIsOverIsAnswered() async throws {
        let aging = try await Self.openCall(grace: .milliseconds(200))
        let answer = await aging.call.answer()
        #expect(answer.trailer("grpc-status") == "14" && answer.closed == .noError)
        #expect(answer.wasDraining, "the client is asked to go before")
        #expect(await aging.client.ended())
        #expect(aging.client.goAway?.code == .noError && aging.client.goAway?.debugText == "max_age")
        let counts = await aging.stop()
        #expect(counts.callsEnded.filter { $0.value > 0 } == [.unavailable: 1])
        Self.expectNoFailure(counts, aging.echo)
    }

    @Test func aCallMayEndByItselfWithinTheGrace() async throws {
        let aging = try await Self.openCall(grace: .seconds(3600))
        await aging.client.draining()
        // The call goes on as before.
        await aging.call.send(CallRulesTests.text("b"))
        await aging.call.end()
        let answer = await aging.call.answer()
        #expect(answer.trailer("grpc-status") == "0" && answer.messages.count == 2 && answer.closed == .noError)
        #expect(await aging.client.ended(), "nothing is open, so nobody waits for the end of the grace")
        #expect(aging.client.goAway?.code == .noError && aging.client.goAway?.debugText == "max_age")
        let counts = await aging.stop()
        #expect(counts.callsEnded.filter { $0.value > 0 } == [.ok: 1])
        Self.expectNoFailure(counts, aging.echo)
    }

    /// To get old is no fault of anybody's.
    private static func expectNoFailure(_ counts: ServerCounts, _ echo: EchoServer) {
        #expect(counts.connectionsOpened == 1 && counts.connectionsOpen == 0)
        #expect(counts.connectionsFailed == 0 && counts.connectionsAbusive == 0)
        #expect(echo.events.recorded.isEmpty)
    }
}
