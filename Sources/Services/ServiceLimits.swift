/// What callers may ask of the services, and how old an answer from memory may be.
package struct ServiceLimits: Sendable {
    /// How long a credential that was looked up counts without another look: a revoked key is refused after this time. A little
    /// less than the minute that is promised.
    package var credentialAge: Duration = .seconds(55)
    /// Credentials that each loop keeps of each kind.
    package var credentials = 8_192
    /// Refused credentials that each loop keeps of each kind, apart from the good ones, so that nobody pushes those out.
    package var refusedCredentials = 1_024
    /// Wrong credentials that may come at once from one address, or with one key's id, before they are answered with
    /// RESOURCE_EXHAUSTED and unknown ones are no longer looked up; on each loop.
    package var failures = 300
    /// How many more of them may come in each second after that.
    package var failuresPerSecond = 10
    /// Addresses, and as many ids of keys, whose wrong credentials each loop counts.
    package var countedFailures = 4_096
    /// API keys of one tenant that may be in force at once.
    package var keysPerTenant = 20
    /// Providers of one tenant.
    package var providersPerTenant = 50
    /// How often the use of one key is recorded at most.
    package var keyUsePause: Duration = .seconds(300)
    /// Calls with the API keys of one tenant that may run at once, and as many of its portal's users, over all loops; more are
    /// refused with RESOURCE_EXHAUSTED. Open streams do not count here. What a call may hold is bounded, so this
    /// bounds what a tenant takes from the others.
    package var callsPerTenant = 2_000
    /// What the requests of those calls may hold at once, in octets: of the keys' calls, and as much of its portal's users'.
    /// Requests of up to 4 KiB are not counted, and one request always goes.
    package var octetsPerTenant = 64 << 20
    /// Calls in a second with the API keys of one tenant, and as many of its portal's users, over all loops, where the tenant
    /// has no limit of its own; 0 for any number. What two seconds allow may come at once.
    package var callRate = 50_000
    /// Events that one tenant may publish in a second, over all loops, where it has no limit of its own; 0 for any number. What
    /// two seconds allow may come at once.
    package var eventRate = 10_000
    /// UpdatePreferences calls for one user that may come at once, whoever makes them, in one process; behind that one more goes
    /// after each ``preferencePause``. What they leave in the audit is kept for ever, so that a user who goes wild adds some
    /// thousand lines a day and not a thousand in each second.
    package var preferenceUpdates = 120
    /// See ``preferenceUpdates``; more than zero.
    package var preferencePause: Duration = .seconds(30)
    /// Mails that ask whether an address which a user has added is the user's, and that may be asked for at once for one user, whoever
    /// asks, in one process; behind that one more goes after each ``confirmationPause``. Such mails go to addresses that may be anybody's.
    package var confirmationMails = 5
    /// See ``confirmationMails``; more than zero.
    package var confirmationPause: Duration = .seconds(3_600)
    /// Rows from which on nothing more is stored for a tenant that has no limit of its own; 0 for never. They are counted now
    /// and then, so a tenant may go beyond by what it stores meanwhile.
    package var storedRows = 0
    /// Streams of one tenant, of inboxes and of checks, that may be open at once, over all loops, where the tenant has no limit of its own; more are refused
    /// with RESOURCE_EXHAUSTED.
    package var streamsPerTenant = 10_000
    /// How old the facts of a preference check may be, whatever is heard of changes. A change made by this process is seen at
    /// once.
    package var factsAge: Duration = .seconds(1)
    /// They may be older as long as no change of them was told, and this process has asked for changes this lately. Changes
    /// are told before they are answered and asked for twice a second, so a check obeys what any process has answered this long
    /// ago. When changes cannot be asked for, ``factsAge`` counts alone.
    package var factsHearing: Duration = .seconds(2)
    /// For how long they may go without a proof that their account has the version of then: what was changed and never told, because
    /// the process that changed it died before it answered, or was of version 1, is obeyed after this time. A little less than a
    /// minute. What raises no version, because somebody changes the database by hand, is obeyed after an hour.
    package var greatestFactsAge: Duration = .seconds(55)
    /// How much memory, in octets, the facts of users and accounts that each loop keeps may take, those of all tenants together; what
    /// was not asked for lately goes first. Reckoned: a user who has chosen nothing counts as 72.
    package var factsOctets = 128 << 20
    /// Open WatchInbox streams that one user may have on one loop.
    package var watchersPerUser = 16
    /// Open WatchInbox streams of one loop.
    package var watchers = 50_000
    /// How often inboxes with watchers are looked at for what other processes stored.
    package var inboxPoll: Duration = .seconds(1)
    /// Events that may wait for the transaction before theirs, for each tenant on each loop.
    package var waitingEvents = 4_096
    /// People whom one event may concern: all of them are decided, rendered and written in one transaction, and told of in
    /// one answer.
    package var recipientsPerEvent = 2_000
    /// How long a repeat of an idempotency key gets the stored answer.
    package var idempotencyAge: Duration = .seconds(24 * 60 * 60)
    /// Exports and imports of tenants that run at once; more are refused with RESOURCE_EXHAUSTED.
    package var transfersOfTenants = 2
    /// How long an export or import may last for callers who set no deadline: it holds a transaction open.
    package var transferTime: Duration = .seconds(4 * 60 * 60)
    /// How long the caller of an export or import may take for one piece of the archive, before the call is ended with
    /// DEADLINE_EXCEEDED and everything undone.
    package var transferIdle: Duration = .seconds(60)
    /// How long an event waits once for the first months of a tenant that was made a moment ago, where this process cannot make
    /// them: the one that made the tenant is at it, and takes a tenth of that.
    package var newTenantWait: Duration = .milliseconds(500)
    /// Whether maildir providers may be set up: for development.
    package var allowsMaildir = false
    /// Whether mail relays may be named that are on private networks or on this machine: for development, and for
    /// operators whose tenants' relays are inside.
    package var allowsPrivateRelays = false

    /// Makes the usual limits.
    package init() {}
}
