internal import CarillonNet
internal import Delivery
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

// What the parts report, as lines of the log. Ids and codes only: no addresses, names, contents or SQL values.

extension Logger {
    /// What came of certificates that were renewed.
    func report(_ event: TLSReload) {
        switch event {
        case .replaced: notice("\(event)")
        case .refused: error("\(event)")
        }
    }

    /// What a pool says about its connections.
    ///
    /// - Parameter login: "serve", "owner" or "worker".
    func report(_ event: PostgresEvent, login: String) {
        switch event {
        case .connected(let connection):
            debug(
                "connected to the database",
                metadata: ["login": "\(login)", "connection": .stringConvertible(connection)])
        case .connectFailed(let connection, let error, let pause):
            // Each connection of each loop tries again and again; that there is no database is said once, elsewhere.
            var metadata: Metadata = [
                "login": "\(login)", "connection": .stringConvertible(connection), "error": "\(error)",
            ]
            if let pause { metadata["retry_after_ms"] = .stringConvertible(pause.milliseconds) }
            debug("no connection to the database", metadata: metadata)
        case .disconnected(let connection, let error, let pause):
            info(
                "lost a connection to the database",
                metadata: [
                    "login": "\(login)", "connection": .stringConvertible(connection), "error": "\(error)",
                    "retry_after_ms": .stringConvertible(pause.milliseconds),
                ])
        case .notice(_, let report):
            // The message may quote data.
            debug(
                "the database notes something",
                metadata: ["severity": "\(report.severity)", "sql_state": "\(report.sqlState)"])
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension Logger {
    /// What the workers say.
    func report(_ event: DeliveryEvent) {
        switch event {
        case .joined(let worker): info("the worker joined", metadata: ["worker": "\(worker)"])
        case .fenced(let worker, let tenants):
            warning(
                "the worker lost its lease and stopped",
                metadata: ["worker": "\(worker)", "tenants": .stringConvertible(tenants)])
        case .registryFailed(let error):
            log(level: Self.level(of: error), "the registry could not be asked", metadata: ["error": "\(error)"])
        case .tookOver(let tenant, let fence):
            debug("a tenant is worked", metadata: ["tenant": "\(tenant.rawValue)", "fence": .stringConvertible(fence)])
        case .letGo(let tenant, let fence):
            debug(
                "a tenant is worked no more",
                metadata: ["tenant": "\(tenant.rawValue)", "fence": .stringConvertible(fence)])
        case .readFailed(let tenant, let error):
            log(
                level: Self.level(of: error), "a tenant's queue could not be read",
                metadata: ["tenant": "\(tenant.rawValue)", "error": "\(error)"])
        case .claimed(let tenant, let count):
            debug(
                "deliveries were claimed",
                metadata: ["tenant": "\(tenant.rawValue)", "count": .stringConvertible(count)])
        case .repeated(let tenant, let delivery, let claims):
            notice(
                "a delivery is taken up again and may be sent twice",
                metadata: [
                    "tenant": "\(tenant.rawValue)", "notification": "\(delivery.notification)",
                    "channel": "\(delivery.channel.rawValue)", "claims": .stringConvertible(claims),
                ])
        case .recorded(let tenant, let result):
            debug("a delivery was recorded", metadata: Self.metadata(tenant, result))
        case .stale(let tenant, let result):
            notice("a delivery's record came too late", metadata: Self.metadata(tenant, result))
        case .recordingFailed(let tenant, let count, let error, let willRetry):
            warning(
                "deliveries could not be recorded",
                metadata: [
                    "tenant": "\(tenant.rawValue)", "count": .stringConvertible(count), "error": "\(error)",
                    "will_retry": .stringConvertible(willRetry),
                ])
        case .providerRests(let tenant, let provider, let pause, let code):
            warning(
                "a provider rests",
                metadata: [
                    "tenant": "\(tenant.rawValue)", "provider": "\(provider.rawValue)", "code": "\(code)",
                    "pause_ms": .stringConvertible(pause.milliseconds),
                ])
        case .providerUnusable(let tenant, let provider, let reason):
            error(
                "a provider cannot be used",
                metadata: [
                    "tenant": "\(tenant.rawValue)", "provider": "\(provider.rawValue)", "reason": "\(reason)",
                ])
        }
    }

    /// That there is no database is said once, elsewhere; whoever asks it meanwhile need not say so each time.
    private static func level(of error: StorageError) -> Logger.Level {
        error.code == .unavailable ? .debug : .warning
    }

    private static func metadata(_ tenant: TenantID, _ result: DeliveryResult) -> Logger.Metadata {
        [
            "tenant": "\(tenant.rawValue)", "notification": "\(result.id.notification)",
            "channel": "\(result.id.channel.rawValue)", "resolution": "\(word(for: result.resolution))",
        ]
    }

    /// A stable word; reasons are codes of ours.
    private static func word(for resolution: DeliveryResult.Resolution) -> String {
        switch resolution {
        case .delivered: "delivered"
        case .failed(let reason): "failed:\(reason)"
        case .suppressed(let reason): "suppressed:\(reason.rawValue)"
        case .expired: "expired"
        case .cancelled(let reason): "cancelled:\(reason)"
        case .outcomeUnknown: "outcome_unknown"
        case .retry: "retry"
        case .postponed: "postponed"
        case .released: "released"
        }
    }
}
