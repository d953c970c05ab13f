-- The registry, version 1: what must be known before a tenant is. Owned by carillon_owner; carillon_serve is
-- granted what serving needs and no more. On Citus it is made with schema-based sharding off, and its
-- tables become reference tables.

CREATE SCHEMA IF NOT EXISTS carillon;

CREATE TABLE IF NOT EXISTS carillon.schema_version (
    component text PRIMARY KEY,
    version integer NOT NULL,
    migrated_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS carillon.tenant (
    tenant_id text PRIMARY KEY CHECK (tenant_id ~ '^[a-z][a-z0-9]{2,24}$'),
    display_name text NOT NULL,
    state text NOT NULL,
    portal_url text NOT NULL,
    time_zone text NOT NULL,
    locale text NOT NULL,
    enabled_without_subscription text NOT NULL,
    -- The tenant's data key, sealed with the service's key-encryption key. Erasing it erases the tenant's secrets.
    wrapped_data_key bytea NOT NULL,
    -- SHA-256 of the request that made the tenant: the same request again is answered, another one is refused.
    request_hash bytea NOT NULL,
    schema_version integer NOT NULL,
    -- First day of the last month that has partitions.
    months_through date NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Keys of tenants, and the operators' keys (tenant_id NULL). Only the digest of the secret is kept.
CREATE TABLE IF NOT EXISTS carillon.api_key (
    key_id text PRIMARY KEY,
    tenant_id text REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    display_name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    last_four text NOT NULL,
    scopes text[] NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

CREATE INDEX IF NOT EXISTS api_key_tenant ON carillon.api_key (tenant_id, key_id);

CREATE TABLE IF NOT EXISTS carillon.portal_key (
    tenant_id text NOT NULL REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    kid text NOT NULL,
    jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kid)
);

-- A running worker process. Its row is the one lease: whoever finds it expired deletes it, and with it
-- every tenant lease that names it is free.
CREATE TABLE IF NOT EXISTS carillon.worker (
    worker_id uuid PRIMARY KEY,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Which worker works a tenant. The row stays when the lease is free, so that the fence only ever grows.
CREATE TABLE IF NOT EXISTS carillon.tenant_lease (
    tenant_id text PRIMARY KEY REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    worker_id uuid,
    fence bigint NOT NULL
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS tenant_lease_worker ON carillon.tenant_lease (worker_id);

-- Hints between processes: something is due in a tenant's queue, or its facts have changed. Written after the
-- commit, read by a poll; losing one costs time, not correctness.
CREATE TABLE IF NOT EXISTS carillon.tenant_signal (
    tenant_id text PRIMARY KEY REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    work_at timestamptz NOT NULL,
    facts_at timestamptz NOT NULL
) WITH (fillfactor = 50);

GRANT USAGE ON SCHEMA carillon TO carillon_serve;
GRANT SELECT ON carillon.schema_version, carillon.tenant, carillon.portal_key, carillon.api_key TO carillon_serve;
GRANT INSERT ON carillon.api_key TO carillon_serve;
GRANT UPDATE (revoked_at, last_used_at) ON carillon.api_key TO carillon_serve;
GRANT INSERT, DELETE ON carillon.portal_key TO carillon_serve;
GRANT SELECT, INSERT, UPDATE, DELETE ON carillon.worker TO carillon_serve;
GRANT SELECT, INSERT, UPDATE ON carillon.tenant_lease, carillon.tenant_signal TO carillon_serve;
