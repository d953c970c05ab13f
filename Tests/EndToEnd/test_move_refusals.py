"""Who is refused a move hears why: that it would take too long, or that an earlier run has left the tenant in one, and what to do
about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.moving import Movers, furnished, is_served
from harness.supplier import Supplier

FAILURE, UNAVAILABLE = 1, 69


@pytest.fixture
def supplier(movers: Movers) -> Supplier:
    return furnished(Supplier(movers.server, name="refused"))


@contextmanager
def away(movers: Movers, database: str) -> Iterator[None]:
    """A database that the registry names where nobody is."""
    before = movers.registry(f"SELECT connection FROM carillon.database WHERE name = '{database}'")
    change = "UPDATE carillon.database SET connection = '{}' WHERE name = '" + database + "'"
    movers.registry(change.format("host=/nowhere dbname=none"))
    try:
        yield
    finally:
        movers.registry(change.format(before))


# Up to where it can be taken back, and behind that.
@pytest.mark.parametrize(
    ("stage", "consequence"),
    [("draining", "served where it was"), ("held", "its calls are refused"), ("switched", "its calls are refused")],
)
def test_a_refusal_tells_of_a_move_that_was_broken_off(
    movers: Movers, supplier: Supplier, stage: str, consequence: str
) -> None:
    with movers.stuck(stage, supplier, "far") as moving:
        movers.kill(moving)
    ways = {f"`carillon tenant move {supplier.id} --to far`", f"`carillon tenant move {supplier.id} --abort`"}

    def refuses(words: str, code: int, *arguments: str) -> None:
        result = movers.move(supplier.id, *arguments)
        assert result.returncode == code and words in result.stderr, result.stderr
        assert stage in result.stderr and consequence in result.stderr, result.stderr
        told = {way for way in ways if way in result.stderr}
        assert told == {way for way in ways if stage != "switched" or "--to" in way}, result.stderr
        assert movers.stage(supplier.id) == stage

    refuses("not to second", FAILURE, "--to", "second")
    refuses("not to nowhere", FAILURE, "--to", "nowhere")
    with movers.server.database.held("LOCK TABLE carillon.tenant_move IN SHARE UPDATE EXCLUSIVE MODE"):
        refuses("one is moved at a time", FAILURE, "--to", "far")
        refuses("one is moved at a time", FAILURE, "--abort")
    with away(movers, "far"):
        refuses("connecting failed", UNAVAILABLE, "--to", "far")
    assert movers.move(supplier.id, "--to", "far").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)


def test_foreign_keys_are_part_of_how_long_a_tenant_would_be_held(movers: Movers, supplier: Supplier) -> None:
    there = movers.databases["far"]
    # Each of them takes as long as it would with millions of readers.
    there.execute(
        "CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$ BEGIN IF current_query() LIKE '%ADD CONSTRAINT%' THEN PERFORM pg_sleep(0.3); END IF; END $$;"
        " CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.slow()"
    )
    try:
        result = movers.move(supplier.id, "--to", "far", "--hold-limit", "1")
    finally:
        there.execute("DROP EVENT TRIGGER slow; DROP FUNCTION public.slow()")
    assert result.returncode == FAILURE and "would be held for about 2 s" in result.stderr, result.stderr
    assert "held, while" not in result.stdout + result.stderr and movers.stage(supplier.id) == "copying"
    assert movers.move(supplier.id, "--to", "far", "--hold-limit", "1").returncode == 0
    assert movers.schemas(supplier) == ["far"] and is_served(supplier)
