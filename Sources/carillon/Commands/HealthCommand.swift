internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC

/// Asks a server by `grpc.health.v1` whether it serves.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Ask a server whether it serves; exit 0 if so.",
        discussion: """
            For probes that run a command.

            Exit status: 0 when it serves, 1 when it does not or knows no such service, 64 for mistakes in the \
            settings, 69 when it cannot be asked.
            """)

    @OptionGroup var flags: CallFlags
    @Option(help: ArgumentHelp("Only this name: liveness, or carillon.v1.InboxService.", valueName: "name"))
    var service = ""
    @Option(help: ArgumentHelp("How long to wait, 1 to 60.", valueName: "seconds"))
    var timeout = 5

    func validate() throws {
        guard (1...60).contains(timeout) else { throw ValidationError("--timeout is a number from 1 to 60") }
    }

    func run() async throws {
        let settings = try configured { () throws(ConfigurationMistakes) in try CallSettings(flags.reader()) }
        let (service, patience) = (service, Duration.seconds(timeout))
        let result = await Calls.with(settings, authorization: nil, connectTimeout: patience) { client throws(Status) in
            var request = Grpc_Health_V1_HealthCheckRequest()
            request.service = service
            let options = CallOptions(timeout: patience)
            return try await HealthClient(client).check(request, options: options).status
        }
        switch result {
        case .success(.serving): Console.say("serving")
        case .success(let status):
            Console.say(status == .notServing ? "not serving" : "unknown")
            throw ExitCode.failure
        case .failure(let status):
            // The answer of a server, or none.
            let code: ExitCode = status.code == .notFound ? .failure : .unavailable
            throw Console.fail("\(settings.address): \(StatusText.of(status))", with: code)
        }
    }
}
