-- One month of a tenant's history. The partition is made beside its parent and attached: ATTACH takes a lock that lets
-- readers and writers go on, and there is nothing yet that it could scan. Statistics keep no samples of words of people.
-- ${from} and ${to} are the UUIDv7 bounds of the month.
--
-- Each ATTACH reads the whole of pg_constraint, in which every tenant has its rows: no partition is made before it is needed,
-- and none has constraints beyond its key.

CREATE TABLE ${schema}.${table}_${month} (LIKE ${schema}.${table} INCLUDING ALL) WITH (fillfactor = ${fillfactor});
ALTER TABLE ${schema}.${table}_${month}
    ${unsampled};
ALTER TABLE ${schema}.${table}
    ATTACH PARTITION ${schema}.${table}_${month} FOR VALUES FROM ('${from}') TO ('${to}');
