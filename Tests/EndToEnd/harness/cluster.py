"""A PostgreSQL of the tests' own: made by initdb in a temporary folder, reached by a Unix socket only."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from .processes import Program, bound, unprivileged
from .waiting import eventually

# Not the folder that TMPDIR names: the path of a socket must be shorter than 108 bytes.
PARENT = Path("/tmp")
PREFIX = "carillon-e2e-pg-"
SILENT = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@functools.cache
def bootstrap() -> str:
    """What a superuser runs in a fresh database, as the binary under test prints it."""
    binary = Path(os.environ["E2E_BINARY"]).resolve()
    printed = subprocess.run(
        [str(binary), "migrate", "--print-bootstrap"], capture_output=True, text=True, timeout=60, check=True
    )
    return printed.stdout


def remove_orphans() -> None:
    """Removes the folders of test processes that were killed; the kernel has ended their servers."""
    for folder in PARENT.glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Begins to remove a folder. Nobody waits for it: a cluster has tens of thousands of files, and some file systems
    take a millisecond for each."""
    gone = folder.with_name(f"{folder.name}-gone")
    folder.rename(gone)
    subprocess.run(["setsid", "--fork", "rm", "-rf", str(gone)], check=True, **SILENT)


def programs() -> Path:
    """The folder of initdb and postgres: from PATH, else where Debian puts them, the newest first."""
    found = shutil.which("initdb")
    # Links to some of them may lie elsewhere.
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql")
    versions = sorted((entry for entry in debian.glob("*/bin/initdb")), key=lambda entry: float(entry.parts[-3]))
    if not versions:
        raise AssertionError("initdb is neither in PATH nor below /usr/lib/postgresql: install postgresql")
    return versions[-1].parent


class Cluster:
    """One server. It writes through to the disk, as in production."""

    numbers = itertools.count(1)

    def __init__(self, settings: dict[str, str] | None = None, folder: Path | None = None) -> None:
        self.user = unprivileged()
        self.settings = settings or {}
        remove_orphans()
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=PARENT))
        self.data = self.folder / "data"
        self.server: Program | None = None
        try:
            if self.user:
                os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
            self.folder.chmod(0o755)
            self.make()
            self.start()
        except BaseException:
            self.remove()
            raise

    def make(self) -> None:
        """Fills the data folder."""
        self.run(
            "initdb", "--pgdata", str(self.data), "--username", "postgres", "--auth", "trust", "--encoding",
            "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
        )  # fmt: skip

    @property
    def port(self) -> str:
        """The port, which is also part of the socket's name."""
        return self.settings.get("port", "5432")

    def run(self, program: str, *arguments: str) -> None:
        command = bound([str(programs() / program), *arguments], self.user)
        result = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{program} failed:\n{result.stdout}{result.stderr}"

    def start(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "unix_socket_permissions": "0777",
            "shared_buffers": "64MB",
            "max_connections": "400",
            "fsync": "on",
            "log_min_messages": "warning",
            **self.settings,
        }
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.server = Program(
            [str(programs() / "postgres"), "-D", str(self.data), *arguments],
            self.folder / "server.log", cwd=self.folder, user=self.user, death="QUIT",
        )  # fmt: skip
        eventually(self.takes_connections, "PostgreSQL takes connections", 30, seen=self.server.tail)

    def takes_connections(self) -> bool:
        assert self.server and self.server.is_running, self.server and self.server.tail()
        return self.psql("postgres", "SELECT 1").returncode == 0

    def stop(self, mode: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions in good order, SIGQUIT as after a crash."""
        if self.server:
            self.server.end(mode)
            self.server = None

    def kill_backend(self, pid: int) -> None:
        """kill -9 of one session; the server ends the others and recovers."""
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        remove_folder(self.folder)

    # Databases

    def make_database(self) -> Database:
        name = f"e2e_{next(self.numbers)}"
        self.execute("postgres", f"CREATE DATABASE {name}")
        database = Database(self, name)
        database.execute(bootstrap())
        return database

    def psql(self, database: str, sql: str, user: str = "postgres") -> subprocess.CompletedProcess[str]:
        """Runs SQL, each statement on its own, and stops at the first error."""
        command = [
            "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--host",
            str(self.folder), "--port", self.port, "--username", user, "--dbname", database,
        ]  # fmt: skip
        return subprocess.run(command, input=sql, capture_output=True, text=True, check=False)

    def execute(self, database: str, sql: str, user: str = "postgres") -> str:
        result = self.psql(database, sql, user)
        assert result.returncode == 0, f"{result.stderr}\nof\n{sql[:2000]}"
        return result.stdout.rstrip("\n")


class Database:
    """One database of a cluster, with Carillon's login roles."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def url(self, user: str) -> str:
        return f"postgresql://{user}@/{self.name}?host={quote(str(self.cluster.folder), safe='')}"

    @property
    def serving_url(self) -> str:
        return self.url("carillon_serve")

    @property
    def worker_url(self) -> str:
        return self.url("carillon_work")

    @property
    def owner_url(self) -> str:
        return self.url("carillon_owner")

    def execute(self, sql: str, user: str = "postgres") -> str:
        return self.cluster.execute(self.name, sql, user)

    def psql(self, sql: str, user: str = "postgres") -> subprocess.CompletedProcess[str]:
        return self.cluster.psql(self.name, sql, user)

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Lets nobody else read or write a table."""
        with self.held(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
            yield

    @contextmanager
    def row_locked(self, rows: str) -> Iterator[None]:
        """Lets nobody else write to rows, such as `schema.table WHERE …`."""
        with self.held(f"SELECT 1 FROM {rows} FOR UPDATE"):
            yield

    @contextmanager
    def held(self, lock: str) -> Iterator[None]:
        """Keeps a transaction open that has begun with this statement."""
        holder = f"holder_{next(self.cluster.numbers)}"
        sessions = f"FROM pg_stat_activity WHERE application_name = '{holder}'"
        script = (
            f"SET application_name = '{holder}'; BEGIN; {lock};"
            " SELECT pg_sleep(600);"
        )
        thread = threading.Thread(target=self.psql, args=(script,))
        thread.start()
        try:
            eventually(
                lambda: self.execute(f"SELECT 1 {sessions} AND wait_event = 'PgSleep'"), f"it is held: {lock}", 30
            )
            yield
        finally:
            self.execute(f"SELECT pg_terminate_backend(pid) {sessions}")
            thread.join()

    def tables(self, schema: str) -> list[str]:
        """The tables of a schema that hold rows; partitions are counted with their parent."""
        rows = self.execute(
            "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"
        )
        return rows.splitlines()

    def fingerprint(self, schema: str, without: frozenset[str] = frozenset()) -> dict[str, str]:
        """For each table of a schema how many rows it holds and a digest of them."""
        queries = [
            f"SELECT '{table}', count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
            f' FROM {schema}."{table}" t'
            for table in self.tables(schema)
            if table not in without
        ]
        assert queries, f"the schema {schema} has no tables"
        return dict(line.split("|", 1) for line in self.execute(" UNION ALL ".join(queries)).splitlines())
