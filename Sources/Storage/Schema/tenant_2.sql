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
