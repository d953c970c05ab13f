-- A tenant's schema from version 1 to 2: each line of the audit says where it came from and is chained to the one before, and
-- the worker logs in as a role of its own. It only adds: what programs of version 1 write is in the audit and in no chain.

-- step: the worker's role, the last line of the chain, and the columns of a line, which take no time to add
GRANT ${schema} TO carillon_work;
CREATE TABLE IF NOT EXISTS ${schema}.audit_head (
    singleton boolean PRIMARY KEY CHECK (singleton),
    seq bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);
INSERT INTO ${schema}.audit_head (singleton, seq, hash) VALUES (true, 0, '') ON CONFLICT (singleton) DO NOTHING;
GRANT SELECT, UPDATE ON ${schema}.audit_head TO ${schema};
ALTER TABLE ${schema}.audit
    ADD COLUMN IF NOT EXISTS seq bigint,
    ADD COLUMN IF NOT EXISTS origin text,
    ADD COLUMN IF NOT EXISTS hash bytea;

-- step: one line for each place in the chain; while it is built, lines are read and none is added
CREATE UNIQUE INDEX IF NOT EXISTS audit_chain ON ${schema}.audit (seq);

-- step: no samples of words of people in the planner's statistics; months that there are keep theirs until they are dropped
ALTER TABLE ${schema}.account ALTER COLUMN display_name SET STATISTICS 0, ALTER COLUMN billing_email SET STATISTICS 0;
ALTER TABLE ${schema}.app_user ALTER COLUMN display_name SET STATISTICS 0;
ALTER TABLE ${schema}.contact_point ALTER COLUMN address SET STATISTICS 0;
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
