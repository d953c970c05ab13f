import CarillonNet
import Foundation
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// Our client against C-core's server.
@Suite(.timeLimit(.minutes(5))) struct ClientGRPCIOTests {
    @Test(arguments: [0, 1, 100_000, 3_000_000])
    func unaryCallsAnswer(size: Int) async throws {
        let sent = Text(String(repeating: "x", count: size))
        let got: Text = try await ForeignServer.grpcio.value.withClient {
            try await $0.unary("/test.Foreign/Echo", sent)
        }
        #expect(got == sent)
    }

    @Test func manyCallsShareOneConnection() async throws {
        try await ForeignServer.grpcio.value.withClient { client in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let text: Text = try await client.unary("/test.Foreign/Echo", Text("\(number)"))
                        return Int(text.value) ?? 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 49 * 50 / 2)
        }
    }

    @Test(arguments: [
        "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "UNAUTHENTICATED",
    ])
    func failuresCarryCodeMessageAndDetails(name: String) async throws {
        let answer: RPCAnswer<Text> = try await ForeignServer.grpcio.value.withClient {
            await $0.unaryAnswer("/test.Foreign/Fail", Text(name))
        }
        let error = #expect(throws: Status.self) { try answer.result.get() }
        #expect(error?.code.name == name)
        #expect(error?.message == "no: ü\n100%")
        #expect(error?.details == [8, 5])
        #expect(answer.trailers["x-hint"] == "later")
    }

    @Test func metadataComesBack() async throws {
        var sent = Metadata()
        sent.append("x-lead", "one")
        sent.append(binary: "x-lead-bin", [0, 1, 254])
        sent.append(binary: "x-trail-bin", [0xab, 0xab, 0xab])
        let options = CallOptions(metadata: sent.fields.map { ($0.name, $0.value) })
        let answer: RPCAnswer<Text> = try await ForeignServer.grpcio.value.withClient {
            await $0.unaryAnswer("/test.Foreign/Echo", Text("x"), options: options)
        }
        #expect(answer.headers["echo-x-lead"] == "one")
        #expect(answer.headers.binary("echo-x-lead-bin") == [[0, 1, 254]])
        #expect(answer.trailers.binary("echo-x-trail-bin") == [[0xab, 0xab, 0xab]])
    }

    @Test func unknownMethodsAreUnimplemented() async throws {
        let answer: RPCAnswer<Text> = try await ForeignServer.grpcio.value.withClient {
            await $0.unaryAnswer("/test.Foreign/Nothing", Text("x"))
        }
        #expect(#expect(throws: Status.self) { try answer.result.get() }?.code == .unimplemented)
    }

    @Test func streamsOfAnswersComeInOrder() async throws {
        try await ForeignServer.grpcio.value.withClient { client in
            let reader: ResponseReader<Text> = try await client.serverStreaming("/test.Foreign/Count", Text("2000"))
            var number = 0
            for try await text in reader {
                guard text.value.hasPrefix("\(number) ") else { break }
                number += 1
            }
            #expect(number == 2000)
        }
    }

    @Test func clientStreamsAreJoined() async throws {
        try await ForeignServer.grpcio.value.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.clientStreaming("/test.Foreign/Join")
            for size in [0, 1, 70_000, 300_000, 5] { try await writer.send(Text(String(repeating: "d", count: size))) }
            writer.finish()
            var iterator = reader.makeAsyncIterator()
            #expect(try await iterator.next()?.value == "370006")
            #expect(try await iterator.next() == nil)
        }
    }

    @Test func bothSidesCanTalkInTurns() async throws {
        try await ForeignServer.grpcio.value.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.bidirectionalStreaming("/test.Foreign/Chat")
            var iterator = reader.makeAsyncIterator()
            for turn in 0..<20 {
                try await writer.send(Text("\(turn)"))
                #expect(try await iterator.next()?.value == "re: \(turn)")
            }
            writer.finish()
            #expect(try await iterator.next() == nil)
        }
    }

    @Test(arguments: [true, false]) func compressionGoesBothWays(isCompressed: Bool) async throws {
        try await ForeignServer.grpcio.value.withClient({ $0.isCompressed = isCompressed }) { client in
            let sent = Text(String(repeating: "squeeze me ", count: 20_000))
            let got: Text = try await client.unary("/test.Foreign/Squeezed", sent)
            #expect(got == sent)
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.clientStreaming("/test.Foreign/Join")
            for number in 0..<10 { try await writer.send(sent, isCompressed: number % 2 == 0) }
            writer.finish()
            var iterator = reader.makeAsyncIterator()
            #expect(try await iterator.next()?.value == "2200000")
        }
    }

    /// A small answer that becomes a large one is stopped at the limit.
    @Test func whatIsDecompressedIsBounded() async throws {
        try await ForeignServer.grpcio.value.withClient { client in
            let options = CallOptions(messageSize: 100_000, isCompressed: true)
            let answer: RPCAnswer<Text> = await client.unaryAnswer(
                "/test.Foreign/Squeezed", Text(String(repeating: "x", count: 200_000)), options: options)
            #expect(#expect(throws: Status.self) { try answer.result.get() }?.code == .resourceExhausted)
        }
    }

    @Test func aServerThatAsksForACertificateGetsOne() async throws {
        let files = TestCertificate.files
        let server = try await ForeignServer(.grpcio, ["--client-ca", files.certificate])
        var settings = TLSClientSettings(trustedCertificates: files.certificate)
        settings.certificateChain = files.certificate
        settings.privateKey = files.key
        let tls = try TLSContext(client: settings)
        let text: Text = try await server.withClient({ $0.tls = tls }) {
            try await $0.unary("/test.Foreign/Echo", Text("known"))
        }
        #expect(text.value == "known")
        let stranger: RPCAnswer<Text> = try await server.withClient {
            await $0.unaryAnswer("/test.Foreign/Echo", Text("unknown"))
        }
        let error = #expect(throws: Status.self) { try stranger.result.get() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("certificate") == true, "\(error?.message ?? "")")
    }

    @Test func deadlinesAndCancellationReachTheServer() async throws {
        let server = try await ForeignServer(.grpcio)
        try await server.withClient { client in
            let late: RPCAnswer<Text> = await client.unaryAnswer(
                "/test.Foreign/Slow", Text(""), options: CallOptions(timeout: .milliseconds(300)))
            #expect(#expect(throws: Status.self) { try late.result.get() }?.code == .deadlineExceeded)
            let call = Task {
                let _: Text = try await client.unary(
                    "/test.Foreign/Slow", Text(""), options: CallOptions(timeout: .seconds(1000)))
            }
            await server.events.first(containing: "started 9")
            call.cancel()
            let error = await #expect(throws: Status.self) { try await call.value }
            #expect(error?.code == .cancelled)
            await server.events.first(containing: "cancelled")
        }
    }
}
