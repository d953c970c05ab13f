internal import Foundation
internal import UnixSignals

/// Why a server is to stop.
enum StopReason: Sendable, Equatable {
    /// SIGTERM or SIGINT.
    case signal(Int32)
    /// The command that runs it is done.
    case done
    /// What it serves from turned out to be unfit.
    case unfit(String)
}

/// Waits for the first order to stop. A second signal ends the process at once.
final class StopOrder: Sendable {
    private let orders: AsyncStream<StopReason>
    private let orderer: AsyncStream<StopReason>.Continuation
    private let listening: Task<Void, Never>

    /// Takes over SIGTERM and SIGINT of this process.
    init() async {
        let (orders, orderer) = AsyncStream.makeStream(of: StopReason.self)
        (self.orders, self.orderer) = (orders, orderer)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        listening = Task {
            var count = 0
            for await signal in signals {
                count += 1
                let number = signal == .sigterm ? SIGTERM : SIGINT
                // As the shell counts a program that a signal ended.
                if count > 1 { _exit(128 + number) }
                orderer.yield(.signal(number))
            }
        }
    }

    deinit {
        listening.cancel()
    }

    /// Gives the order. Any thread.
    func give(_ reason: StopReason) {
        orderer.yield(reason)
    }

    /// The first order. Called once.
    func first() async -> StopReason {
        for await order in orders { return order }
        return .done
    }
}
