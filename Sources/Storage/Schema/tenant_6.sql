-- A tenant's schema from version 5 to 6: digests that are gathered, events that are told of later, and addresses that nobody writes to.
-- It only adds: programs of version 5 go on, send what waits for a digest one by one, and know of no later time.

-- step: what is gathered
ALTER TABLE ${schema}.queue ADD COLUMN IF NOT EXISTS digest_of text;
CREATE INDEX IF NOT EXISTS queue_digest ON ${schema}.queue (digest_of, channel) WHERE digest_of IS NOT NULL;
-- step: events that are told of later
ALTER TABLE ${schema}.event ADD COLUMN IF NOT EXISTS not_before timestamptz;
-- step: events that are called off while they are under way
ALTER TABLE ${schema}.queue ADD COLUMN IF NOT EXISTS called_off boolean NOT NULL DEFAULT false;
-- step: addresses that nobody writes to
CREATE TABLE IF NOT EXISTS ${schema}.suppression (
    channel text NOT NULL,
    address text NOT NULL,
    state text NOT NULL,
    source text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (channel, address)
);
ALTER TABLE ${schema}.suppression ALTER COLUMN address SET STATISTICS 0;
GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.suppression TO ${schema};
