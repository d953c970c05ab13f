"""Who looks after all tenants has a lease: a process that stops gives it back, and one that lost it leaves the rest to others."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from harness.cluster import Cluster
from harness.interface import v1
from harness.server import Carillon, run
from harness.supplier import Supplier
from harness.waiting import eventually

# A statement that goes on for as long as a row is there. Locks would be given up after a second.
GATE = """
CREATE TABLE public.gate ();
INSERT INTO public.gate DEFAULT VALUES;
CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN WHILE EXISTS (SELECT FROM public.gate) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NULL; END $$;
CREATE TRIGGER wait BEFORE INSERT ON carillon.tenant_usage FOR EACH STATEMENT EXECUTE FUNCTION public.wait();
"""


@pytest.fixture
def server(make_server: Callable[..., Carillon], cluster: Cluster) -> Carillon:
    """In the middle of a round: it counts what is stored in the registry's database, of two."""
    server = make_server().start()
    logins = ["--database-url", server.database.serving_url, "--database-owner-url", server.database.owner_url]
    connection = f"host={cluster.folder} dbname={cluster.make_database().name}"
    added = run(server.binary, "database", "add", "second", "--connection", connection, *logins)
    assert added.returncode == 0, added.stderr
    gone, *_ = (Supplier(server, name="upkeep", database=place) for place in ("main", "main", "second"))
    server.database.execute(GATE)
    # A tenant that is to be erased at once begins a round.
    operator = server.operator().tenants
    etag = operator.GetTenant(v1.GetTenantRequest(tenant_id=gone.id)).tenant.etag
    request = v1.DeleteTenantRequest(tenant_id=gone.id, etag=etag)
    request.grace_period.seconds = 0
    operator.DeleteTenant(request)
    counting = (
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'carillon maintenance' AND wait_event = 'PgSleep'"
        " AND datname = current_database()"
    )
    eventually(lambda: server.database.execute(counting), "a round is in its middle", seen=server.running.tail)
    return server


def lease(server: Carillon) -> list[str]:
    """Who has it, and whether a round was ever done."""
    row = "SELECT coalesce(holder::text, ''), done_at IS NOT NULL FROM carillon.chore WHERE name = 'maintenance'"
    return server.database.execute(row).split("|")


def logged(server: Carillon) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]


def test_a_process_that_stops_gives_the_lease_back(server: Carillon) -> None:
    holder, _ = lease(server)
    assert holder
    server.running.send(signal.SIGTERM)
    assert server.running.wait() == 0, server.running.tail()
    # Another one need not wait for its end, and the round is still due.
    assert lease(server) == ["", "f"]


def test_a_process_that_has_lost_the_lease_ends_its_round(server: Carillon) -> None:
    other = str(uuid.uuid4())
    server.database.execute(
        f"UPDATE carillon.chore SET holder = '{other}', expires_at = now() + interval '1 hour'; DELETE FROM public.gate"
    )

    def ended() -> list[dict[str, Any]]:
        return [line for line in logged(server) if line["message"] == "maintenance could not be finished"]

    (end,) = eventually(ended, "the round is broken off", seen=server.running.tail)
    assert "another process has the lease" in end["error"]
    # What it was at is done, and nothing is begun.
    places = [line["database"] for line in logged(server) if line["message"] == "a database was looked after"]
    assert places == ["main"] and lease(server) == [other, "f"]
