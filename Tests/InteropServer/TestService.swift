import CarillonGRPC
import CarillonNet
import Foundation
import SwiftProtobuf

/// grpc.testing.TestService as the interop test descriptions of gRPC have it
/// (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md, "Server").
///
/// Sizes are bounded, as a client names them: one payload by ``greatestPayload``, what HalfDuplexCall keeps by
/// ``greatestBacklog``.
struct TestService: TestServiceHandler {
    /// Counts what runs in a task.
    let handlers: HandlerCount

    /// The greatest payload of an answer in octets.
    static let greatestPayload = 64 * 1024 * 1024
    /// How many answers HalfDuplexCall owes at most.
    static let greatestBacklog = 10_000

    /// The methods; UnimplementedCall is left out on purpose.
    var methods: [RPCMethod] {
        rpcMethods.filter { "\($0.path)" != "/grpc.testing.TestService/UnimplementedCall" }
    }

    // MARK: One message each way

    func emptyCallInline(_ request: Grpc_Testing_Empty, _ context: CallContext) throws -> Grpc_Testing_Empty? {
        echoMetadata(context)
        return Grpc_Testing_Empty()
    }

    func emptyCall(_ request: Grpc_Testing_Empty, _ context: CallContext) async throws -> Grpc_Testing_Empty {
        Grpc_Testing_Empty()
    }

    func unaryCall(
        _ request: Grpc_Testing_SimpleRequest, _ context: CallContext
    ) async throws -> Grpc_Testing_SimpleResponse {
        try await handlers.track {
            echoMetadata(context)
            return try answer(to: request, context)
        }
    }

    func cacheableUnaryCall(
        _ request: Grpc_Testing_SimpleRequest, _ context: CallContext
    ) async throws -> Grpc_Testing_SimpleResponse {
        try await handlers.track {
            echoMetadata(context)
            context.addLeading("cache-control", "max-age=60, public")
            var response = try answer(to: request, context)
            // What is new in each answer shows whether a cache gave it.
            response.payload.body = Data("\(MonotonicTime.current.nanoseconds)".utf8)
            return response
        }
    }

    private func answer(
        to request: Grpc_Testing_SimpleRequest, _ context: CallContext
    ) throws(Status) -> Grpc_Testing_SimpleResponse {
        try check(request.hasExpectCompressed && request.expectCompressed.value, context)
        if request.hasResponseStatus { try fail(as: request.responseStatus) }
        try checkType(request.responseType)
        if request.hasOrcaPerQueryReport { report(request.orcaPerQueryReport, context) }
        if request.hasResponseCompressed { context.compressesResponses = request.responseCompressed.value }
        var response = Grpc_Testing_SimpleResponse()
        if request.responseSize != 0 { response.payload = try payload(of: request.responseSize) }
        if request.fillServerID { response.serverID = "carillon-\(getpid())" }
        return response
    }

    // MARK: Streams

    func streamingOutputCall(
        _ request: Grpc_Testing_StreamingOutputCallRequest,
        _ responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, _ context: CallContext
    ) async throws {
        try await handlers.track {
            echoMetadata(context)
            if request.hasResponseStatus { try fail(as: request.responseStatus) }
            try checkType(request.responseType)
            context.compressesResponses = request.responseParameters.contains { $0.compressed.value }
            for parameters in request.responseParameters { try await send(parameters, to: responses, context) }
        }
    }

    func streamingInputCall(
        _ requests: RequestReader<Grpc_Testing_StreamingInputCallRequest>, _ context: CallContext
    ) async throws -> Grpc_Testing_StreamingInputCallResponse {
        try await handlers.track {
            echoMetadata(context)
            var size = 0
            for try await request in requests {
                try check(request.hasExpectCompressed && request.expectCompressed.value, context)
                size += request.payload.body.count
            }
            return .with { $0.aggregatedPayloadSize = Int32(clamping: size) }
        }
    }

