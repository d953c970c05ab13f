"""The machine on which a tenant is moved vanishes while the tenant is held: the servers notice, and the next run takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.machine import Machine
from harness.moving import Movers, furnished, is_served
from harness.server import Carillon, run
from harness.supplier import Supplier
from harness.waiting import eventually

FAILURE = 1
# Eleven seconds by what the sessions have set, and some for a slow machine.
NOTICE = 25


@pytest.fixture
def machine(cluster: Cluster, tmp_path: Path) -> Iterator[Machine]:
    if reason := Machine.why_not():
        pytest.skip(reason)
    machine = Machine(tmp_path / "machine.log", cluster.folder)
    yield machine
    machine.remove()


@pytest.fixture
def own(machine: Machine) -> Iterator[Cluster]:
    """A server that is reached from the machine as well."""
    own = Cluster({"listen_addresses": machine.near})
    with (own.data / "pg_hba.conf").open("a") as file:
        file.write(f"host all all {machine.address}/32 trust\n")
    own.execute("postgres", "SELECT pg_reload_conf()")
    yield own
    own.remove()


def test_a_movers_machine_vanishes(
    make_server: Callable[..., Carillon], own: Cluster, machine: Machine, tmp_path: Path
) -> None:
    server = make_server(own).start()
    movers = Movers(server, {}, tmp_path)
    movers.databases["second"] = own.make_database()
    # Its host is the registry's, by whatever name that is reached.
    connection = f"dbname={movers.databases['second'].name}"
    added = run(server.binary, "database", "add", "second", "--connection", connection, *movers.logins)
    assert added.returncode == 0, added.stderr
    supplier = furnished(Supplier(server, name="vanished"))

    logins = [
        word.partition("?")[0].replace("@/", f"@{machine.near}:{own.port}/") if "://" in word else word
        for word in movers.logins
    ]
    command = [str(server.binary), "tenant", "move", supplier.id, "--to", "second", *logins]
    with movers.databases["main"].held(f"LOCK TABLE {supplier.schema}.queue IN ROW EXCLUSIVE MODE"):
        moving = machine.begin(command, tmp_path / "move.log")
        movers.waits("LOCK TABLE%", moving)
        machine.vanish()
        moving.end()
        assert movers.stage(supplier.id) == "held" and not is_served(supplier)
        early = movers.move(supplier.id, "--abort")
        assert early.returncode == FAILURE and "one is moved at a time" in early.stderr, early.stderr
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carillon move'"
        eventually(lambda: movers.registry(left) == "0", "the server has noticed", NOTICE)
    assert movers.stage(supplier.id) == "held" and not is_served(supplier)
    assert [movers.lets_in(supplier, one) for one in ("main", "second")] == [False, False]
    aborted = movers.move(supplier.id, "--abort")
    assert aborted.returncode == 0, aborted.stderr
    assert movers.schemas(supplier) == ["main"] and is_served(supplier)
    server.close()
