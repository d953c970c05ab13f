internal import Foundation
internal import Logging

/// Writes the log as lines of JSON, one for each event, each with one system call, so that lines of several threads do
/// not mix. Who logs keeps personal data out of it: ids and codes, no names, addresses or contents.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level
    private let write: @Sendable (String) -> Void
    private let clock: @Sendable () -> Date

    /// Makes a handler.
    ///
    /// - Parameters:
    ///   - write: takes a whole line; called on any thread.
    ///   - clock: what time it is.
    init(
        level: Logger.Level, clock: @escaping @Sendable () -> Date = { Date() },
        write: @escaping @Sendable (String) -> Void
    ) {
        logLevel = level
        self.clock = clock
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let given = event.metadata { merged.merge(given) { $1 } }
        if let error = event.error { merged["error"] = "\(error)" }
        write(LogLine(time: clock(), level: event.level, message: event.message.description, metadata: merged).text)
    }
}

extension Logger {
    /// The log of this process, on a descriptor that is never closed.
    static func lines(level: Logger.Level, to descriptor: CInt = STDERR_FILENO) -> Logger {
        Logger(label: "carillon") { _ in
            LineLogHandler(level: level) { line in
                var line = line
                // A log that nobody reads any more must not end the process, hence no look at the result.
                _ = line.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            }
        }
    }
}
