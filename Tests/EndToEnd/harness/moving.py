"""Tenants on their way from one database to another."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import grpc

from .cluster import Database
from .interface import v1
from .processes import Program
from .refusals import Refusal
from .server import Carillon, environment, run
from .supplier import Supplier
from .waiting import eventually

# As long as one of these lasts, the tenant's calls are refused.
REFUSING = ("held", "switched")


class Movers:
    """A server whose registry names several databases, and the command that moves tenants between them."""

    def __init__(self, server: Carillon, databases: dict[str, Database], folder: Path) -> None:
        self.server = server
        self.databases = {"main": server.database, **databases}
        self.folder = folder
        self.begun = 0
        for name, database in databases.items():
            connection = f"host={database.cluster.folder} dbname={database.name}"
            result = run(server.binary, "database", "add", name, "--connection", connection, *self.logins)
            assert result.returncode == 0, result.stderr

    @property
    def logins(self) -> list[str]:
        database = self.server.database
        return ["--database-url", database.serving_url, "--database-owner-url", database.owner_url]

    def move(self, tenant: str, *arguments: str) -> CompletedProcess[str]:
        """Runs the command to its end."""
        return run(self.server.binary, "tenant", "move", tenant, *arguments, *self.logins)

    def begin(self, tenant: str, *arguments: str) -> Program:
        """Starts the command."""
        self.begun += 1
        command = [str(self.server.binary), "tenant", "move", tenant, *arguments, *self.logins]
        return Program(command, self.folder / f"move-{self.begun}.log", env=environment())

    def registry(self, sql: str) -> str:
        return self.server.database.execute(sql)

    def stage(self, tenant: str) -> str:
        """How far the tenant's move is; empty if it is in none."""
        return self.registry(f"SELECT stage FROM carillon.tenant_move WHERE tenant_id = '{tenant}'")

    def place(self, tenant: str) -> list[str]:
        """Where it lives, and where it is held for."""
        row = f"SELECT database, coalesce(moving_to, '') FROM carillon.tenant WHERE tenant_id = '{tenant}'"
        return self.registry(row).split("|")

    def schemas(self, supplier: Supplier) -> list[str]:
        """The databases that have a schema of the tenant."""
        found = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{supplier.schema}'"
        return [name for name, database in self.databases.items() if database.execute(found) == "1"]

    def lets_in(self, supplier: Supplier, database: str) -> bool:
        """Whether the tenant's role is let in at a place."""
        asked = f"SELECT has_schema_privilege('{supplier.schema}', '{supplier.schema}', 'USAGE')"
        return self.databases[database].execute(asked) == "t"

    @contextmanager
    def overtaken(self) -> Iterator[None]:
        """Takes the move that runs from its program, which does not hear of that, as when the registry has failed over."""
        guard = "relation = 'carillon.tenant_move'::regclass AND mode = 'ShareUpdateExclusiveLock' AND granted"
        ended = self.registry(f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE {guard}")
        assert ended == "t", ended
        with self.server.database.held("LOCK TABLE carillon.tenant_move IN SHARE UPDATE EXCLUSIVE MODE"):
            yield

    def gives_up(self, program: Program, database: str) -> None:
        """Returns when a move has left a database."""
        here = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carillon move'"
        here += " AND datname = current_database() AND query NOT LIKE 'LOCK TABLE carillon.%'"
        eventually(lambda: self.databases[database].execute(here) == "0", "the move has left", seen=program.tail)

    def reaches(self, stage: str, tenant: str, program: Program) -> None:
        eventually(lambda: self.stage(tenant) == stage, f"the move is {stage}", 30, seen=program.tail)

    @contextmanager
    def stuck(self, stage: str, supplier: Supplier, target: str) -> Iterator[Program]:
        """A move that does not get beyond a stage, because somebody else is in the way."""
        name = self.place(supplier.id)[0]
        source = self.databases[name]
        with ExitStack() as ways:
            if stage == "copying":
                ways.enter_context(source.locked(f"{supplier.schema}.inbox_item"))
            if stage == "draining":
                ways.enter_context(self.foreign_worker(supplier.id))
            if stage == "opened":
                ways.enter_context(source.held(f"LOCK TABLE {supplier.schema}.account IN ACCESS SHARE MODE"))
            writer = ExitStack()
            if stage in REFUSING:
                writer.enter_context(source.held(f"LOCK TABLE {supplier.schema}.queue IN ROW EXCLUSIVE MODE"))
            with writer:
                program = self.begin(supplier.id, "--to", target)
                if stage == "switched":
                    self.reaches("held", supplier.id, program)
                    grant = f"GRANT CREATE ON SCHEMA {supplier.schema} TO carillon_owner"
                    ways.enter_context(self.databases[target].held(grant))
                    writer.close()
                self.reaches(stage, supplier.id, program)
                if stage == "held":
                    # The stage is written down before the role is shut out.
                    eventually(lambda: not self.lets_in(supplier, name), "the tenant is shut", 30, seen=program.tail)
                yield program

    def kill(self, program: Program) -> None:
        """kill -9, and returns when every server has noticed."""
        program.end(signal.SIGKILL)
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carillon move'"
        clusters = {database.cluster for database in self.databases.values()}
        eventually(
            lambda: all(cluster.execute("postgres", left) == "0" for cluster in clusters), "its sessions are over"
        )

    @contextmanager
    def hanging(self, changes: str) -> Iterator[Callable[[], None]]:
        """Changes of the registry that are not committed before that is asked for."""
        lock = int(uuid.uuid4()) % 2**31
        with ThreadPoolExecutor() as pool:
            with self.server.database.held(f"SELECT pg_advisory_lock({lock})"):
                script = f"BEGIN; {changes}; SELECT pg_advisory_lock({lock}); COMMIT"
                running = pool.submit(self.registry, script)
                waiting = (
                    "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                    f" WHERE NOT l.granted AND l.locktype = 'advisory' AND l.objid = {lock}"
                )
                eventually(lambda: self.registry(waiting), "the changes are made")

                def commit() -> None:
                    self.registry(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks"
                        f" WHERE granted AND locktype = 'advisory' AND objid = {lock}"
                    )
                    running.result(30)

                yield commit

    def waits(self, statement: str, program: Program, database: str = "main") -> None:
        """Returns when a move waits for a lock in a statement that begins like this."""
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'carillon move' AND wait_event_type = 'Lock'"
            f" AND query LIKE '{statement}'"
        )
        eventually(
            lambda: self.databases[database].execute(waiting), f"it waits in {statement}", 30, seen=program.tail
        )

    @contextmanager
    def foreign_worker(self, tenant: str) -> Iterator[None]:
        """A worker of another process that has the tenant and does not give it back."""
        worker = uuid.uuid4()
        self.registry(
            f"INSERT INTO carillon.worker VALUES ('{worker}', now(), now() + interval '1 hour');"
            f" INSERT INTO carillon.tenant_lease VALUES ('{tenant}', '{worker}', 1000)"
            " ON CONFLICT (tenant_id) DO UPDATE SET worker_id = excluded.worker_id, fence = 1000"
        )
        try:
            yield
        finally:
            self.registry(f"DELETE FROM carillon.worker WHERE worker_id = '{worker}'")


