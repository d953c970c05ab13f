internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

/// The calls of grpc.health.v1.
struct HealthServer: HealthHandler {
    typealias Check = Grpc_Health_V1_HealthCheckResponse

    let service: HealthService

    func checkInline(_ request: Grpc_Health_V1_HealthCheckRequest, _ context: CallContext) throws -> Check? {
        guard let status = service.status(of: request.service) else { throw Status(.notFound, "unknown service") }
        return Check.with { $0.status = status }
    }

    func check(_ request: Grpc_Health_V1_HealthCheckRequest, _ context: CallContext) async throws -> Check {
        guard let response = try checkInline(request, context) else { throw Status(.notFound, "unknown service") }
        return response
    }

    func listInline(
        _ request: Grpc_Health_V1_HealthListRequest, _ context: CallContext
    ) throws -> Grpc_Health_V1_HealthListResponse? {
        guard service.names.count <= service.limits.listedNames else {
            throw Status(.resourceExhausted, "there are more than \(service.limits.listedNames) names; ask for each")
        }
        return Grpc_Health_V1_HealthListResponse.with { response in
            for name in service.names {
                response.statuses[name] = Check.with { $0.status = service.status(of: name) ?? .unknown }
            }
        }
    }

    func list(
        _ request: Grpc_Health_V1_HealthListRequest, _ context: CallContext
    ) async throws -> Grpc_Health_V1_HealthListResponse {
        try listInline(request, context) ?? .init()
    }

    /// Sends the state at once and after each change, until the caller leaves or the server drains.
    func watch(
        _ request: Grpc_Health_V1_HealthCheckRequest, _ responses: ResponseWriter<Check>, _ context: CallContext
    ) async throws {
        let desk = service.desk(of: context)
        let number = try desk.enter(context.connection)
        defer { desk.leave(number, context.connection) }
        var told: Check.ServingStatus?
        while true {
            // Before the state is asked for: what changes after that is not missed.
            let (seen, isEnding) = (desk.changes, desk.isEnding)
            let status = service.status(of: request.service) ?? .serviceUnknown
            if status != told {
                try await responses.send(Check.with { $0.status = status })
                told = status
            } else if isEnding {
                throw Status(.unavailable, "the server is about to end; watch another one")
            } else {
                try await desk.nextChange(after: seen, for: number)
            }
        }
    }
}
