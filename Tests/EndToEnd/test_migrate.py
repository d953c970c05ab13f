"""`carillon migrate` over tenants of the version before: broken off, resumed, planned, shown, refused."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.certificates import Authority, Certificate
from harness.cluster import Cluster
from harness.http2 import once
from harness.interface import v1
from harness.processes import Program, bound
from harness.server import Carillon, environment, run
from harness.version1 import NEWEST, NEWEST_REGISTRY, OldProgram, Version1
from harness.waiting import eventually

PENDING, UNAVAILABLE, CONFIGURATION = 2, 69, 78
ALL = 5  # columns, table and index that version 2 adds to a tenant


def migrate(binary: Path, world: Version1, *flags: str) -> subprocess.CompletedProcess[str]:
    return run(binary, "migrate", "--database-owner-url", world.database.owner_url, *flags)


def begin(binary: Path, world: Version1, folder: Path, *flags: str) -> Program:
    command = [str(binary), "migrate", "--database-owner-url", world.database.owner_url, *flags]
    return Program(command, folder / "migrate.log", env=environment())


def log_lines(text: str, message: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if message in line.values()]


def test_killed_in_the_middle_the_next_run_finishes(binary: Path, cluster: Cluster, tmp_path: Path) -> None:
    world = Version1(cluster, tenants=50)
    # It cannot pass the thirtieth, and is killed while it is about it.
    held = world.tenants[29]
    with world.database.locked(f"t_{held}.audit"):
        program = begin(binary, world, tmp_path, "--parallel", "1")
        eventually(lambda: world.count_at(NEWEST) == 29, "the tenants before are migrated", 60, seen=program.tail)
        program.end(signal.SIGKILL)
    assert (world.count_at(NEWEST), world.count_at(1)) == (29, 21)
    done = migrate(binary, world)
    assert done.returncode == 0, done.stderr
    assert "21 tenants migrated, 0 failed" in done.stdout
    assert world.count_at(NEWEST) == 50
    assert {world.columns(tenant) for tenant in world.tenants} == {ALL}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_between_transactions(
    binary: Path, cluster: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    world = Version1(cluster, tenants=12)
    with world.database.locked(f"t_{world.tenants[7]}.audit"):
        program = begin(binary, world, tmp_path, "--parallel", "1")
        eventually(lambda: world.count_at(NEWEST) == 7, "the tenants before are migrated", 60, seen=program.tail)
        program.send(number)
        assert program.wait(10) == 128 + number, program.tail()
    assert "7 tenants migrated, 0 failed, 5 left" in program.printed()
    assert {world.columns(tenant) for tenant in world.tenants[:7]} == {ALL}
    assert {world.columns(tenant) for tenant in world.tenants[8:]} == {0}
    assert migrate(binary, world).returncode == 0
    assert world.count_at(NEWEST) == 12


def test_one_that_fails_holds_up_nobody(binary: Path, cluster: Cluster) -> None:
    world = Version1(cluster, tenants=8)
    (suspended,) = world.make_tenants(1, "suspended")
    (erased,) = world.make_tenants(1, "deleting")
    bad = world.tenants[3]
    world.owner(f"ALTER TABLE t_{bad}.audit RENAME TO hidden")
    result = migrate(binary, world, "--parallel", "2")
    assert result.returncode == 1, result.stderr
    assert "8 tenants migrated, 1 failed" in result.stdout
    (failure,) = log_lines(result.stderr, "a tenant could not be migrated")
    assert failure["tenant"] == bad and f"t_{bad}.audit" in str(failure["error"])
    assert (world.versions()[bad], world.versions()[erased], world.versions()[suspended]) == (1, 1, NEWEST)
    world.owner(f"ALTER TABLE t_{bad}.hidden RENAME TO audit")
    assert migrate(binary, world).returncode == 0


def test_a_dry_run_changes_nothing(binary: Path, cluster: Cluster) -> None:
    fresh = cluster.make_database()
    result = run(binary, "migrate", "--dry-run", "--database-owner-url", fresh.owner_url)
    assert result.returncode == PENDING and "registry: none -> version" in result.stdout, result.stdout
    assert fresh.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'carillon'") == "0"

    world = Version1(cluster, tenants=4)
    world.make_tenants(1, "suspended")
    before = world.fingerprint()
    result = migrate(binary, world, "--dry-run")
    assert result.returncode == PENDING, result.stderr
    for words in (
        f"registry: version 1 -> version {NEWEST_REGISTRY}", f"5 of 5 are behind version {NEWEST}", "at version 1: 4 active",
    ):
        assert words in result.stdout, result.stdout
    assert "ALTER TABLE" not in result.stdout
    in_full = migrate(binary, world, "--dry-run", "--sql")
    assert in_full.returncode == PENDING
    assert "ALTER TABLE t_<id>.audit" in in_full.stdout and "ALTER TABLE carillon.tenant" in in_full.stdout
    assert world.fingerprint() == before

    assert migrate(binary, world).returncode == 0
    after = world.fingerprint()
    assert after != before
    result = migrate(binary, world, "--dry-run")
    assert result.returncode == 0 and "nothing to do" in result.stdout, result.stdout
    assert world.fingerprint() == after


@pytest.mark.parametrize("flags", [["--parallel", "0"], ["--parallel", "17"], ["--parallel", "x"], ["--sql"]])
def test_wrong_flags_are_said(binary: Path, flags: list[str]) -> None:
    result = run(binary, "migrate", "--database-owner-url", "postgresql://x", *flags)
    assert result.returncode == 64 and flags[0] in result.stderr


# MARK: What is shown


def on_terminal(command: list[str], columns: int) -> tuple[int, str, str]:
    """Runs a program whose standard error is a terminal of a width, and returns its status, its results and its screen."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        bound(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=slave, env=environment(TERM="xterm")
    )
    os.close(slave)
    screen = b""
    while True:
        ready, _, _ = select.select([master], [], [], 60)
        assert ready, f"nothing for a minute after {screen!r}"
        try:
            octets = os.read(master, 65536)
        except OSError:  # EIO: the last who had the terminal open is gone.
            break
        if not octets:
            break
        screen += octets
    assert process.stdout
    result = process.stdout.read().decode()
    os.close(master)
    return process.wait(), result, screen.decode()


