"""A move whose program has lost it to another one does nothing any more, whatever it had sent already."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from harness.moving import Movers, furnished, is_served
from harness.supplier import Supplier

FAILURE = 1


@pytest.fixture
def supplier(movers: Movers) -> Supplier:
    return furnished(Supplier(movers.server, name="overtaken"))


def busy(supplier: Supplier) -> str:
    """What is in the way of everybody who lets the role into a schema, or shuts it out."""
    return f"GRANT CREATE ON SCHEMA {supplier.schema} TO carillon_owner"


def test_who_is_overtaken_opens_nothing_at_the_source(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("held", supplier, "far") as moving:
        movers.kill(moving)
    with ExitStack() as way:
        way.enter_context(movers.databases["main"].held(busy(supplier)))
        aborting = movers.begin(supplier.id, "--abort")
        movers.waits("GRANT USAGE%", aborting)
        with movers.overtaken():
            way.close()
            assert aborting.wait() == FAILURE, aborting.tail()
            assert not movers.lets_in(supplier, "main")
    assert "may still be held" in aborting.printed() and movers.stage(supplier.id) == "restoring"
    assert movers.move(supplier.id, "--abort").returncode == 0
    assert movers.schemas(supplier) == ["main"] and is_served(supplier)


def test_who_is_overtaken_opens_nothing_at_the_target(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("switched", supplier, "far") as moving:
        movers.kill(moving)
    with ExitStack() as way:
        way.enter_context(movers.databases["far"].held(busy(supplier)))
        opening = movers.begin(supplier.id, "--to", "far")
        movers.waits("GRANT USAGE%", opening, "far")
        with movers.overtaken():
            way.close()
            movers.gives_up(opening, "far")
            assert not movers.lets_in(supplier, "far")
            opening.end(signal.SIGKILL)
    assert movers.stage(supplier.id) == "switched" and not is_served(supplier)
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_who_is_overtaken_shuts_nobody_out(movers: Movers, supplier: Supplier) -> None:
    with ExitStack() as way:
        way.enter_context(movers.databases["main"].held(busy(supplier)))
        moving = movers.begin(supplier.id, "--to", "far")
        movers.waits("REVOKE USAGE%", moving)
        with movers.overtaken():
            way.close()
            movers.gives_up(moving, "main")
            assert movers.lets_in(supplier, "main")
            moving.end(signal.SIGKILL)
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_who_is_overtaken_changes_nothing_in_the_registry(movers: Movers, supplier: Supplier) -> None:
    with movers.stuck("held", supplier, "far") as moving:
        movers.kill(moving)
    with ExitStack() as way:
        way.enter_context(
            movers.databases["main"].row_locked(f"carillon.tenant_move WHERE tenant_id = '{supplier.id}'")
        )
        aborting = movers.begin(supplier.id, "--abort")
        movers.waits("UPDATE carillon.tenant_move%", aborting)
        with movers.overtaken():
            way.close()
            assert aborting.wait() == FAILURE, aborting.tail()
    assert movers.stage(supplier.id) == "held" and not movers.lets_in(supplier, "main")
    assert movers.move(supplier.id, "--abort").returncode == 0
    assert movers.schemas(supplier) == ["main"] and is_served(supplier)


def test_who_is_overtaken_makes_no_schema(movers: Movers, supplier: Supplier) -> None:
    with ExitStack() as way:
        way.enter_context(movers.databases["far"].held(f"CREATE SCHEMA {supplier.schema}"))
        moving = movers.begin(supplier.id, "--to", "far")
        movers.waits("%CREATE SCHEMA%", moving, "far")
        with movers.overtaken():
            way.close()
            movers.gives_up(moving, "far")
            assert movers.schemas(supplier) == ["main"]
            moving.end(signal.SIGKILL)
    assert movers.move(supplier.id, "--abort").returncode == 0
    assert movers.schemas(supplier) == ["main"] and is_served(supplier)


def test_who_is_overtaken_writes_nothing_to_what_was_opened(movers: Movers, supplier: Supplier) -> None:
    assert is_served(supplier)
    there = movers.databases["far"]
    with ExitStack() as way:
        # It has compared what is before this table, and goes on to copy.
        way.enter_context(movers.databases["main"].locked(f"{supplier.schema}.inbox_item"))
        moving = movers.begin(supplier.id, "--to", "far")
        movers.waits("SELECT b.bucket%inbox_item%", moving)
        with movers.overtaken():
            mark = there.execute(f"SELECT obj_description('{supplier.schema}'::regnamespace, 'pg_namespace')")
            there.execute(f"COMMENT ON SCHEMA {supplier.schema} IS NULL")
            way.close()
            movers.gives_up(moving, "far")
            assert there.execute(f"SELECT count(*) FROM {supplier.schema}.inbox_item") == "0"
            moving.end(signal.SIGKILL)
    there.execute(f"COMMENT ON SCHEMA {supplier.schema} IS '{mark}'")
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)
