internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Postgres
internal import Prometheus
internal import Services
internal import Storage
internal import Telemetry

/// What the parts of a server count for themselves, as readings.
struct MetricSources: Sendable {
    let rpc: RPCServer
    let services: Services
    let worker: DeliveryWorker
    let readiness: Readiness
    /// When the server was started.
    let startedAt: Instant
    /// Octets that facts may take, all loops together.
    let factsLimit: Int

    /// Everything that is known now.
    func readings() async -> [Reading] {
        typealias Name = MetricCatalog
        var readings = [
            Reading(Name.build, Version.text, value: 1), Reading(Name.ready, value: readiness.isReady ? 1 : 0),
            Reading(Name.zoneFallbacks, value: ZoneBook.shared.fallbacks),
        ]
        readings += Self.readings(of: rpc.counts, rpc.methodCounts)
        let status = await services.status()
        readings += [
            Reading(Name.inboxWatchers, value: status.inboxWatchers), Reading(Name.facts, value: status.factsOctets),
            Reading(Name.factsUsers, value: status.users),
            Reading(Name.factsLimit, value: factsLimit), Reading(Name.usersRead, value: status.usersRead),
        ]
        readings += Self.readings(of: status.checks, at: .check)
        readings += Self.readings(of: status.pools, login: "serve")
        let work = await worker.status()
        readings += [
            Reading(Name.workerTenants, value: work.tenants), Reading(Name.deliveriesHeld, value: work.deliveriesHeld),
        ]
        readings += Self.readings(of: work.pool.map { [$0] } ?? [], login: "work")
        readings += [
            Reading(Name.processStart, value: Double(startedAt.microseconds) / 1e6),
            Reading(Name.processCPU, value: ProcessReadings.cpuSeconds),
        ]
        if let octets = ProcessReadings.residentOctets { readings.append(Reading(Name.processMemory, value: octets)) }
        return readings
    }

    /// What the server counts.
    static func readings(of counts: ServerCounts, _ methods: [MethodCounts]) -> [Reading] {
        typealias Name = MetricCatalog
        var readings = [
            Reading(Name.callsOpen, value: counts.callsOpen), Reading(Name.callsRefused, value: counts.callsRefused),
            Reading(Name.connections, value: counts.connectionsOpened),
            Reading(Name.connectionsOpen, value: counts.connectionsOpen),
            Reading(Name.connectionsRefused, value: counts.connectionsRefused),
            Reading(Name.connectionsFailed, "abuse", value: counts.connectionsAbusive),
            Reading(Name.connectionsFailed, "gave_way", value: counts.handshakesGivenUp),
            Reading(
                Name.connectionsFailed, "other",
                value: counts.connectionsFailed - counts.connectionsAbusive - counts.handshakesGivenUp),
        ]
        var others = counts.callsEnded
        for method in methods {
            let name = String(method.path.dropFirst())
            for (code, count) in method.ended where count > 0 {
                readings.append(Reading(Name.calls, name, code.name, value: count))
                others[code, default: 0] -= count
            }
            guard method.isUnary, method.durations.contains(where: { $0 > 0 }) else { continue }
            readings.append(
                Reading(
                    Name.callDuration, name,
                    value: HistogramValue(counts: method.durations, sum: Double(method.nanoseconds) / 1e9)))
        }
        // The two were counted one after the other, so that one may be ahead.
        for (code, count) in others where count > 0 {
            readings.append(Reading(Name.calls, "none", code.name, value: count))
        }
        return readings
    }

    /// What was decided at a place.
    static func readings(of decisions: DecisionCounts, at place: DecisionPlace) -> [Reading] {
        var readings: [Reading] = []
        decisions.visit { labels, count in
            readings.append(
                Reading(
                    DecisionCounters.name, place.rawValue, labels.verdict, labels.reason, labels.channel, value: count))
        }
        return readings
    }

    /// What pools say of themselves, together.
    static func readings(of pools: [PostgresPoolStatus], login: String) -> [Reading] {
        typealias Name = MetricCatalog
        return [
            Reading(Name.databaseConnections, login, value: pools.reduce(0) { $0 + $1.connections }),
            Reading(Name.databaseWaiting, login, value: pools.reduce(0) { $0 + $1.unitsQueued }),
            Reading(Name.databaseRunning, login, value: pools.reduce(0) { $0 + $1.unitsInFlight }),
        ]
    }
}