@pytest.mark.parametrize("columns", [100, 50])
def test_a_terminal_gets_a_bar(binary: Path, cluster: Cluster, columns: int) -> None:
    world = Version1(cluster, tenants=40)
    world.owner(f"ALTER TABLE t_{world.tenants[20]}.audit RENAME TO hidden")
    command = [str(binary), "migrate", "--database-owner-url", world.database.owner_url]
    status, result, screen = on_terminal(command, columns)
    assert status == 1 and "39 tenants migrated, 1 failed" in result
    # The kernel makes \n into \r\n; each drawing begins at the left and erases what is left of the one before.
    drawings = re.findall(r"\r(migrating tenants [^\r\n\x1b]*)\x1b\[K", screen)
    assert len(drawings) >= 2
    assert all(len(line) < columns for line in drawings)
    assert "40/40" in drawings[-1] and "100 %" in drawings[-1] and "1 failed" in drawings[-1]
    assert ("[####" in drawings[-1]) == (columns == 100)
    assert screen.endswith("\x1b[K\r\n"), "the last line stays"
    assert f"carillon: {world.tenants[20]} could not be migrated" in screen
    assert not any(line.startswith("{") for line in screen.splitlines())


def test_elsewhere_lines_of_the_log_are_written(binary: Path, cluster: Cluster) -> None:
    world = Version1(cluster, tenants=40)
    result = migrate(binary, world)
    assert result.returncode == 0 and "40 tenants migrated, 0 failed" in result.stdout
    assert "\r" not in result.stderr and "\x1b" not in result.stderr
    lines = log_lines(result.stderr, "migrating tenants")
    assert [(lines[0]["done"], lines[0]["total"]), (lines[-1]["done"], lines[-1]["percent"])] == [(0, 40), (40, 100)]
    assert len(lines) <= 11


# MARK: Versions that do not fit


@pytest.fixture
def newer(binary: Path, cluster: Cluster) -> Version1:
    """A database that a program of the future has migrated and contracted."""
    world = Version1(cluster, tenants=1)
    assert migrate(binary, world).returncode == 0
    world.owner("UPDATE carillon.schema_version SET version = 99, serves_from = 98 WHERE component = 'registry'")
    return world


def serve(binary: Path, world: Version1, folder: Path, authority: Authority, certificate: Certificate) -> Carillon:
    class Unmigrated(Carillon):
        def migrate(self) -> None:
            pass

    return Unmigrated(binary, folder, world.database, authority, certificate)


