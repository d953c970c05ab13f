-- The registry, version 2: placement, limits and looks of tenants, the services that are known by certificate, the audit of
-- what operators do, and the duties that one process has at a time. It only adds: programs of version 1 go on.

-- The oldest programs that can use the component's schema, by the version that they make themselves. It is raised before
-- something is taken away that they use. For the component tenant, version is the newest that any tenant may have.
ALTER TABLE carillon.schema_version ADD COLUMN IF NOT EXISTS serves_from integer NOT NULL DEFAULT 1;

-- Databases that tenants live in. connection says what differs from the connection string of the registry's own database
-- (such as host, port, dbname), never a password; it is empty for the registry's own, which is called main.
CREATE TABLE IF NOT EXISTS carillon.database (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    connection text NOT NULL,
    accepts_tenants boolean NOT NULL,
    created_at timestamptz NOT NULL
);

INSERT INTO carillon.database (name, connection, accepts_tenants, created_at)
    VALUES ('main', '', true, 'epoch')
    ON CONFLICT (name) DO NOTHING;

-- A limit that is NULL is the installation's. moving_to is set while the tenant is held for a move. erase_at is set while
-- state is 'deleting': from then on the tenant is erased.
ALTER TABLE carillon.tenant
    ADD COLUMN IF NOT EXISTS database text NOT NULL DEFAULT 'main' REFERENCES carillon.database (name),
    ADD COLUMN IF NOT EXISTS moving_to text REFERENCES carillon.database (name),
    ADD COLUMN IF NOT EXISTS accent_color text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS logo_url text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS imprint text NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS calls_per_second integer,
    ADD COLUMN IF NOT EXISTS events_per_second integer,
    ADD COLUMN IF NOT EXISTS stored_rows bigint,
    ADD COLUMN IF NOT EXISTS open_streams integer,
    ADD COLUMN IF NOT EXISTS message_octets integer,
    ADD COLUMN IF NOT EXISTS history_months integer NOT NULL DEFAULT 4,
    ADD COLUMN IF NOT EXISTS erase_at timestamptz;

-- What a tenant has stored, counted now and then: close enough to refuse those who store without end.
CREATE TABLE IF NOT EXISTS carillon.tenant_usage (
    tenant_id text PRIMARY KEY REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    stored_rows bigint NOT NULL,
    stored_octets bigint NOT NULL,
    counted_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Internal services that are known by the SPIFFE id of their certificate, and for which tenants they may act.
CREATE TABLE IF NOT EXISTS carillon.service_identity (
    spiffe_id text PRIMARY KEY,
    display_name text NOT NULL,
    scopes text[] NOT NULL,
    all_tenants boolean NOT NULL,
    tenant_ids text[] NOT NULL,
    revision bigint NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What operators changed: of one tenant (chain is its id) or of the installation (chain is empty). Rows are added, never
-- changed; hash chains each row to the one before. Erasing a tenant takes its chain with it and is itself a row of the
-- installation's.
CREATE TABLE IF NOT EXISTS carillon.audit (
    chain text NOT NULL,
    seq bigint NOT NULL,
    audit_id uuid NOT NULL,
    actor text NOT NULL,
    origin text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    before jsonb,
    after jsonb,
    hash bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);

CREATE TABLE IF NOT EXISTS carillon.audit_head (
    chain text PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);

-- Chores: work that one process of all does at a time, such as maintenance. The holder has it until expires_at, by the database's
-- clock; done_at is when it was finished last, by the same clock: for a while behind that it is not due.
CREATE TABLE IF NOT EXISTS carillon.chore (
    name text PRIMARY KEY,
    holder uuid,
    expires_at timestamptz NOT NULL,
    done_at timestamptz
);

GRANT SELECT ON carillon.database, carillon.service_identity, carillon.tenant_usage TO carillon_serve;
GRANT INSERT, UPDATE, DELETE ON carillon.service_identity TO carillon_serve;
GRANT SELECT, INSERT ON carillon.audit TO carillon_serve;
GRANT SELECT, INSERT, UPDATE ON carillon.audit_head TO carillon_serve;

GRANT USAGE ON SCHEMA carillon TO carillon_work;
GRANT SELECT ON carillon.schema_version, carillon.tenant, carillon.database TO carillon_work;
GRANT SELECT, INSERT, UPDATE, DELETE ON carillon.worker TO carillon_work;
GRANT SELECT, INSERT, UPDATE ON carillon.tenant_lease, carillon.tenant_signal TO carillon_work;
