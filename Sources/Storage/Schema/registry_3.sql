-- The registry, version 3: moves of tenants between databases, hints that processes give each other beside that of work, ids of
-- erased tenants, and no samples of words of people. It only adds: programs of version 2 go on.

-- Moves of tenants to another database: a row from the first step until the last trace at the source is gone. It outlives the
-- program that moves, so that the next one can go on or take everything back. One tenant is moved at a time: whoever moves
-- holds the table in SHARE UPDATE EXCLUSIVE mode. The copy at the target is marked with move_id, until it is opened.
CREATE TABLE IF NOT EXISTS carillon.tenant_move (
    tenant_id text PRIMARY KEY REFERENCES carillon.tenant (tenant_id) ON DELETE CASCADE,
    source text NOT NULL REFERENCES carillon.database (name),
    target text NOT NULL REFERENCES carillon.database (name),
    move_id uuid NOT NULL,
    stage text NOT NULL,
    actor text NOT NULL,
    started_at timestamptz NOT NULL
);

-- Hints beside that of work. facts_at, which version 1 has: what decisions rest on has changed, by the database's clock, written
-- when the change is committed and before it is answered. credentials_at: the tenant's line, its keys or its portal keys have
-- changed, in the transaction that changes them; credentials_count counts what was said of them, as a process whose clock is
-- behind does not move credentials_at. months_wanted_at is set while a tenant misses the partitions of a month that it has
-- published in: whoever has the owner's login makes them.
ALTER TABLE carillon.tenant_signal
    ADD COLUMN IF NOT EXISTS credentials_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN IF NOT EXISTS credentials_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS months_wanted_at timestamptz;
CREATE INDEX IF NOT EXISTS tenant_signal_months ON carillon.tenant_signal (months_wanted_at)
    WHERE months_wanted_at IS NOT NULL;

-- Tenants that were erased, for as long as something of it is to be done or to be waited for: nobody gets such an id while some
-- process may still believe in its keys. Behind that, only the audit of the installation names the tenant.
CREATE TABLE IF NOT EXISTS carillon.erased_tenant (
    tenant_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL,
    -- Whether its dead rows are out of the registry's files.
    is_swept boolean NOT NULL
);

-- Samples of these columns would be kept in the planner's statistics, where erasing a tenant does not reach; no statement
-- asks for them.
ALTER TABLE carillon.tenant
    ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN portal_url SET STATISTICS 0,
    ALTER COLUMN wrapped_data_key SET STATISTICS 0, ALTER COLUMN request_hash SET STATISTICS 0,
    ALTER COLUMN logo_url SET STATISTICS 0, ALTER COLUMN imprint SET STATISTICS 0;
ALTER TABLE carillon.api_key
    ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN secret_sha256 SET STATISTICS 0,
    ALTER COLUMN last_four SET STATISTICS 0, ALTER COLUMN created_by SET STATISTICS 0;
ALTER TABLE carillon.portal_key ALTER COLUMN kid SET STATISTICS 0, ALTER COLUMN jwk SET STATISTICS 0;
ALTER TABLE carillon.audit
    ALTER COLUMN actor SET STATISTICS 0, ALTER COLUMN origin SET STATISTICS 0, ALTER COLUMN object SET STATISTICS 0,
    ALTER COLUMN before SET STATISTICS 0, ALTER COLUMN after SET STATISTICS 0;
