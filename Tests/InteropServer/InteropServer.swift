// interop-server: what foreign clients, benches and attacks are let loose on. It serves grpc.testing.TestService, as the
// interop tests of gRPC describe it, carillon.testing.v1.EchoService (Protos/), health and reflection, over TLS on
// CarillonGRPC, and nothing else: whatever a client meets here, it meets in the product too.
//
// The main thread waits for SIGTERM or SIGINT; everything else is on the loops. A first signal drains, a second one ends at
// once. Events of the server are one line each on standard error. Wrong arguments end it with status 64.

import CarillonGRPC
import CarillonNet
import Glibc
import StandardServices
import Synchronization

/// The program.
@main
enum InteropServer {
    /// Runs until a signal comes.
    static func main() {
        var arguments = Arguments()
        do throws(ArgumentError) {
            arguments = try Arguments(CommandLine.arguments.dropFirst())
        } catch {
            fail("\(error.description)\n\(Arguments.usage)", status: EX_USAGE)
        }
        ProcessUse.raiseDescriptorLimit()
        // Threads inherit the mask, so it is set before there are any.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        let loops = (0..<arguments.loops).map { EventLoop(name: "loop-\($0)") }
        let running = Mutex<Running?>(nil)
        loops[0].spawn { [arguments] in
            do {
                let started = try await start(arguments, on: loops)
                running.withLock { $0 = started }
                try announce(started.server.port, in: arguments.portFile)
            } catch {
                fail("\(error)", status: EXIT_FAILURE)
            }
        }
        var number: CInt = 0
        sigwait(&signals, &number)
        loops[0].spawn { [arguments] in
            await running.withLock { $0 }?.drain(grace: arguments.grace)
            exit(EXIT_SUCCESS)
        }
        sigwait(&signals, &number)
        exit(EXIT_FAILURE)
    }

    /// What is told of the end.
    private struct Running: Sendable {
        let server: RPCServer
        let health: HealthService
        let reflection: ReflectionService

        func drain(grace: Duration) async {
            await health.beginDrain()
            await reflection.beginDrain()
            await server.drain(grace: grace)
        }
    }

    private static func start(_ arguments: Arguments, on loops: [EventLoop]) async throws -> Running {
        let handlers = HandlerCount()
        let tls = try TLSContext(server: arguments.tls)
        guard let descriptors = DescriptorSet(base64: InteropDescriptors.base64) else {
            throw ArgumentError("the generated descriptors are broken")
        }
        let own = TestService(handlers: handlers).methods + EchoService(handlers: handlers).rpcMethods
        let health = HealthService(loops: loops, services: own.serviceNames, isServing: { true })
        let reflection = ReflectionService(
            loops: loops, descriptors: descriptors, services: (own + health.methods).serviceNames)
        let server = try await RPCServer.start(
            on: loops, host: arguments.host, port: arguments.port, tls: tls,
            methods: own + health.methods + reflection.methods, pages: TestPages.pages, limits: arguments.limits,
            report: { log(line(for: $0)) })
        return Running(server: server, health: health, reflection: reflection)
    }

    private static func line(for event: ServerEvent) -> String {
        switch event {
        case .connectionFailed(let peer, let reason): "connection from \(peer): \(reason)"
        default: "\(event)"
        }
    }

    /// Says where it listens: in a file that appears complete, and on standard error.
    private static func announce(_ port: UInt16, in file: String?) throws(ArgumentError) {
        log("listens on port \(port)")
        guard let file else { return }
        let draft = file + ".draft"
        guard let stream = fopen(draft, "w") else { throw ArgumentError("cannot write the port file \(file)") }
        fputs("\(port)\n", stream)
        fclose(stream)
        guard rename(draft, file) == 0 else { throw ArgumentError("cannot write the port file \(file)") }
    }

    /// Writes one line to standard error in one system call, so that lines of several loops do not mix.
    private static func log(_ text: String) {
        let line = Array("interop-server: \(text)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func fail(_ text: String, status: CInt) -> Never {
        log(text)
        exit(status)
    }
}
