-- A tenant's schema from version 6 to 7: addresses that users add themselves.
-- It only adds: programs of version 6 go on, and know of those addresses that the portal gives. What is new is to be used when the last
-- of them is gone: where they store a user they forget what that user has added, and the mail by which an address is to be confirmed
-- they send to the one that the portal gives.

-- step: addresses that users add
ALTER TABLE ${schema}.contact_point
    ADD COLUMN IF NOT EXISTS own_position integer,
    ADD COLUMN IF NOT EXISTS own_since timestamptz;
