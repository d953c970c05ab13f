-- A tenant's schema as it stands in the current version: new tenants are made from this file, old ones reach the same
-- shape by migrations. ${schema} is both the schema and the role. Nothing here is volatile, fires a trigger of ours or
-- looks into another schema (rules of Citus' schema-based sharding).

CREATE SCHEMA ${schema};

-- Customer accounts. The row with the empty id is the supplier itself: its people are the internal users.
-- facts_version grows with every change of the account, its users or their choices; Publish compares it. defaults is what its
-- administrators chose for those who choose nothing. On the supplier's row billing_email is the mailbox of its team, and defaults what
-- is chosen for that. caps, on the supplier's row alone, is how many messages one person may get.
CREATE TABLE ${schema}.account (
    account_id text PRIMARY KEY,
    display_name text NOT NULL,
    default_user_id text,
    assigned_rep_user_ids text[] NOT NULL,
    billing_email text,
    notifications_suppressed boolean NOT NULL,
    time_zone text,
    locale text,
    defaults jsonb,
    caps jsonb,
    facts_version bigint NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

-- timing is when messages are to come, cadences how often: both by the user's own wish, NULL for none.
CREATE TABLE ${schema}.app_user (
    user_id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES ${schema}.account (account_id),
    display_name text NOT NULL,
    state text NOT NULL,
    is_admin boolean NOT NULL,
    team_member boolean NOT NULL,
    time_zone text,
    locale text,
    snoozed_until timestamptz,
    timing jsonb,
    cadences jsonb,
    revision bigint NOT NULL,
    choices_revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX app_user_account ON ${schema}.app_user (account_id, user_id);

-- Addresses, of a channel the preferred one first: those that the user has added, by own_position and since own_since, then those that
-- the portal gives, by position. One address may be both. A suppressed address that was given up keeps its row with no position, so
-- that giving it again does not make it good.
CREATE TABLE ${schema}.contact_point (
    user_id text NOT NULL REFERENCES ${schema}.app_user (user_id) ON DELETE CASCADE,
    channel text NOT NULL,
    address text NOT NULL,
    position integer,
    own_position integer,
    own_since timestamptz,
    state text NOT NULL,
    PRIMARY KEY (user_id, channel, address)
);

CREATE INDEX contact_point_address ON ${schema}.contact_point (address);

-- Addresses that nobody writes to, whoever has them: the state that every contact point with the address takes, also one that comes
-- later. source is who said so.
CREATE TABLE ${schema}.suppression (
    channel text NOT NULL,
    address text NOT NULL,
    state text NOT NULL,
    source text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (channel, address)
);

-- What users chose. scope is type, category or all; channel '' is every channel.
CREATE TABLE ${schema}.preference (
    user_id text NOT NULL REFERENCES ${schema}.app_user (user_id) ON DELETE CASCADE,
    audience text NOT NULL,
    scope text NOT NULL,
    scope_key text NOT NULL,
    channel text NOT NULL,
    choice boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, audience, scope, scope_key, channel)
);

-- Where the supplier departs from the catalog's recommendation: for everyone (account_id '') or for one account.
CREATE TABLE ${schema}.setting (
    type_key text NOT NULL,
    audience text NOT NULL,
    account_id text NOT NULL REFERENCES ${schema}.account (account_id) ON DELETE CASCADE,
    enabled boolean NOT NULL,
    default_subscribed boolean NOT NULL,
    mandatory text NOT NULL,
    mandatory_channels text[] NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (type_key, audience, account_id)
);

CREATE INDEX setting_account ON ${schema}.setting (account_id);

CREATE TABLE ${schema}.provider (
    provider_id text PRIMARY KEY,
    channel text NOT NULL,
    kind text NOT NULL,
    display_name text NOT NULL,
    priority integer NOT NULL,
    enabled boolean NOT NULL,
    config jsonb NOT NULL,
    sealed_secret bytea,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What Publish was asked and answered, for as long as a repeat must get the same answer.
CREATE TABLE ${schema}.idempotency (
    idempotency_key text PRIMARY KEY,
    body_sha256 bytea NOT NULL,
    event_id uuid NOT NULL,
    response bytea NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX idempotency_expiry ON ${schema}.idempotency (expires_at);

-- History: a month a partition, cut by the time inside the UUIDv7. Deliveries and attempts live in the month of
-- their notification, so that its whole story is read from, and dropped with, one month. not_before is when people are to be told at
-- the earliest, NULL for at once.
CREATE TABLE ${schema}.event (
    event_id uuid NOT NULL,
    type_key text NOT NULL,
    account_id text NOT NULL,
    actor_user_id text,
    addressed_user_ids text[] NOT NULL,
    object text,
    object_suppressed boolean NOT NULL,
    source_event_id text,
    context jsonb NOT NULL,
    sealed_context bytea,
    published_by text NOT NULL,
    occurred_at timestamptz NOT NULL,
    not_before timestamptz,
    PRIMARY KEY (event_id)
) PARTITION BY RANGE (event_id);

-- One recipient of one event, told or not: reason and trace say which rule won, and on which facts.
CREATE TABLE ${schema}.notification (
    notification_id uuid NOT NULL,
    event_id uuid NOT NULL,
    type_key text NOT NULL,
    audience text NOT NULL,
    account_id text NOT NULL,
    recipient text NOT NULL,
    user_id text,
    object text,
    reason text NOT NULL,
    trace jsonb NOT NULL,
    PRIMARY KEY (notification_id)
) PARTITION BY RANGE (notification_id);

CREATE INDEX notification_account ON ${schema}.notification (account_id, notification_id);
CREATE INDEX notification_user ON ${schema}.notification (user_id, notification_id);
CREATE INDEX notification_event ON ${schema}.notification (event_id, notification_id);
CREATE INDEX notification_object ON ${schema}.notification (object, notification_id) WHERE object IS NOT NULL;

-- One way to one recipient, suppressed ones included. rank is the channel's place in the type's order of preference.
CREATE TABLE ${schema}.delivery (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    rank smallint NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    state_reason text,
    masked_address text,
    message_id text,
    deliver_at timestamptz,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (notification_id, channel)
) PARTITION BY RANGE (notification_id);

CREATE TABLE ${schema}.attempt (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    number integer NOT NULL,
    fence bigint NOT NULL,
    provider_id text,
    outcome text NOT NULL,
    code text,
    detail text,
    provider_message_id text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    PRIMARY KEY (notification_id, channel, number)
) PARTITION BY RANGE (notification_id);

-- What is still to be sent. Small and hot: a row is deleted when its delivery is terminal.
-- lease is the fence of the worker that holds the row; a greater fence may take it over. digest_of is the user whose digest gathers
-- it, NULL for what is sent by itself. called_off is whether its event was called off while a worker held the row.
CREATE TABLE ${schema}.queue (
    notification_id uuid NOT NULL,
    channel text NOT NULL,
    due_at timestamptz NOT NULL,
    expires_at timestamptz,
    lease bigint NOT NULL,
    attempts integer NOT NULL,
    claims integer NOT NULL,
    digest_of text,
    called_off boolean NOT NULL DEFAULT false,
    PRIMARY KEY (notification_id, channel)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);

CREATE INDEX queue_due ON ${schema}.queue (due_at);
CREATE INDEX queue_digest ON ${schema}.queue (digest_of, channel) WHERE digest_of IS NOT NULL;

-- The greatest fence that has worked this queue: a worker with a smaller one may neither claim nor bear leased work.
CREATE TABLE ${schema}.queue_owner (
    singleton boolean PRIMARY KEY CHECK (singleton),
    fence bigint NOT NULL
);

-- Sequence numbers are handed out under the counter's row lock: gap-free and in the order of commit.
CREATE TABLE ${schema}.inbox_counter (
    user_id text PRIMARY KEY,
    last_seq bigint NOT NULL,
    total bigint NOT NULL,
    unread bigint NOT NULL,
    unseen bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE ${schema}.inbox_item (
    user_id text NOT NULL,
    seq bigint NOT NULL,
    notification_id uuid NOT NULL,
    type_key text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    link text NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at timestamptz,
    read_at timestamptz,
    archived_at timestamptz,
    PRIMARY KEY (user_id, seq)
) WITH (fillfactor = 90);

-- Who changed what, from where. The tenant's role may add and read, nothing else. seq and hash chain each line to the one
-- before; they are NULL in lines that programs of version 1 wrote.
CREATE TABLE ${schema}.audit (
    audit_id uuid PRIMARY KEY,
    seq bigint,
    actor text NOT NULL,
    origin text,
    action text NOT NULL,
    object text NOT NULL,
    before jsonb,
    after jsonb,
    hash bytea
);

CREATE UNIQUE INDEX audit_chain ON ${schema}.audit (seq);

-- The last line of the audit's chain. Whoever adds a line locks this row first.
CREATE TABLE ${schema}.audit_head (
    singleton boolean PRIMARY KEY CHECK (singleton),
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);

-- Samples of words of people would be kept in the planner's statistics, where dropping the schema does not reach: what was
-- deleted there stays in the file until it is written over. All statements go by keys.
ALTER TABLE ${schema}.account ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN billing_email SET STATISTICS 0;
ALTER TABLE ${schema}.app_user ALTER COLUMN display_name SET STATISTICS 0;
ALTER TABLE ${schema}.contact_point ALTER COLUMN address SET STATISTICS 0;
ALTER TABLE ${schema}.suppression ALTER COLUMN address SET STATISTICS 0;
ALTER TABLE ${schema}.provider
    ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN config SET STATISTICS 0,
    ALTER COLUMN sealed_secret SET STATISTICS 0;
ALTER TABLE ${schema}.idempotency ALTER COLUMN idempotency_key SET STATISTICS 0, ALTER COLUMN response SET STATISTICS 0;
ALTER TABLE ${schema}.inbox_item
    ALTER COLUMN title SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN link SET STATISTICS 0;
ALTER TABLE ${schema}.audit
    ALTER COLUMN actor SET STATISTICS 0, ALTER COLUMN origin SET STATISTICS 0, ALTER COLUMN object SET STATISTICS 0,
    ALTER COLUMN before SET STATISTICS 0, ALTER COLUMN after SET STATISTICS 0;
ALTER TABLE ${schema}.event
    ALTER COLUMN object SET STATISTICS 0, ALTER COLUMN source_event_id SET STATISTICS 0,
    ALTER COLUMN context SET STATISTICS 0, ALTER COLUMN sealed_context SET STATISTICS 0,
    ALTER COLUMN published_by SET STATISTICS 0;
ALTER TABLE ${schema}.notification
    ALTER COLUMN recipient SET STATISTICS 0, ALTER COLUMN object SET STATISTICS 0, ALTER COLUMN trace SET STATISTICS 0;
ALTER TABLE ${schema}.delivery
    ALTER COLUMN masked_address SET STATISTICS 0, ALTER COLUMN message_id SET STATISTICS 0;
ALTER TABLE ${schema}.attempt
    ALTER COLUMN code SET STATISTICS 0, ALTER COLUMN detail SET STATISTICS 0,
    ALTER COLUMN provider_message_id SET STATISTICS 0;

GRANT USAGE ON SCHEMA ${schema} TO ${schema};
GRANT SELECT, INSERT, UPDATE ON ${schema}.account, ${schema}.delivery, ${schema}.inbox_counter, ${schema}.queue_owner
    TO ${schema};
GRANT SELECT, UPDATE ON ${schema}.audit_head TO ${schema};
GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.app_user, ${schema}.contact_point, ${schema}.suppression, ${schema}.preference,
    ${schema}.setting, ${schema}.provider, ${schema}.idempotency, ${schema}.queue, ${schema}.inbox_item TO ${schema};
GRANT SELECT, INSERT ON ${schema}.event, ${schema}.notification, ${schema}.attempt, ${schema}.audit TO ${schema};

INSERT INTO ${schema}.queue_owner (singleton, fence) VALUES (true, 0);
INSERT INTO ${schema}.audit_head (singleton, seq, hash) VALUES (true, 0, '');
INSERT INTO ${schema}.account (account_id, display_name, assigned_rep_user_ids, notifications_suppressed, facts_version,
        revision, created_at, updated_at)
    VALUES ('', '', '{}', false, ${micros}, 1, '${time}', '${time}');
