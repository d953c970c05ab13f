-- A tenant's schema from version 3 to 4: when people want to hear of something and how often, what accounts choose for their people,
-- and the channels that a mandatory type keeps. It only adds: programs of version 3 go on, and know of none of it.

-- step: what accounts choose
ALTER TABLE ${schema}.account ADD COLUMN IF NOT EXISTS defaults jsonb;
-- step: when and how often users want to hear
ALTER TABLE ${schema}.app_user
    ADD COLUMN IF NOT EXISTS snoozed_until timestamptz,
    ADD COLUMN IF NOT EXISTS timing jsonb,
    ADD COLUMN IF NOT EXISTS cadences jsonb;
-- step: channels of mandatory types
ALTER TABLE ${schema}.setting ADD COLUMN IF NOT EXISTS mandatory_channels text[] NOT NULL DEFAULT '{}';