def is_moving(error: grpc.RpcError) -> bool:
    """Whether a call was refused because the tenant is held, with word when to come again."""
    refusal = Refusal(error)
    return refusal.code == grpc.StatusCode.UNAVAILABLE and refusal.has_details and (
        refusal.reason == "TENANT_MOVING" and refusal.retry_delay == 0.5 and refusal.pushback == "500"
    )


def is_served(supplier: Supplier) -> bool:
    """Whether the tenant can publish; the only other answer is that it is being moved."""
    try:
        return bool(supplier.publish("invoice.created").event_id)
    except grpc.RpcError as error:
        assert is_moving(error), error
        return False


def remember(database: Database, schema: str, events: int) -> None:
    """Gives a tenant so many events of the last weeks of the month before the last, with three rows for each, as its worker
    and its portal would have left them: a past that nobody changes."""
    month = "date_trunc('month', now()) - interval '2 months'"
    identifier = (
        "(lpad(to_hex((extract(epoch FROM {at}) * 1000)::int8), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')"
        " || '8' || lpad(to_hex(n), 15, '0'))::uuid"
    )
    bound = "(lpad(to_hex((extract(epoch FROM {at}) * 1000)::int8), 12, '0') || '7000-8000-000000000000')::uuid"
    at = f"({month} + interval '1 day' + (n % 40000) * interval '60 seconds')"
    row = identifier.format(at=at)
    parts = [
        f"""
        DO $$
        DECLARE
            lower_bound uuid := {bound.format(at=f"({month})")};
            upper_bound uuid := {bound.format(at=f"({month} + interval '1 month')")};
            kind text;
        BEGIN
            FOREACH kind IN ARRAY ARRAY['event', 'notification', 'delivery', 'attempt'] LOOP
                EXECUTE format('CREATE TABLE {schema}.%s_%s (LIKE {schema}.%s INCLUDING ALL)',
                    kind, to_char({month}, 'YYYYMM'), kind);
                EXECUTE format('ALTER TABLE {schema}.%s ATTACH PARTITION {schema}.%s_%s'
                    ' FOR VALUES FROM (%L) TO (%L)', kind, kind, to_char({month}, 'YYYYMM'), lower_bound, upper_bound);
            END LOOP;
        END
        $$""",
        f"INSERT INTO {schema}.event SELECT {row}, 'invoice.created', 'past', NULL, '{{}}', 'thing/' || n, false, NULL,"
        f" '[]', NULL, 'key/past', {at} FROM generate_series(1, {events}) n",
        f"INSERT INTO {schema}.notification SELECT {row}, {row}, 'invoice.created', 'customer', 'past', 'user', 'past',"
        f" 'thing/' || n, 'subscribed_by_default', '[]' FROM generate_series(1, {events}) n",
        f"INSERT INTO {schema}.delivery SELECT {row}, 'email', 0, 'deliver', 'subscribed_by_default', 'delivered', NULL,"
        f" 'p***@past.example', '<' || n || '@past.example>', {at}, {at} FROM generate_series(1, {events}) n",
        f"INSERT INTO {schema}.attempt SELECT {row}, 'email', 1, 1, 'relay', 'accepted', '250', '', NULL, {at}, {at}"
        f" FROM generate_series(1, {events}) n",
    ]
    owned = ";\n".join(["SET ROLE carillon_owner", *parts])
    database.execute(f"{owned};\nRESET ROLE; ANALYZE")


def furnished(supplier: Supplier, readers: tuple[str, ...] = ("ann",)) -> Supplier:
    """Gives a supplier an account with readers."""
    supplier.add_account("acme")
    for user in readers:
        supplier.add_user(user, "acme")
    supplier.set_default_user("acme", readers[0])
    supplier.context("invoice.created")
    return supplier


def delivered(notifications: list[object]) -> bool:
    """Whether all mails of notifications have gone out."""
    ways = [way for one in notifications for way in one.deliveries if way.channel == v1.CHANNEL_EMAIL]
    return bool(ways) and all(way.state == v1.DELIVERY_STATE_DELIVERED for way in ways)
