internal import CarillonNet
package import Postgres
package import Telemetry

/// A snapshot of what the services keep, for metrics. Sums over all loops, each part of which was true a moment ago.
package struct ServicesStatus: Sendable {
    /// Users who are known, once for each loop that knows them.
    package internal(set) var users = 0
    /// Memory that known facts take, as they are reckoned, in octets.
    package internal(set) var factsOctets = 0
    /// Users who were read from databases for checks since the start, since they were not known or not fresh.
    package internal(set) var usersRead = 0
    /// Inboxes that are being watched: open WatchInbox streams.
    package internal(set) var inboxWatchers = 0
    /// What checks have come to since the start.
    package internal(set) var checks = DecisionCounts()
    /// How each loop's connections with the main database stand.
    package internal(set) var pools: [PostgresPoolStatus] = []
}

extension Services {
    /// How the services stand. Any thread; asks every loop.
    package func status() async -> ServicesStatus {
        var status = ServicesStatus()
        for (loop, state) in core.all {
            let part = await loop.run {
                ServicesStatus(
                    users: state.knownUsers, factsOctets: state.budget.octets, usersRead: state.budget.usersRead,
                    inboxWatchers: state.inboxes.watchers, checks: state.checkAnswers.counts, pools: [state.pool.status]
                )
            }
            status.users += part.users
            status.factsOctets += part.factsOctets
            status.usersRead += part.usersRead
            status.inboxWatchers += part.inboxWatchers
            status.checks.add(part.checks)
            status.pools += part.pools
        }
        return status
    }
}
