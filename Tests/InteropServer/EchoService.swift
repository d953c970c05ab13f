import CarillonGRPC
import CarillonNet
import Foundation
import SwiftProtobuf
import Synchronization

/// Says back what it gets.
struct EchoService: EchoServiceHandler {
    /// Counts what runs in a task.
    let handlers: HandlerCount

    func inlineInline(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) throws -> Carillon_Testing_V1_EchoResponse? {
        .with { $0.payload = request.payload }
    }

    func inline(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        .with { $0.payload = request.payload }
    }

    func async(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        try await handlers.track { .with { $0.payload = request.payload } }
    }

    func getInline(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) throws -> Carillon_Testing_V1_EchoResponse? {
        .with { $0.payload = request.payload }
    }

    func get(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        .with { $0.payload = request.payload }
    }

    func stream(
        _ requests: RequestReader<Carillon_Testing_V1_EchoRequest>,
        _ responses: ResponseWriter<Carillon_Testing_V1_EchoResponse>, _ context: CallContext
    ) async throws {
        try await handlers.track {
            for try await request in requests { try await responses.send(.with { $0.payload = request.payload }) }
        }
    }

    func hang(
        _ request: Carillon_Testing_V1_EchoRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        try await handlers.track {
            // A hundred years: only cancellation ends it.
            try await context.loop.sleep(for: .seconds(100 * 365 * 86400))
            return .init()
        }
    }

    func parseInline(
        _ request: Carillon_Testing_V1_Everything, _ context: CallContext
    ) throws -> Carillon_Testing_V1_EchoResponse? {
        .init()
    }

    func parse(
        _ request: Carillon_Testing_V1_Everything, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        .init()
    }

    func pour(
        _ request: Carillon_Testing_V1_PourRequest, _ responses: ResponseWriter<Carillon_Testing_V1_EchoResponse>,
        _ context: CallContext
    ) async throws {
        try await handlers.track {
            guard request.size <= TestService.greatestPayload else {
                throw Status(.invalidArgument, "a message is at most \(TestService.greatestPayload) octets")
            }
            let response = Carillon_Testing_V1_EchoResponse.with { $0.payload = Data(count: Int(request.size)) }
            for _ in 0..<request.messages { try await responses.send(response) }
        }
    }

    func fail(
        _ request: Carillon_Testing_V1_FailRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_EchoResponse {
        try await handlers.track { throw status(of: request) }
    }

    func failLate(
        _ request: Carillon_Testing_V1_FailRequest, _ responses: ResponseWriter<Carillon_Testing_V1_EchoResponse>,
        _ context: CallContext
    ) async throws {
        try await handlers.track {
            for _ in 0..<request.messages { try await responses.send(.init()) }
            throw status(of: request)
        }
    }

    private func status(of request: Carillon_Testing_V1_FailRequest) -> Status {
        let code = UInt8(exactly: request.code).flatMap(StatusCode.init(rawValue:)) ?? .unknown
        return Status(code, request.message, details: Array(request.details))
    }

    func countInline(
        _ request: Carillon_Testing_V1_CountRequest, _ context: CallContext
    ) throws -> Carillon_Testing_V1_CountResponse? {
        .with {
            $0.running = handlers.running.load(ordering: .relaxed)
            $0.started = handlers.started.load(ordering: .relaxed)
            $0.cancelled = handlers.cancelled.load(ordering: .relaxed)
            $0.residentBytes = ProcessUse.residentBytes
            $0.openDescriptors = ProcessUse.openDescriptors
        }
    }

    func count(
        _ request: Carillon_Testing_V1_CountRequest, _ context: CallContext
    ) async throws -> Carillon_Testing_V1_CountResponse {
        .init()
    }
}
