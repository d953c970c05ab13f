// interop-server: what foreign clients, benches and attacks are let loose on. It serves grpc.testing.TestService, as the
// interop tests of gRPC describe it, and carillon.testing.v1.EchoService (Protos/), over TLS on CarillonGRPC, and nothing else:
// whatever a client meets here, it meets in the product too.
//
// The main thread waits for SIGTERM or SIGINT; everything else is on the loops. A first signal drains, a second one ends at
// once. Events of the server are one line each on standard error. Wrong arguments end it with status 64.

import CarillonGRPC
import CarillonNet
import Glibc
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
        let running = Mutex<RPCServer?>(nil)
        loops[0].spawn { [arguments] in
            do {
                let server = try await start(arguments, on: loops)
                running.withLock { $0 = server }
                try announce(server.port, in: arguments.portFile)
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

    private static func start(_ arguments: Arguments, on loops: [EventLoop]) async throws -> RPCServer {
        let handlers = HandlerCount()
        let tls = try TLSContext(server: arguments.tls)
        return try await RPCServer.start(
            on: loops, host: arguments.host, port: arguments.port, tls: tls,
            methods: TestService(handlers: handlers).methods + EchoService(handlers: handlers).rpcMethods,
            pages: [Page("/livez") { .init(status: 200, text: "ok\n") }], limits: arguments.limits,
            report: { log(line(for: $0)) })
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
