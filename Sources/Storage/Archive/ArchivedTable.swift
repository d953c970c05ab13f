/// A table whose rows are a tenant's, and what of it leaves with the tenant.
///
/// ``registry`` and ``tenant`` are the one place that says what a tenant consists of. A test compares them with the catalog of
/// a fresh schema, so that no table and no column is forgotten.
struct ArchivedTable: Sendable, Hashable {
    /// Its name in an archive: with `carillon.` before it for a table of the registry.
    let name: String
    /// The columns that an archive holds, in the order in which it holds them.
    let columns: [String]
    /// The primary key, by which rows are ordered.
    let key: [String]
    /// Columns that the importing side fills by itself, in the order in which it appends them; of the registry's tables only.
    var completed: [String] = []
    /// Columns that an archive holds another value of than the table, as SQL.
    var resets: [String: String] = [:]
    /// The column that is sealed with the tenant's data key.
    var sealed: String?
    /// The column with a UUIDv7 that says when a row came, where a table has one and many rows; of a tenant's tables only.
    var timed: String?
    /// Whether ``timed`` is of the row itself, made when the row is written, and not of what the row is about: then no row comes
    /// with an id of days ago.
    var comesInOrder = false

    /// Whether it is one of the registry's.
    var isOfRegistry: Bool { name.hasPrefix("carillon.") }
}

extension ArchivedTable {
    /// The registry's tables, in the order in which rows can be inserted. Not carried are leases, signals and usage, which
    /// belong to the installation, moves within it, and the identities of services, which belong to no tenant.
    static let registry = [
        ArchivedTable(
            name: "carillon.tenant",
            columns: [
                "display_name", "portal_url", "time_zone", "locale", "enabled_without_subscription", "request_hash",
                "created_at", "updated_at", "accent_color", "logo_url", "imprint", "calls_per_second",
                "events_per_second", "stored_rows", "open_streams", "message_octets", "history_months",
            ],
            key: ["tenant_id"],
            completed: [
                "tenant_id", "state", "wrapped_data_key", "schema_version", "months_through", "revision", "database",
            ]),
        ArchivedTable(
            name: "carillon.api_key",
            columns: [
                "key_id", "display_name", "secret_sha256", "last_four", "scopes", "created_by", "created_at",
                "expires_at", "revoked_at", "last_used_at",
            ],
            key: ["key_id"], completed: ["tenant_id"]),
        ArchivedTable(
            name: "carillon.portal_key", columns: ["kid", "jwk", "created_at"], key: ["kid"], completed: ["tenant_id"]),
        ArchivedTable(
            name: "carillon.audit",
            columns: ["seq", "audit_id", "actor", "origin", "action", "object", "before", "after", "hash"],
            key: ["seq"], completed: ["chain"]),
        ArchivedTable(
            name: "carillon.audit_head", columns: ["seq", "hash"], key: ["chain"], completed: ["chain"]),
    ]