    func fullDuplexCall(
        _ requests: RequestReader<Grpc_Testing_StreamingOutputCallRequest>,
        _ responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, _ context: CallContext
    ) async throws {
        try await handlers.track {
            echoMetadata(context)
            // Any message may be compressed, which the header block has to say before the first is known.
            context.compressesResponses = true
            for try await request in requests {
                if request.hasResponseStatus { try fail(as: request.responseStatus) }
                try checkType(request.responseType)
                for parameters in request.responseParameters { try await send(parameters, to: responses, context) }
            }
        }
    }

    func halfDuplexCall(
        _ requests: RequestReader<Grpc_Testing_StreamingOutputCallRequest>,
        _ responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, _ context: CallContext
    ) async throws {
        try await handlers.track {
            echoMetadata(context)
            context.compressesResponses = true
            var backlog: [Grpc_Testing_ResponseParameters] = []
            for try await request in requests {
                if request.hasResponseStatus { try fail(as: request.responseStatus) }
                try checkType(request.responseType)
                guard backlog.count + request.responseParameters.count <= Self.greatestBacklog else {
                    throw Status(.resourceExhausted, "at most \(Self.greatestBacklog) answers are kept")
                }
                backlog += request.responseParameters
            }
            for parameters in backlog { try await send(parameters, to: responses, context) }
        }
    }

    private func send(
        _ parameters: Grpc_Testing_ResponseParameters,
        to responses: ResponseWriter<Grpc_Testing_StreamingOutputCallResponse>, _ context: CallContext
    ) async throws {
        if parameters.intervalUs > 0 {
            try await context.loop.sleep(for: .microseconds(Int64(parameters.intervalUs)))
        }
        let payload = try payload(of: parameters.size)
        try await responses.send(.with { $0.payload = payload }, compressed: parameters.compressed.value)
    }

    // MARK: What a request asks for besides

    /// Says back the two header fields of the feature "echo metadata".
    private func echoMetadata(_ context: CallContext) {
        if let value = context.metadata["x-grpc-test-echo-initial"] {
            context.addLeading("x-grpc-test-echo-initial", value)
        }
        for value in context.metadata.octets("x-grpc-test-echo-trailing-bin") {
            context.addTrailer("x-grpc-test-echo-trailing-bin", octets: value)
        }
    }

    /// Refuses a message that did not come as it should: compressed.
    private func check(_ shouldBeCompressed: Bool, _ context: CallContext) throws(Status) {
        guard !shouldBeCompressed || context.isRequestCompressed else {
            throw Status(.invalidArgument, "the message should be compressed and is not")
        }
    }

    /// Says a load report back in the trailers (gRFC A51).
    private func report(_ wanted: Grpc_Testing_TestOrcaReport, _ context: CallContext) {
        let report = Xds_Data_Orca_V3_OrcaLoadReport.with {
            $0.cpuUtilization = wanted.cpuUtilization
            $0.memUtilization = wanted.memoryUtilization
            $0.requestCost = wanted.requestCost
            $0.utilization = wanted.utilization
        }
        guard let octets: [UInt8] = try? report.serializedBytes() else { return }
        context.addTrailer("endpoint-load-metrics-bin", octets: octets)
    }

    /// Throws the status that the client wants; returns for OK.
    private func fail(as wanted: Grpc_Testing_EchoStatus) throws(Status) {
        let code = UInt8(exactly: wanted.code).flatMap(StatusCode.init(rawValue:)) ?? .unknown
        guard code != .ok else { return }
        throw Status(code, wanted.message)
    }

    /// COMPRESSABLE is the only type left in the protocol.
    private func checkType(_ type: Grpc_Testing_PayloadType) throws(Status) {
        guard type == .compressable else {
            throw Status(.invalidArgument, "the payload type \(type.rawValue) is not supported")
        }
    }

    private func payload(of size: Int32) throws(Status) -> Grpc_Testing_Payload {
        guard (0...Self.greatestPayload).contains(Int(size)) else {
            throw Status(.invalidArgument, "the size \(size) is not from 0 to \(Self.greatestPayload)")
        }
        return .with { $0.body = Data(count: Int(size)) }
    }

    func unimplementedCall(_ request: Grpc_Testing_Empty, _ context: CallContext) async throws -> Grpc_Testing_Empty {
        throw Status(.unimplemented, "not served")
    }
}
