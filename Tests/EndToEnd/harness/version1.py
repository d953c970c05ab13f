"""The world of programs of schema version 1: a registry and tenants as they made them, and what they write."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from .cluster import Cluster, Database
from .interface import ROOT

REGISTRY = ROOT / "Sources" / "Storage" / "Schema" / "registry.sql"
TENANT = ROOT / "Tests" / "StorageTests" / "Version1" / "tenant.sql"
STORAGE = ROOT / "Sources" / "Storage"


def version(file: str) -> int:
    """The version that a source file says the build under test makes and needs."""
    return int(re.findall(r"static let version: Int32 = (\d+)", (STORAGE / file).read_text())[0])


NEWEST = version("Schema/TenantSchema.swift")
"""Of tenants' schemas."""
NEWEST_REGISTRY = version("Migrations/Migration.swift")
"""Of the registry."""
EPOCH = "2026-11-15T12:00:00Z"


class Version1:
    """A database that programs of version 1 have filled."""

    def __init__(self, cluster: Cluster, tenants: int = 0, prefix: str = "old") -> None:
        self.database: Database = cluster.make_database()
        self.owner(f"{REGISTRY.read_text()}\nINSERT INTO carillon.schema_version VALUES ('registry', 1, '{EPOCH}');")
        # Roles belong to the whole cluster.
        self.prefix = f"{prefix}{self.database.name.removeprefix('e2e_')}x"
        self.numbers = itertools.count()
        self.tenants: list[str] = []
        self.make_tenants(tenants)

    def owner(self, sql: str) -> str:
        return self.database.execute(sql, user="carillon_owner")

    def make_tenants(self, count: int, state: str = "active") -> list[str]:
        names = [f"{self.prefix}{next(self.numbers):04}" for _ in range(count)]
        if names:
            self.owner("\n".join(self.script(name, state) for name in names))
        self.tenants += names
        return names

    @staticmethod
    def script(tenant: str, state: str) -> str:
        schema = f"t_{tenant}"
        text = TENANT.read_text()
        for name, value in {"schema": schema, "micros": "1", "time": EPOCH}.items():
            text = text.replace(f"${{{name}}}", value)
        return f"""BEGIN;
            INSERT INTO carillon.tenant (tenant_id, display_name, state, portal_url, time_zone, locale,
                enabled_without_subscription, wrapped_data_key, request_hash, schema_version, months_through, revision,
                created_at, updated_at)
            VALUES ('{tenant}', 'Old', '{state}', 'https://portal.example', 'UTC', 'en', 'opt_in', '', '', 1,
                '2020-01-01', 1, '{EPOCH}', '{EPOCH}');
            CREATE ROLE {schema} NOLOGIN NOINHERIT;
            GRANT {schema} TO carillon_serve;
            {text}
            COMMIT;"""

    def versions(self) -> dict[str, int]:
        rows = self.database.execute("SELECT tenant_id, schema_version FROM carillon.tenant").splitlines()
        return {name: int(version) for name, version in (row.split("|") for row in rows)}

    def count_at(self, version: int) -> int:
        return list(self.versions().values()).count(version)

    def columns(self, tenant: str) -> int:
        """How many of the columns and tables of version 2 a tenant has."""
        return int(
            self.database.execute(
                f"SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('t_{tenant}.audit')"
                " AND attname IN ('seq', 'origin', 'hash'))"
                f" + (to_regclass('t_{tenant}.audit_head') IS NOT NULL)::int"
                f" + (to_regclass('t_{tenant}.audit_chain') IS NOT NULL)::int"
            )
        )

    def fingerprint(self) -> str:
        """A digest of the catalogs and of everything that the registry says."""
        rows = "md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), ''))"
        return self.database.execute(
            # Of relations not what vacuum notes.
            f"SELECT {rows} FROM pg_attribute x; SELECT {rows} FROM (SELECT c.oid, c.relname, c.relfilenode, c.relkind,"
            " c.relacl, c.reloptions FROM pg_class c) x;"
            f" SELECT {rows} FROM pg_constraint x; SELECT {rows} FROM pg_auth_members x;"
            f" SELECT {rows} FROM pg_roles x; SELECT {rows} FROM carillon.tenant x;"
            f" SELECT {rows} FROM carillon.schema_version x;"
        )


class OldProgram:
    """A program of version 1 that goes on changing and reading tenants, as the serving login and under their roles."""

    def __init__(self, world: Version1, folder: Path, tenants: Sequence[str]) -> None:
        self.folder = folder
        self.tenants = list(tenants)
        self.ends = threading.Event()
        self.rounds = 0
        self.errors = ""
        folder.mkdir()
        command = [
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--set", "ON_ERROR_STOP=1",
            "--host", str(world.database.cluster.folder), "--username", "carillon_serve",
            "--dbname", world.database.name,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    @staticmethod
    def script(tenant: str) -> str:
        """Statements of version 1: a change of a provider with its line in the audit, and a look at the audit."""
        schema = f"t_{tenant}"
        config = json.dumps({"host": "relay.example"})
        return f"""BEGIN;
            SET LOCAL ROLE {schema};
            SET LOCAL lock_timeout = '200ms';
            UPDATE {schema}.account a SET facts_version = a.facts_version + 1 WHERE a.account_id = '';
            INSERT INTO {schema}.audit (audit_id, actor, action, object, before, after)
            SELECT gen_random_uuid(), 'key/old', 'provider.put', 'provider/relay', (
                SELECT to_jsonb(p) - 'sealed_secret' FROM {schema}.provider p WHERE p.provider_id = 'relay'
            ), '{config}'::jsonb;
            SELECT a.audit_id, a.actor, a.action, a.object, a.before, a.after
            FROM {schema}.audit a ORDER BY a.audit_id DESC LIMIT 1;
            COMMIT;
            """

    def work(self) -> None:
        """One round after the other; what a round has written is counted when it is answered."""
        assert self.process.stdin and self.process.stdout
        while not self.ends.is_set():
            self.process.stdin.write("".join(self.script(tenant) for tenant in self.tenants) + "\\echo round\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if "ERROR" in line:
                    self.errors += line
                if line.startswith("round"):
                    break
            else:
                return
            self.rounds += 1

    def end(self) -> int:
        """How many rounds were answered, once the last is."""
        self.ends.set()
        self.thread.join()
        rest, _ = self.process.communicate()
        self.errors += rest if "ERROR" in rest else ""
        return self.rounds