def test_an_older_program_refuses_a_newer_database(
    binary: Path, newer: Version1, tmp_path: Path, authority: Authority, certificate: Certificate
) -> None:
    before = newer.fingerprint()
    serving = run(binary, "serve", *serve(binary, newer, tmp_path, authority, certificate).arguments("127.0.0.1:0"))
    migrating, planning = migrate(binary, newer), migrate(binary, newer, "--dry-run")
    for result in (serving, migrating, planning):
        assert result.returncode == CONFIGURATION, result.stderr
        (line,) = result.stderr.strip().splitlines()
        assert "version 99" in line and re.search(rf"this program's (is )?{NEWEST_REGISTRY}\b", line), line
        assert result.stdout == ""
    assert "use a newer carillon" in serving.stderr
    assert "migrate with the carillon that made it, or a newer one" in migrating.stderr
    assert newer.fingerprint() == before


def test_a_newer_program_refuses_an_older_database(
    binary: Path, cluster: Cluster, tmp_path: Path, authority: Authority, certificate: Certificate
) -> None:
    world = Version1(cluster, tenants=1)
    result = run(binary, "serve", *serve(binary, world, tmp_path, authority, certificate).arguments("127.0.0.1:0"))
    assert result.returncode == CONFIGURATION, result.stderr
    assert "version 1" in result.stderr and f"needs {NEWEST_REGISTRY}" in result.stderr and "carillon migrate" in result.stderr


def test_a_running_program_ends_when_it_is_contracted_away(make_server: Callable[..., Carillon]) -> None:
    server = make_server().start()

    def probe() -> int:
        return once(server, lambda connection: connection.request("GET", "/readyz")).status

    assert probe() == 200
    # Expanding alone leaves it alone: the next version is served.
    row = "UPDATE carillon.schema_version SET {} WHERE component = 'tenant'"
    server.database.execute(row.format("version = version + 1"))
    server.operator().tenants.ListTenants(v1.ListTenantsRequest())
    server.database.execute(row.format("version = version + 1, serves_from = version"))
    assert server.running.wait(40) == CONFIGURATION
    logged = server.logged()
    assert "use a newer carillon" in logged and f"the schema of tenants is at version {NEWEST + 2}" in logged
    assert log_lines(logged, "draining"), "calls that were open could end"


# MARK: Side by side


def test_both_versions_serve_at_the_same_time(
    binary: Path, cluster: Cluster, tmp_path: Path, authority: Authority, certificate: Certificate
) -> None:
    """Row 16 of the fault matrix: statements of the version before go on while this version's binary migrates and serves."""
    world = Version1(cluster, tenants=12)
    old = OldProgram(world, tmp_path / "old", world.tenants)
    try:
        eventually(lambda: old.rounds >= 2, "the old program works", 30, seen=lambda: old.errors)
        migrated = migrate(binary, world)
        assert migrated.returncode == 0, migrated.stderr
        server = serve(binary, world, tmp_path / "new", authority, certificate).start()
        try:
            operator = server.operator()
            keys = {}
            for tenant in world.tenants:
                request = v1.CreateApiKeyRequest(tenant_id=tenant, display_name="side by side")
                keys[tenant] = operator.tenants.CreateApiKey(request).secret
            rounds = old.rounds
            channel = server.channel()
            for number in range(5):
                for tenant, key in keys.items():
                    account = v1.Account(account_id=f"acme{number}", display_name="Acme")
                    session = server.session(key, channel)
                    session.accounts.UpsertAccount(v1.UpsertAccountRequest(account=account))
            eventually(lambda: old.rounds >= rounds + 2, "the old program goes on", 30, seen=lambda: old.errors)

            # What the old program makes now is brought along by the new one.
            (late,) = world.make_tenants(1)
            eventually(lambda: world.versions()[late] == NEWEST, "the straggler is migrated", 30, seen=server.running.tail)
            assert world.columns(late) == ALL
            eventually(lambda: log_lines(server.logged(), "tenants that were behind were migrated"), "it is said")
        finally:
            server.close()
    finally:
        rounds = old.end()
    assert old.errors == ""
    for tenant in old.tenants:
        written = world.database.execute(
            f"SELECT count(*) FROM t_{tenant}.audit WHERE actor = 'key/old';"
            f" SELECT count(*) FROM t_{tenant}.account WHERE account_id LIKE 'acme%'"
        )
        assert written.splitlines() == [str(rounds), "5"], tenant
