-- A tenant's schema from version 4 to 5: how many messages one person may get. It only adds: programs of version 4 go on, and cap
-- nothing.

-- step: how many messages one person may get
ALTER TABLE ${schema}.account ADD COLUMN IF NOT EXISTS caps jsonb;
