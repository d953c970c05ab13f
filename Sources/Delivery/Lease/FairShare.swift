/// How many tenants a worker should have, so that all are worked and no worker has much more than another.
enum FairShare {
    /// What to do about the number of leases.
    enum Move: Equatable {
        case stay
        /// Take so many tenants that nobody works.
        case take(Int)
        /// Give so many back.
        case give(Int)
    }

    /// The move of one worker.
    ///
    /// The share is rounded up, so the shares together cover every tenant, and a tenant is given back only above it: a
    /// worker at its share never gives what another would have to give back in turn.
    ///
    /// - Parameters:
    ///   - held: how many tenants it works.
    ///   - tenants: how many there are to work.
    ///   - workers: how many workers are alive, this one included.
    ///   - batch: the most that is taken or given at once, so that a start with thousands of tenants comes in steps.
    static func move(held: Int, tenants: Int, workers: Int, batch: Int = 256) -> Move {
        let workers = max(workers, 1)
        let share = (tenants + workers - 1) / workers
        if held < share { return .take(min(share - held, batch)) }
        if held > share { return .give(min(held - share, batch)) }
        return .stay
    }
}
