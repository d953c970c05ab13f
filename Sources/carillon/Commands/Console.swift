internal import ArgumentParser
internal import Foundation

/// What the commands say to the person who runs them. Results go to the standard output, everything else to the
/// standard error, so that a script gets results alone.
enum Console {
    /// A result.
    static func say(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// What a person wants to know beside the result.
    static func note(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Part of a line that a person watches.
    static func show(_ text: String) {
        write(text, to: STDERR_FILENO)
    }

    /// Says what went wrong and ends the command.
    static func fail(_ what: any Error, with code: ExitCode) -> ExitCode {
        fail("\(what)", with: code)
    }

    /// Says what went wrong and ends the command.
    static func fail(_ what: String, with code: ExitCode) -> ExitCode {
        note("carillon: \(what)")
        return code
    }

    private static func write(_ text: String, to descriptor: CInt) {
        var text = text
        text.withUTF8 { octets in
            var written = 0
            while written < octets.count {
                let count = Foundation.write(descriptor, octets.baseAddress! + written, octets.count - written)
                // Nobody reads any more, as behind `| head`; there is nobody left to tell.
                guard count > 0 else { return }
                written += count
            }
        }
    }
}
