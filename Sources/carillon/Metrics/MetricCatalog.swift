internal import CarillonGRPC
internal import Prometheus
internal import Telemetry

/// Every metric of the program, in the order in which it is written. The page "Metrics" has a row for each.
///
/// Labels are cases of enumerations, methods and codes: nothing that a caller has made up, and nothing of a tenant.
enum MetricCatalog {
    // What is told from what the parts count for themselves; see ``MetricSources``.
    static let build = "carillon_build_info"
    static let ready = "carillon_ready"
    static let calls = "carillon_calls_total"
    static let callDuration = "carillon_call_duration_seconds"
    static let callsOpen = "carillon_calls_open"
    static let callsRefused = "carillon_calls_refused_total"
    static let connections = "carillon_connections_total"
    static let connectionsOpen = "carillon_connections_open"
    static let connectionsRefused = "carillon_connections_refused_total"
    static let connectionsFailed = "carillon_connections_failed_total"
    static let inboxWatchers = "carillon_inbox_watchers"
    static let zoneFallbacks = "carillon_zone_fallbacks_total"
    static let facts = "carillon_facts_bytes"
    static let factsUsers = "carillon_facts_users"
    static let factsLimit = "carillon_facts_limit_bytes"
    static let usersRead = "carillon_facts_users_read_total"
    static let workerTenants = "carillon_worker_tenants"
    static let deliveriesHeld = "carillon_worker_deliveries_held"
    static let databaseConnections = "carillon_database_connections"
    static let databaseWaiting = "carillon_database_units_waiting"
    static let databaseRunning = "carillon_database_units_running"
    static let processStart = "process_start_time_seconds"
    static let processCPU = "process_cpu_seconds_total"
    static let processMemory = "process_resident_memory_bytes"

    static let families: [MetricFamily] = program + decisions + serving + delivering + database + process

    private static let program = [
        MetricFamily(build, .gauge, "Always 1; the label says which version runs.", labels: ["version"]),
        MetricFamily(ready, .gauge, "Whether calls can be answered, as /readyz says it: 1 or 0."),
    ]

    private static let decisions = [
        MetricFamily(
            DecisionCounters.name, .counter, "What was decided for one recipient and channel, and why.",
            labels: DecisionCounters.labels),
        MetricFamily(PublishCounters.eventsName, .counter, "Events that were stored; repeats of one are not counted."),
        MetricFamily(
            PublishCounters.dutiesName, .counter,
            "Notifications that somebody must get, and that went to another since who should could not be reached.",
            labels: ["to"]),
        MetricFamily(
            zoneFallbacks, .counter, "Times when a time zone that this machine does not know gave way to another."),
    ]

    private static let serving = [
        MetricFamily(
            calls, .counter, "Calls that are over, by method and status code; method none is one that there is not.",
            labels: ["method", "code"]),
        MetricFamily(
            callDuration, .histogram, "How long calls with one message each way took, from their header block on.",
            labels: ["method"], bounds: MethodCounts.bounds),
        MetricFamily(callsOpen, .gauge, "Calls that are under way, open streams among them."),
        MetricFamily(callsRefused, .counter, "Calls and pages that were reset untouched, as too many were running."),
        MetricFamily(connections, .counter, "Connections that were taken over."),
        MetricFamily(connectionsOpen, .gauge, "Connections that are open."),
        MetricFamily(connectionsRefused, .counter, "Connections that were not taken over, as there were too many."),
        MetricFamily(
            connectionsFailed, .counter,
            "Connections that ended otherwise than by one side being done; cause abuse was cut off for asking too much.",
            labels: ["cause"]),
        MetricFamily(inboxWatchers, .gauge, "Open WatchInbox streams."),
        MetricFamily(facts, .gauge, "Memory that is taken by what is known of users and accounts, as it is reckoned."),
        MetricFamily(factsUsers, .gauge, "Users who are known, once for each loop that knows them."),
        MetricFamily(factsLimit, .gauge, "How much it may take (limits.facts-memory)."),
        MetricFamily(
            usersRead, .counter, "Users who were read from the database for checks: not known, or not fresh enough."),
    ]

    private static let delivering = [
        MetricFamily(
            DeliveryCounters.wordsName, .counter, "Words of this worker on claimed deliveries that are on disk.",
            labels: ["channel", "outcome"]),
        MetricFamily(
            DeliveryCounters.durationName, .histogram, "How long providers took to take a message, or to refuse it.",
            labels: ["channel"]),
        MetricFamily(
            DeliveryCounters.repeatsName, .counter,
            "Deliveries that were claimed again since their worker was lost: they may be sent twice."),
        MetricFamily(
            DeliveryCounters.staleName, .counter,
            "Words that came too late and were discarded, as another worker had the delivery."),
        MetricFamily(
            DeliveryCounters.restsName, .counter,
            "Times when a provider failed, or asked for a pause, and was left alone."),
        MetricFamily(
            DeliveryCounters.fencedName, .counter, "Times when the worker lost its lease and stopped with all it held."),
        MetricFamily(workerTenants, .gauge, "Tenants that this process works."),
        MetricFamily(deliveriesHeld, .gauge, "Deliveries that are claimed and have no word yet."),
    ]

    private static let database = [
        MetricFamily(
            databaseConnections, .gauge, "Connections with the main database that take work.", labels: ["login"]),
        MetricFamily(databaseWaiting, .gauge, "Transactions that wait for such a connection.", labels: ["login"]),
        MetricFamily(databaseRunning, .gauge, "Transactions that are on their way.", labels: ["login"]),
    ]

    private static let process = [
        MetricFamily(processStart, .gauge, "When the process was started, in seconds since 1970."),
        MetricFamily(
            processCPU, .counter, "Seconds of processors that it has taken, in its own code and in the system's."),
        MetricFamily(processMemory, .gauge, "Memory of the machine that it takes; only on Linux."),
    ]
}
