"""Below the calls: the role of one tenant reaches nothing of another, whatever SQL it runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.cluster import Database
from harness.server import Carillon
from harness.supplier import Supplier

CANARY = "Zaunkoenig"
# What the service logs in as: one that answers calls, and one that sends.
LOGINS = ("carillon_serve", "carillon_work")


@dataclass
class Tenants:
    database: Database
    own: str
    other: str

    def run(self, sql: str, login: str) -> subprocess.CompletedProcess[str]:
        return self.database.psql(sql.replace("OWN", self.own).replace("OTHER", self.other), login)

    def as_tenant(self, sql: str, login: str) -> subprocess.CompletedProcess[str]:
        """As the service does it: one transaction, in which the tenant's role is taken first."""
        return self.run(f"BEGIN;\nSET LOCAL ROLE OWN;\n{sql}\n;COMMIT;", login)


@pytest.fixture(params=LOGINS)
def login(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def tenants(server: Carillon, channel: object) -> Iterator[Tenants]:
    own, other = Supplier(server, channel, name="one"), Supplier(server, channel, name="two")
    for supplier in (own, other):
        supplier.add_account("acme", display_name=f"{CANARY} {supplier.id}")
        supplier.add_user("dora", "acme")
    rows = server.database.fingerprint(other.schema, frozenset({"queue_owner"}))
    yield Tenants(server.database, own.schema, other.schema)
    assert server.database.fingerprint(other.schema, frozenset({"queue_owner"})) == rows


# As the tenant's role, in one statement.
DENIED = {
    "read": "SELECT * FROM OTHER.account",
    "read a partition": "SELECT * FROM OTHER.event",
    "insert": "INSERT INTO OTHER.provider SELECT * FROM OWN.provider",
    "update": "UPDATE OTHER.account SET display_name = 'x'",
    "delete": "DELETE FROM OTHER.app_user",
    "truncate": "TRUNCATE OTHER.queue",
    "lock": "LOCK TABLE OTHER.account IN ACCESS EXCLUSIVE MODE",
    "read the registry's tenants": "SELECT * FROM carillon.tenant",
    "read the registry's keys": "SELECT * FROM carillon.api_key",
    "read the registry's leases": "SELECT * FROM carillon.tenant_lease",
    "take another role by set_config": "SELECT pg_catalog.set_config('role', 'OTHER', true)",
    "take no role by set_config": "SELECT pg_catalog.set_config('role', 'none', true)",
    "take a role and read in one statement": (
        "SELECT pg_catalog.set_config('role', 'OTHER', true),"
        " pg_catalog.query_to_xml('SELECT * FROM OTHER.account', true, false, '')"
    ),
    "query_to_xml": "SELECT pg_catalog.query_to_xml('SELECT * FROM OTHER.account', true, false, '')",
    "query_to_xml of the own schema": "SELECT pg_catalog.query_to_xml('SELECT * FROM OWN.account', true, false, '')",
    "query_to_xmlschema": "SELECT pg_catalog.query_to_xmlschema('SELECT 1', true, false, '')",
    "query_to_xml that takes a role": "SELECT pg_catalog.query_to_xml('SET LOCAL ROLE OTHER', true, false, '')",
    "query_to_xml_and_xmlschema": "SELECT pg_catalog.query_to_xml_and_xmlschema('SELECT 1', true, false, '')",
    "table_to_xmlschema": "SELECT pg_catalog.table_to_xmlschema('OWN.account', true, false, '')",
    "table_to_xml_and_xmlschema": "SELECT pg_catalog.table_to_xml_and_xmlschema('OWN.account', true, false, '')",
    "cursor_to_xml": "SELECT pg_catalog.cursor_to_xml('c', 1, true, false, '')",
    "cursor_to_xmlschema": "SELECT pg_catalog.cursor_to_xmlschema('c', true, false, '')",
    "schema_to_xml_and_xmlschema": "SELECT pg_catalog.schema_to_xml_and_xmlschema('OWN', true, false, '')",
    "database_to_xmlschema": "SELECT pg_catalog.database_to_xmlschema(true, false, '')",
    "ts_rewrite by a query": (
        "SELECT pg_catalog.ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, display_name::tsquery FROM OTHER.account')"
    ),
    "the owner's role": "SET LOCAL ROLE carillon_owner",
    "the superuser's role": "SET LOCAL ROLE postgres",
    "another session user": "SET SESSION AUTHORIZATION OTHER",
    "another database": "CREATE EXTENSION dblink SCHEMA OWN",
    "table_to_xml": "SELECT pg_catalog.table_to_xml('OWN.account', true, false, '')",
    "schema_to_xml": "SELECT pg_catalog.schema_to_xml('OWN', true, false, '')",
    "database_to_xml": "SELECT pg_catalog.database_to_xml(true, false, '')",
    "ts_stat": "SELECT * FROM pg_catalog.ts_stat('SELECT ''a''::tsvector')",
    "a DO block": "DO $$ BEGIN EXECUTE 'SET LOCAL ROLE OTHER'; END $$",
    "a function": "CREATE FUNCTION OWN.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table of its own": "CREATE TABLE OWN.extra (a int)",
    "a temporary table": "CREATE TEMPORARY TABLE extra (a int)",
    "a table of everybody's": "CREATE TABLE public.extra (a int)",
    "a schema": "CREATE SCHEMA extra",
    "a role": "CREATE ROLE extra",
    "a grant": "GRANT OTHER TO OWN",
    "a role for everybody": "ALTER ROLE OWN SUPERUSER",
    "another's schema dropped": "DROP SCHEMA OTHER CASCADE",
    "its own table changed": "ALTER TABLE OWN.account DISABLE TRIGGER ALL",
    "its own table dropped": "DROP TABLE OWN.queue",
    "history changed": "UPDATE OWN.event SET object = 'x'",
    "history deleted": "DELETE FROM OWN.notification",
    "the audit changed": "UPDATE OWN.audit SET actor = 'x'",
    "the audit deleted": "DELETE FROM OWN.audit",
    "the audit emptied": "TRUNCATE OWN.audit",
    "the audit's head deleted": "DELETE FROM OWN.audit_head",
    "another's audit written": "INSERT INTO OTHER.audit SELECT * FROM OWN.audit",
    "another's audit head moved": "UPDATE OTHER.audit_head SET seq = 0",
    "read the registry's audit": "SELECT * FROM carillon.audit",
    "a file read": "SELECT pg_catalog.pg_read_file('/etc/hostname')",
    "a file copied": "COPY OWN.account FROM '/etc/hostname'",
    "a program run": "COPY OWN.account TO PROGRAM 'cat'",
    "a large object": "SELECT pg_catalog.lo_create(0)",
    "a file as a large object": "SELECT pg_catalog.lo_import('/etc/hostname')",
    "a large object read": "SELECT pg_catalog.lo_get(1)",
    "a large object written to a file": "SELECT pg_catalog.lo_export(1, '/tmp/never')",
    "sleep for": "SELECT pg_catalog.pg_sleep_for('1 ms')",
    "sleep until": "SELECT pg_catalog.pg_sleep_until(now())",
    "an exported snapshot": "SELECT pg_catalog.pg_export_snapshot()",
    "sleep": "SELECT pg_catalog.pg_sleep(0.01)",
    "notify": "SELECT pg_catalog.pg_notify('a', 'b')",
    "an advisory lock": "SELECT pg_catalog.pg_advisory_xact_lock(1)",
    "another session ended": (
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
        " WHERE pid <> pg_catalog.pg_backend_pid() AND usename = 'carillon_serve'"
    ),
    "passwords": "SELECT * FROM pg_catalog.pg_authid",
}


@pytest.mark.parametrize("what", DENIED)
def test_the_tenants_role_is_denied(tenants: Tenants, login: str, what: str) -> None:
    result = tenants.as_tenant(DENIED[what], login)
    assert result.returncode != 0, f"was allowed: {result.stdout}"
    assert any(word in result.stderr for word in ("permission denied", "must be", "must have")), result.stderr
    assert CANARY not in result.stdout + result.stderr


def test_the_tenants_role_does_its_own_work(tenants: Tenants, login: str) -> None:
    """What is denied above is not denied because nothing works."""
    look = "SELECT display_name FROM OWN.account WHERE account_id = 'acme'"
    result = tenants.as_tenant(look, login)
    assert result.returncode == 0 and CANARY in result.stdout, result.stderr
    # Statements that set something for the transaction are no functions, and go on working.
    result = tenants.as_tenant(f"SET LOCAL search_path = OWN;\nSET LOCAL lock_timeout = '1s';\n{look}", login)
    assert result.returncode == 0 and CANARY in result.stdout, result.stderr


# As the serving login without a tenant's role: what is left after RESET ROLE.
DENIED_TO_THE_LOGIN = {
    "read one": "SELECT * FROM OWN.account",
    "read the other": "SELECT * FROM OTHER.account",
    "change the registry's tenants": "UPDATE carillon.tenant SET display_name = 'x'",
    "delete keys": "DELETE FROM carillon.api_key",
    "change the registry's audit": "UPDATE carillon.audit SET actor = 'x'",
    "delete the registry's audit": "DELETE FROM carillon.audit",
    "empty the registry's audit": "TRUNCATE carillon.audit",
    "delete the registry's audit's heads": "DELETE FROM carillon.audit_head",
    "a role": "CREATE ROLE extra",
    "a schema": "CREATE SCHEMA extra",
    "membership given on": "GRANT OWN TO OTHER",
    "the owner's role": "SET ROLE carillon_owner",
    "the superuser's role": "SET ROLE postgres",
    "another session user": "SET SESSION AUTHORIZATION postgres",
    "set_config": "SELECT pg_catalog.set_config('role', 'OWN', true)",
    "a setting of the server": "ALTER SYSTEM SET work_mem = '1GB'",
    "passwords": "SELECT * FROM pg_catalog.pg_authid",
}


# The same as the login that sends, which needs no keys and changes nothing of the registry but its own leases and signals.
DENIED_TO_THE_WORKER = {
    **DENIED_TO_THE_LOGIN,
    "read keys": "SELECT * FROM carillon.api_key",
    "read portal keys": "SELECT * FROM carillon.portal_key",
    "make a portal key": "INSERT INTO carillon.portal_key VALUES ('x', 'y', '{}', now())",
    "read services": "SELECT * FROM carillon.service_identity",
    "make a service": "INSERT INTO carillon.service_identity SELECT * FROM carillon.service_identity",
    "read the registry's audit": "SELECT * FROM carillon.audit",
    "write the registry's audit": "INSERT INTO carillon.audit SELECT * FROM carillon.audit",
    "make a tenant": "INSERT INTO carillon.tenant SELECT * FROM carillon.tenant",
    "move a tenant": "UPDATE carillon.tenant SET moving_to = 'main'",
    "name a database": "INSERT INTO carillon.database VALUES ('x', 'host=evil', true, now())",
}


@pytest.mark.parametrize(
    ("login", "what"),
    [("carillon_serve", what) for what in DENIED_TO_THE_LOGIN] + [("carillon_work", what) for what in DENIED_TO_THE_WORKER],
)
def test_the_login_alone_is_denied(tenants: Tenants, login: str, what: str) -> None:
    result = tenants.run(DENIED_TO_THE_WORKER[what], login)
    assert result.returncode != 0, f"was allowed: {result.stdout}"
    assert "permission denied" in result.stderr or "must" in result.stderr, result.stderr
    assert CANARY not in result.stdout + result.stderr


@pytest.mark.parametrize("way", ["RESET ROLE", "SET LOCAL ROLE NONE", "SET ROLE NONE", "RESET ALL"])
def test_leaving_the_role_opens_nothing(tenants: Tenants, login: str, way: str) -> None:
    """Going back to the login is always allowed by PostgreSQL; the login itself may read no tenant."""
    result = tenants.as_tenant(f"{way};\nSELECT * FROM OTHER.account", login)
    assert result.returncode != 0 and "permission denied" in result.stderr, result
    assert CANARY not in result.stdout


def test_a_path_to_another_schema_leads_nowhere(tenants: Tenants, login: str) -> None:
    """PostgreSQL passes over schemas of a path that the role may not use."""
    result = tenants.as_tenant("SET LOCAL search_path = OTHER;\nSELECT * FROM account", login)
    assert result.returncode != 0 and 'relation "account" does not exist' in result.stderr, result


def test_the_role_ends_with_its_transaction(tenants: Tenants, login: str) -> None:
    result = tenants.run("BEGIN;\nSET LOCAL ROLE OWN;\nCOMMIT;\nSELECT * FROM OWN.account", login)
    assert result.returncode != 0 and "permission denied" in result.stderr, result


def test_a_tenants_role_is_no_login(tenants: Tenants) -> None:
    result = tenants.run("SELECT 1", tenants.own)
    assert result.returncode != 0 and "not permitted to log in" in result.stderr, result.stderr


def test_nothing_runs_with_its_makers_rights(tenants: Tenants) -> None:
    query = (
        "SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
        " WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert tenants.database.execute(query) == ""


def test_each_tenant_has_its_own_role_and_owns_nothing(tenants: Tenants) -> None:
    query = (
        "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner"
        f" WHERE r.rolname IN ('{tenants.own}', '{tenants.other}', 'carillon_serve', 'carillon_work')"
    )
    assert tenants.database.execute(query) == "0"
    members = "SELECT pg_catalog.pg_has_role('{}', '{}', 'MEMBER')"
    assert tenants.database.execute(members.format(tenants.own, tenants.other)) == "f"


def test_nobody_may_call_what_runs_text_or_reaches_others(tenants: Tenants) -> None:
    """By the catalog, so that no variant of a function and no argument list is forgotten."""

    def callable_by(*roles: str) -> list[str]:
        names = ", ".join(f"'{role}'" for role in roles)
        return tenants.database.execute(
            "SELECT r.rolname || ' ' || p.oid::regprocedure FROM pg_catalog.pg_proc p, pg_catalog.pg_roles r"
            f" WHERE r.rolname IN ({names}) AND p.prokind = 'f'"
            " AND (p.proname IN ('set_config', 'pg_notify', 'ts_stat', 'loread', 'lowrite', 'pg_export_snapshot')"
            " OR p.proname ~ '^(lo_|pg_sleep|dblink|pg_advisory|pg_try_advisory)|_to_xml')"
            " AND pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')"
        ).splitlines()

    assert callable_by(*LOGINS, tenants.own, tenants.other) == []
    assert len(callable_by("postgres")) > 40, "there are such functions"


def test_the_roles_are_no_more_than_they_need(tenants: Tenants, login: str) -> None:
    more = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolinherit"
    for role in (login, tenants.own):
        query = f"SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = '{role}' AND ({more})"
        assert tenants.database.execute(query) == "", role
    assert tenants.run("SHOW search_path", login).stdout.strip() == '""'
    languages = "SELECT count(*) FROM pg_catalog.pg_language WHERE pg_catalog.has_language_privilege(oid, 'USAGE')"
    languages += " AND lanpltrusted"
    assert tenants.run(languages, login).stdout.strip() == "0"
