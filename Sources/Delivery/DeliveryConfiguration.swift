package import Domain
package import Postgres
package import Security
package import Transfer

/// What a ``DeliveryWorker`` works with, and its bounds.
package struct DeliveryConfiguration: Sendable {
    /// The database, with the serving login. The worker keeps a pool of its own.
    package var database: PostgresConfiguration
    /// The keys that open the tenants' data keys, and with them the secrets of providers.
    package var keyring: Keyring
    /// The types that are sent.
    package var catalog: Catalog = .builtIn
    /// Whether the worker leases tenants and sends. Without it the worker only passes on to others what it is woken for.
    package var takesWork = true
    /// How many sends may be under way at once.
    package var sends = 128
    /// How many of them one tenant may have: at least one other tenant finds a place whatever one of them does.
    package var sendsPerTenant = 16
    /// What one turn of a tenant is worth, in deliveries.
    package var turn = 16
    /// How many tenants may be claimed for at once.
    package var claims = 4
    /// Which addresses the tenants' relays may have. ``Transfer/AddressPolicy/any`` is for development, and for
    /// operators whose relays are inside.
    package var relayAddresses: AddressPolicy = .publicInternet
    /// PEM certificates that are trusted for relays instead of the system's; nil trusts the system's.
    package var trustedCertificates: String?
    /// Where browsers reach the service, without a slash at the end: mails then say how they are stopped with one click. Nil for
    /// nowhere.
    package var publicURL: String?
    /// The name given to relays with EHLO: the machine's own, as the world knows it.
    package var hostName = "localhost"
    /// Whether providers of the kind `maildir` may be used: for development, since a tenant names the folder.
    package var allowsMaildir = false
    /// How long parts of a send may take. Its total should stay below what is left of a lease when a send begins.
    package var timeouts = TransferTimeouts(connect: .seconds(10), silence: .seconds(30), total: .seconds(60))
    /// How much digests may gather.
    var gathering = GatheringBounds()
    /// For how long the registry counts a worker that does not renew.
    var lease = WorkerLease.Terms()

    /// A configuration with the usual bounds.
    package init(database: PostgresConfiguration, keyring: Keyring) {
        self.database = database
        self.keyring = keyring
    }
}
