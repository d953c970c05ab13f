internal import CarillonAPI
internal import CarillonGRPC
internal import CarillonNet

/// grpc.health.v1: whether calls can be answered. Needs no credentials and tells nothing else.
struct HealthServer: HealthHandler {
    let core: ServiceCore
    /// The services of this process by their full names.
    let services: Set<String>

    /// NOT_FOUND for a service that this process does not have; the empty name is the process as a whole.
    func checkInline(
        _ request: Grpc_Health_V1_HealthCheckRequest, _ context: CallContext
    ) throws -> Grpc_Health_V1_HealthCheckResponse? {
        guard isKnown(request.service) else { throw Status(.notFound, "unknown service") }
        return response(status)
    }

    func check(
        _ request: Grpc_Health_V1_HealthCheckRequest, _ context: CallContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard isKnown(request.service) else { throw Status(.notFound, "unknown service") }
        return response(status)
    }

    /// Sends the state at once and after each change, until the caller leaves or the process ends.
    func watch(
        _ request: Grpc_Health_V1_HealthCheckRequest,
        _ responses: ResponseWriter<Grpc_Health_V1_HealthCheckResponse>, _ context: CallContext
    ) async throws {
        var last: Grpc_Health_V1_HealthCheckResponse.ServingStatus?
        while true {
            let isDraining = core.isDraining
            let now = isKnown(request.service) ? status : .serviceUnknown
            if now != last {
                try await responses.send(response(now))
                last = now
            }
            // An open watch would hold up the end of the process.
            if isDraining { throw Status.draining }
            try await context.loop.sleep(for: core.limits.healthPoll)
        }
    }

    private func isKnown(_ service: String) -> Bool { service.isEmpty || services.contains(service) }

    private var status: Grpc_Health_V1_HealthCheckResponse.ServingStatus { core.isReady ? .serving : .notServing }

    private func response(
        _ status: Grpc_Health_V1_HealthCheckResponse.ServingStatus
    ) -> Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status = status
        return response
    }
}