    /// The tables of a tenant's schema, in the order in which rows can be inserted.
    static let tenant = [
        ArchivedTable(
            name: "account",
            columns: [
                "account_id", "display_name", "default_user_id", "assigned_rep_user_ids", "billing_email",
                "notifications_suppressed", "time_zone", "locale", "defaults", "caps", "facts_version",
                "revision", "created_at", "updated_at",
            ],
            key: ["account_id"]),
        ArchivedTable(
            name: "app_user",
            columns: [
                "user_id", "account_id", "display_name", "state", "is_admin", "team_member", "time_zone", "locale",
                "snoozed_until", "timing", "cadences", "revision", "choices_revision", "created_at", "updated_at",
            ],
            key: ["user_id"]),
        ArchivedTable(
            name: "contact_point",
            columns: ["user_id", "channel", "address", "position", "own_position", "own_since", "state"],
            key: ["user_id", "channel", "address"]),
        ArchivedTable(
            name: "suppression", columns: ["channel", "address", "state", "source", "created_at"],
            key: ["channel", "address"]),
        ArchivedTable(
            name: "preference",
            columns: ["user_id", "audience", "scope", "scope_key", "channel", "choice", "changed_at"],
            key: ["user_id", "audience", "scope", "scope_key", "channel"]),
        ArchivedTable(
            name: "setting",
            columns: [
                "type_key", "audience", "account_id", "enabled", "default_subscribed", "mandatory",
                "mandatory_channels", "changed_at",
            ],
            key: ["type_key", "audience", "account_id"]),
        ArchivedTable(
            name: "provider",
            columns: [
                "provider_id", "channel", "kind", "display_name", "priority", "enabled", "config", "sealed_secret",
                "revision", "created_at", "updated_at",
            ],
            key: ["provider_id"], sealed: "sealed_secret"),
        ArchivedTable(
            name: "idempotency", columns: ["idempotency_key", "body_sha256", "event_id", "response", "expires_at"],
            key: ["idempotency_key"], timed: "event_id"),
        ArchivedTable(
            name: "event",
            columns: [
                "event_id", "type_key", "account_id", "actor_user_id", "addressed_user_ids", "object",
                "object_suppressed", "source_event_id", "context", "sealed_context", "published_by", "occurred_at",
                "not_before",
            ],
            key: ["event_id"], sealed: "sealed_context", timed: "event_id", comesInOrder: true),
        ArchivedTable(
            name: "notification",
            columns: [
                "notification_id", "event_id", "type_key", "audience", "account_id", "recipient", "user_id", "object",
                "reason", "trace",
            ],
            key: ["notification_id"], timed: "notification_id", comesInOrder: true),
        ArchivedTable(
            name: "delivery",
            columns: [
                "notification_id", "channel", "rank", "verdict", "reason", "state", "state_reason", "masked_address",
                "message_id", "deliver_at", "updated_at",
            ],
            key: ["notification_id", "channel"], timed: "notification_id"),
        ArchivedTable(
            name: "attempt",
            columns: [
                "notification_id", "channel", "number", "fence", "provider_id", "outcome", "code", "detail",
                "provider_message_id", "started_at", "finished_at",
            ],
            key: ["notification_id", "channel", "number"], timed: "notification_id"),
        // Leases and the fence name workers of this installation. In another one fences begin anew: whoever held a row here
        // holds it there no longer, and the first worker there is greater than nobody.
        ArchivedTable(
            name: "queue",
            columns: [
                "notification_id", "channel", "due_at", "expires_at", "lease", "attempts", "claims", "digest_of",
                "called_off",
            ],
            key: ["notification_id", "channel"], resets: ["lease": "0::int8"], timed: "notification_id"),
        ArchivedTable(
            name: "queue_owner", columns: ["singleton", "fence"], key: ["singleton"], resets: ["fence": "0::int8"]),
        ArchivedTable(
            name: "inbox_counter", columns: ["user_id", "last_seq", "total", "unread", "unseen"], key: ["user_id"]),
        ArchivedTable(
            name: "inbox_item",
            columns: [
                "user_id", "seq", "notification_id", "type_key", "title", "body", "link", "created_at", "seen_at",
                "read_at", "archived_at",
            ],
            key: ["user_id", "seq"], timed: "notification_id"),
        ArchivedTable(
            name: "audit",
            columns: ["audit_id", "seq", "actor", "origin", "action", "object", "before", "after", "hash"],
            key: ["audit_id"], timed: "audit_id", comesInOrder: true),
        ArchivedTable(name: "audit_head", columns: ["singleton", "seq", "hash"], key: ["singleton"]),
    ]

    /// Tables that hold rows as soon as the schema is made; a copy of a tenant brings its own.
    static let filledAtCreation = ["account", "queue_owner", "audit_head"]

    /// All of them in the order of an archive.
    static let all = registry + tenant
}
