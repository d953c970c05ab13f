package import CarillonNet
package import CoreMetrics
package import Domain
package import Postgres
package import Security
package import Storage

/// What the services work with. All of it is handed in: they read no clock, no file and no environment.
package struct ServiceDependencies: Sendable {
    /// The login that owns schemas: only TenantService uses it.
    package struct Owner: Sendable {
        /// The loop of the administration.
        package let loop: EventLoop
        /// What is done in short transactions.
        package let administration: TenantAdministration
        /// How sessions for long work log in, with the limits that they have.
        package let session: PostgresConfiguration

        /// Names the owner's ways in.
        package init(loop: EventLoop, administration: TenantAdministration, session: PostgresConfiguration) {
            self.loop = loop
            self.administration = administration
            self.session = session
        }
    }

    /// For each loop that serves, a pool that logs in as `carillon_serve`.
    package var pools: PerLoop<PostgresPool>
    /// How the pools were made, for those with further databases that tenants are in; nil where there are none.
    package var databases: PostgresConfiguration?
    /// The owner's ways in; nil where tenants cannot be made.
    package var owner: Owner?
    /// The operator's key from the configuration; nil where only the registry's operator keys count.
    package var operatorKey: APIKey?
    /// Opens and makes the tenants' data keys.
    package var keyring: Keyring
    /// Hears of work.
    package var deliverySignal: any DeliverySignal
    /// Says that maintenance has something to do at once, such as a tenant to erase. Any thread; losing it costs time only.
    package var maintenanceSignal: @Sendable () -> Void = {}
    /// Hears of a tenant whose events are refused because it has no partitions for the month: the alarm. Called for each such event;
    /// any thread.
    package var monthMissing: @Sendable (TenantID) -> Void = { _ in }
    /// The time.
    package var clock: @Sendable () -> Instant
    /// 64 bits at a time, from a source fit for secrets.
    package var randomness: @Sendable () -> UInt64
    /// What callers may ask.
    package var limits: ServiceLimits
    /// Where browsers reach the service, an https address without a path; nil for nowhere.
    package var publicURL: String?
    /// Where decisions and events are counted.
    package var metrics: any MetricsFactory = NOOPMetricsHandler.instance
    /// The name and version of this program, for archives.
    package var program = "carillon"

    /// Names what the services work with.
    package init(
        pools: PerLoop<PostgresPool>, owner: Owner? = nil, operatorKey: APIKey? = nil, keyring: Keyring,
        deliverySignal: any DeliverySignal = NoDeliverySignal(), clock: @escaping @Sendable () -> Instant,
        randomness: @escaping @Sendable () -> UInt64 = Self.systemRandomness, limits: ServiceLimits = .init()
    ) {
        self.pools = pools
        self.owner = owner
        self.operatorKey = operatorKey
        self.keyring = keyring
        self.deliverySignal = deliverySignal
        self.clock = clock
        self.randomness = randomness
        self.limits = limits
    }

    /// The system's source, which is fit for secrets.
    package static let systemRandomness: @Sendable () -> UInt64 = {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    /// A fresh identifier that carries the time.
    func makeID(at now: Instant) -> UUIDv7 {
        UUIDv7(milliseconds: UInt64(max(0, now.microseconds / 1000)), randomness: (randomness(), randomness()))
    }
}
