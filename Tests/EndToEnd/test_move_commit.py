"""The COMMIT of the switch hangs for longer than the tenant may be held: whether it comes true or not, the tenant is let in at one
place only, and served again after the next run at the latest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from harness.cluster import Cluster
from harness.moving import Movers, furnished, is_served
from harness.processes import Program
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

FAILURE = 1
LIMIT = "5"


@pytest.fixture(scope="module")
def movers(
    make_server: Callable[..., Carillon], cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Movers]:
    """The registry has a cluster of its own, as all of its commits are made to hang."""
    own = Cluster()
    server = make_server(own).start()
    yield Movers(server, {"far": cluster.make_database()}, tmp_path_factory.mktemp("commits"))
    server.close()
    own.remove()


@pytest.fixture
def supplier(movers: Movers) -> Supplier:
    return furnished(Supplier(movers.server, name="committed"))


def commits(movers: Movers, moving: Program, wait: str) -> None:
    """Returns when the switch is being committed, which waits."""
    waiting = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'carillon move' AND query = 'COMMIT'"
        f" AND wait_event = '{wait}'"
    )
    eventually(lambda: movers.registry(waiting), "the switch is committed", 30, seen=moving.tail)


@contextmanager
def without_standby(movers: Movers) -> Iterator[None]:
    """Lets commits wait for a standby that is not there: they are on the disk, and nobody is told."""
    def standby(name: str) -> None:
        for statement in (f"ALTER SYSTEM SET synchronous_standby_names = '{name}'", "SELECT pg_reload_conf()"):
            movers.registry(statement)
        eventually(lambda: movers.registry("SHOW synchronous_standby_names") == name, "the server has heard")

    standby("nobody")
    try:
        yield
    finally:
        standby("")


def test_a_switch_that_is_not_committed_in_time_is_taken_back(movers: Movers, supplier: Supplier) -> None:
    movers.registry(
        "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN PERFORM pg_advisory_xact_lock(77); RETURN NULL; END $$;"
        " CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON carillon.tenant_move DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.stage = 'switched') EXECUTE FUNCTION public.slow()"
    )
    with movers.server.database.held("SELECT pg_advisory_xact_lock(77)"):
        moving = movers.begin(supplier.id, "--to", "far", "--hold-limit", LIMIT)
        commits(movers, moving, "advisory")
        assert not movers.lets_in(supplier, "main") and not movers.lets_in(supplier, "far")
        assert moving.wait() == FAILURE, moving.tail()
        assert f"in the {LIMIT} s for which it may be held" in moving.printed()
        assert movers.place(supplier.id) == ["main", ""] and movers.stage(supplier.id) == "copying"
        assert movers.lets_in(supplier, "main") and not movers.lets_in(supplier, "far") and is_served(supplier)
    movers.registry("DROP TRIGGER slow ON carillon.tenant_move; DROP FUNCTION public.slow()")
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_a_switch_that_is_committed_without_a_word_is_gone_on_with(movers: Movers, supplier: Supplier) -> None:
    with ExitStack() as waiting:
        with movers.databases["main"].held(f"LOCK TABLE {supplier.schema}.queue IN ROW EXCLUSIVE MODE"):
            moving = movers.begin(supplier.id, "--to", "far", "--hold-limit", LIMIT)
            movers.waits("LOCK TABLE%", moving)
            waiting.enter_context(without_standby(movers))
        commits(movers, moving, "SyncRep")
        assert moving.wait() == FAILURE, moving.tail()
    assert "lives in far now" in moving.printed()
    assert movers.place(supplier.id) == ["far", "far"] and movers.stage(supplier.id) == "switched"
    assert not movers.lets_in(supplier, "main") and not movers.lets_in(supplier, "far")
    assert movers.move(supplier.id, "--abort").returncode == FAILURE
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)
