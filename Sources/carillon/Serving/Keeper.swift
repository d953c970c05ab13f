internal import CarillonNet
internal import Logging
internal import Storage

/// Looks every few seconds whether there is something that callers are refused until it is done, and does it.
///
/// This is no chore of the ``Maintainer``, whose rounds may take minutes, come ten minutes apart, and are made by one process of
/// all: whoever waits here would wait for the end of a round. A look is one small query, and needs no lease: of several
/// processes that look at once the second one finds it done.
struct Keeper: Sendable {
    /// What is looked for, as the log says it.
    let subject: String
    /// Between two looks.
    let interval: Duration
    /// After one that found something which could not be done.
    let longInterval: Duration

    /// Works until the task is cancelled.
    ///
    /// - Parameters:
    ///   - loop: on which this is called.
    ///   - log: hears of looks that were in vain.
    ///   - look: looks once, and says whether everything was done.
    func run(on loop: EventLoop, log: Logger, _ look: () async throws(StorageError) -> Bool) async {
        var pause = interval
        while true {
            do {
                try await loop.sleep(for: pause * Double.random(in: 0.75...1.25))
            } catch {
                return
            }
            pause = interval
            do throws(StorageError) {
                if try await !look() { pause = longInterval }
            } catch {
                // A database that is away is told of elsewhere, and one of another version may have nothing of the kind.
                log.debug("\(subject) could not be looked for", metadata: ["error": "\(error)"])
            }
        }
    }
}
