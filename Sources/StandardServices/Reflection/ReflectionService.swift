internal import CarillonAPI
package import CarillonGRPC
package import CarillonNet

/// grpc.reflection: what the server can be asked, for tools that have no proto files. Needs no credential.
///
/// v1 and v1alpha have the same messages on the wire, so both are answered by the same code. Made once, any thread.
package final class ReflectionService: Sendable {
    /// The full names of the two services.
    package static let names = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]

    private let directory: ReflectionDirectory
    private let desks: PerLoop<ReflectionDesk>

    /// Puts the service together.
    ///
    /// - Parameters:
    ///   - loops: those that the server runs on.
    ///   - descriptors: what can be asked for.
    ///   - services: full names of the services that are registered, its own not needed.
    package init(
        loops: [EventLoop], descriptors: DescriptorSet, services: [String], limits: StandardServiceLimits = .init()
    ) {
        directory = ReflectionDirectory(
            descriptors: descriptors, services: Set(services).union(Self.names).sorted(), nameLength: limits.nameLength)
        let count = OpenStreamCount(limit: limits.reflectionStreams)
        desks = PerLoop(loops) { loop in
            ReflectionDesk(
                loop: loop,
                streams: OpenStreams(total: count, perConnection: limits.reflectionStreamsPerConnection))
        }
    }

    /// The rows of the server's method table.
    package var methods: [RPCMethod] {
        [
            .bidirectionalStreaming("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo") {
                try await self.answer($0, $1, $2)
            },
            .bidirectionalStreaming("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo") {
                try await self.answer($0, $1, $2)
            },
        ]
    }

    /// Ends all streams, and those that come, with UNAVAILABLE. Returns when every loop knows.
    package func beginDrain() async {
        for (loop, desk) in desks.all { await loop.run { desk.end() } }
    }

    private func answer(
        _ requests: RequestReader<Grpc_Reflection_V1_ServerReflectionRequest>,
        _ responses: ResponseWriter<Grpc_Reflection_V1_ServerReflectionResponse>, _ context: CallContext
    ) async throws {
        let desk = desks[context.loop]
        try desk.enter(context)
        defer { desk.leave(context) }
        var sent: Set<Int> = []
        for try await request in requests {
            try await responses.send(try directory.response(to: request, sent: &sent))
        }
    }
}
