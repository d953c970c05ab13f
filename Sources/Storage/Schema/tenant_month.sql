-- One month of a tenant's history. The partition is made beside its parent and attached: ATTACH takes a lock that lets
-- readers and writers go on, and the CHECK spares it the scan. Statistics keep no samples of words of people. ${from} and ${to} are the UUIDv7 bounds of the month.

CREATE TABLE ${schema}.${table}_${month} (LIKE ${schema}.${table} INCLUDING ALL) WITH (fillfactor = ${fillfactor});
ALTER TABLE ${schema}.${table}_${month}
    ADD CONSTRAINT ${table}_${month}_bounds CHECK (${column} >= '${from}' AND ${column} < '${to}'),
    ${unsampled};
ALTER TABLE ${schema}.${table}
    ATTACH PARTITION ${schema}.${table}_${month} FOR VALUES FROM ('${from}') TO ('${to}');
