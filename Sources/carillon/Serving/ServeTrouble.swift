internal import ArgumentParser

/// Why a server does not start or go on, and how the process says so.
struct ServeTrouble: Error, CustomStringConvertible {
    /// How the process ends.
    let exitCode: ExitCode
    /// One sentence for the log.
    let description: String

    /// What the configuration names is not fit to serve from.
    static func unfit(_ description: String) -> ServeTrouble {
        ServeTrouble(exitCode: .configuration, description: description)
    }

    /// Something this machine does not give us, such as the address to listen on.
    static func unavailable(_ description: String) -> ServeTrouble {
        ServeTrouble(exitCode: .unavailable, description: description)
    }
}
