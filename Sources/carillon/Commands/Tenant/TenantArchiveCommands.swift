internal import ArgumentParser
internal import CarillonAPI
internal import CarillonGRPC
internal import Foundation
internal import Security

/// Reads a tenant out into a file.
struct TenantExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write everything of a tenant into an archive.",
        discussion: """
            The tenant is served on meanwhile, and the archive shows one moment of it. Who moves a tenant to another \
            installation suspends it first; otherwise both send what waits to be sent.

            With a transfer key (openssl rand -base64 32) the providers' secrets go along and open only with it. Without one \
            they are left out.
            """)

    @Argument(help: ArgumentHelp("The tenant.", valueName: "id")) var tenant: String
    @Option(help: ArgumentHelp("Where to; - is the standard output, the default is ID.archive.", valueName: "file"))
    var output: String?
    @Option(help: ArgumentHelp("A file with 32 octets in base64 to wrap the secrets with.", valueName: "file"))
    var transferKeyFile: String?
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        let (settings, key) = try flags.callSettings()
        var request = Carillon_V1_ExportTenantRequest()
        request.tenantID = tenant
        let writer: ArchiveWriter
        do {
            if let transferKeyFile { request.transferKey = try TransferKey.read(transferKeyFile) }
            writer = try ArchiveWriter(output == "-" ? nil : output ?? "\(tenant).archive")
        } catch {
            throw Console.fail(error, with: .usage)
        }
        let progress = ArchiveProgress("exporting")
        let outcome = await Calls.with(settings, authorization: key) {
            [request] client throws(Status) -> Result<Bool, any Error> in
            let parts = try await TenantServiceClient(client).exportTenant(request).makeAsyncIterator()
            return try await Self.write(parts, writer, progress)
        }
        do {
            guard try outcome.get().get() else {
                throw FileTrouble("write", output ?? tenant, because: "the archive ended too early")
            }
            try writer.finish()
            Console.note(progress.summary)
        } catch {
            writer.discard()
            throw Console.fail(error)
        }
    }

    /// Writes the parts as they come; true when the trailer was among them.
    private static func write(
        _ parts: ResponseReader<Carillon_V1_ExportTenantResponse>.Iterator, _ writer: ArchiveWriter,
        _ progress: ArchiveProgress
    ) async throws(Status) -> Result<Bool, any Error> {
        var parts = parts
        var isWhole = false
        while let response = try await parts.next() {
            do {
                try writer.write(response.part)
            } catch {
                return .failure(error)
            }
            progress.count(response.part)
            if case .trailer = response.part.part { isWhole = true }
        }
        return .success(isWhole)
    }
}

/// Makes a tenant from a file.
struct TenantImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a tenant from an archive.",
        discussion: """
            The tenant comes whole or not at all. It keeps its id, its API keys and its portal keys, and is suspended until \
            it is resumed.
            """)

    @Argument(help: ArgumentHelp("The archive; - is the standard input.", valueName: "file")) var file: String
    @Option(help: ArgumentHelp("The transfer key that it was exported with.", valueName: "file"))
    var transferKeyFile: String?
    @Option(help: ArgumentHelp("The database to put it into; default: main.", valueName: "name"))
    var database = ""
    @OptionGroup var flags: OperatorFlags

    func run() async throws {
        let (settings, key) = try flags.callSettings()
        let reader: ArchiveReader
        var transferKey = Data()
        do {
            if let transferKeyFile { transferKey = try TransferKey.read(transferKeyFile) }
            reader = try ArchiveReader(file)
        } catch {
            throw Console.fail(error, with: .usage)
        }
        let progress = ArchiveProgress("importing")
        let outcome = await Calls.with(settings, authorization: key) {
            [transferKey, database] client throws(Status) -> Result<Carillon_V1_ImportTenantResponse?, any Error> in
            let (requests, responses) = try await TenantServiceClient(client).importTenant()
            var request = Carillon_V1_ImportTenantRequest()
            request.transferKey = transferKey
            request.database = database
            do {
                while let part = try reader.next() {
                    request.part = part
                    try await requests.send(request)
                    request.transferKey = Data()
                    progress.count(part)
                }
            } catch let status as Status {
                // The answer says why, if there is one.
                var answers = responses.makeAsyncIterator()
                _ = try await answers.next()
                throw status
            } catch {
                responses.cancel()
                return .failure(error)
            }
            requests.finish()
            var answers = responses.makeAsyncIterator()
            return .success(try await answers.next())
        }
        do {
            guard let response = try outcome.get().get() else { return }
            Console.note(progress.summary)
            for table in response.tables { Console.say("\(table.name)\t\(table.rows)") }
            for provider in response.providersWithoutSecret {
                let name = PlainText.of(provider)
                Console.note("the secret of the provider \(name) was not in the archive: put it again")
            }
            if !response.wasSuspended {
                Console.note("it was not suspended when it was exported: what happened to it since is missing here")
            }
            Console.note("\(response.tenant.tenantID) is here, suspended until it is resumed")
        } catch {
            throw Console.fail(error)
        }
    }
}

extension OperatorFlags {
    /// Where the server is, and the operator's key.
    fileprivate func callSettings() throws -> (CallSettings, String?) {
        try configured { () throws(ConfigurationMistakes) in
            var reader = reader()
            let key = ServeSettings.operatorKey(&reader)
            return (try CallSettings(reader), key?.text)
        }
    }
}

extension Console {
    /// Says why a call, or what it was for, has failed.
    fileprivate static func fail(_ error: any Error) -> ExitCode {
        guard let status = error as? Status else { return fail("\(error)", with: .failure) }
        return fail(StatusText.of(status), with: status.code == .unavailable ? .unavailable : .failure)
    }
}

/// How much of an archive has gone by, drawn over in one line on a terminal.
private final class ArchiveProgress {
    private let deed: String
    private var octets = 0
    private var shown = 0
    private var table = ""
    private var rows: Int64 = 0

    init(_ deed: String) {
        self.deed = deed
    }

    func count(_ part: Carillon_V1_TenantArchivePart) {
        switch part.part {
        case .table(let begun): table = PlainText.of(begun.name)
        case .rows(let more): octets += more.count
        case .tableEnd(let end): rows += end.rows
        default: break
        }
        guard isatty(STDERR_FILENO) == 1, octets - shown > 1 << 20 else { return }
        shown = octets
        Console.show("\r\(deed) \(table): \(octets >> 20) MiB\u{1b}[K")
    }

    var summary: String {
        let line = "\(rows) rows, \(octets) octets"
        return isatty(STDERR_FILENO) == 1 && shown > 0 ? "\r\(line)\u{1b}[K" : line
    }
}
