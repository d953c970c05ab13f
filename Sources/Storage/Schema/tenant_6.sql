-- A tenant's schema from version 5 to 6: digests that are gathered, events that are told of later, and addresses that nobody writes to.
-- It only adds: programs of version 5 go on, send what waits for a digest one by one, and know of no later time. Of addresses they look at
-- what stands with each user, and mark those alone. What is new is to be used when the last of them is gone: they end inbox items of
-- later events and mails to the team's mailbox as suppressed, and send again what was called off while they had it.

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
-- step: addresses that are known to be so
-- What users' addresses say already, once for each address: of several words on one of them the strongest.
INSERT INTO ${schema}.suppression (channel, address, state, source, created_at)
SELECT DISTINCT ON (c.channel, c.address) c.channel, c.address, c.state, 'migration', 'epoch'::timestamptz
FROM ${schema}.contact_point c
WHERE c.state IN ('token_gone', 'hard_bounced', 'blocked', 'complained', 'stopped')
ORDER BY c.channel, c.address,
    array_position(ARRAY['token_gone', 'hard_bounced', 'blocked', 'complained', 'stopped'], c.state) DESC
ON CONFLICT (channel, address) DO NOTHING;
-- step: others who have one of them
WITH touched AS MATERIALIZED (
    SELECT a.account_id
    FROM ${schema}.account a
    WHERE a.account_id IN (
        SELECT u.account_id
        FROM ${schema}.suppression s
        JOIN ${schema}.contact_point c ON c.channel = s.channel AND c.address = s.address
        JOIN ${schema}.app_user u ON u.user_id = c.user_id
        WHERE s.state <> 'usable' AND c.state <> 'unverified' AND c.state <> s.state)
    ORDER BY a.account_id
    FOR UPDATE
)
UPDATE ${schema}.account a
SET facts_version = a.facts_version + 1
FROM touched
WHERE a.account_id = touched.account_id;
UPDATE ${schema}.contact_point c
SET state = s.state
FROM ${schema}.suppression s
WHERE c.channel = s.channel AND c.address = s.address AND s.state <> 'usable' AND c.state <> 'unverified'
    AND c.state <> s.state;
