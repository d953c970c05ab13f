"""Settings of connections and messages, as a client meets them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack

import h2.errors
import pytest
from grpc import RpcError, StatusCode
from hyperframe.frame import SettingsFrame

from harness.http2 import PREFACE, Connection, connect, frame, goaway_codes, read_to_end
from harness.interface import health, v1
from harness.refusals import Refusal, refused
from harness.server import Carillon, Session
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

AGE = 10


@pytest.fixture(scope="module")
def limited(make_server: Callable[..., Carillon]) -> Iterator[Carillon]:
    """A small server with limits that can be met."""
    server = make_server(
        flags=[
            "--loops", "1", "--database-connections", "1", "--worker-enabled", "false",
            "--connection-max-age", str(AGE), "--connection-max-age-grace", "1",
            "--limits-concurrent-streams", "7", "--limits-message-size", "1024",
        ]
    )  # fmt: skip
    yield server.start()
    server.close()


def test_a_connection_has_an_age(limited: Carillon) -> None:
    """The client is asked to go, and nothing else of it is wrong."""
    begun = time.monotonic()
    with connect(limited) as connection:
        connection.sendall(PREFACE + SettingsFrame(0).serialize() + SettingsFrame(0, flags=["ACK"]).serialize())
        received = b""
        connection.settimeout(AGE * 2)
        while not goaway_codes(received):
            part = connection.recv(65536)
            assert part, f"closed without a word: {received!r}"
            received += part
        took = time.monotonic() - begun
        assert set(goaway_codes(received + read_to_end(connection))) == {h2.errors.ErrorCodes.NO_ERROR}
    # Give or take a tenth.
    assert AGE * 0.85 <= took <= AGE * 1.5


def test_a_message_has_a_size(limited: Carillon) -> None:
    request = health.HealthCheckRequest(service="x" * 1000)
    with Connection(limited) as connection:
        path = "/grpc.health.v1.Health/Check"
        fits = connection.call(path, frame(request.SerializeToString()))
        assert fits.grpc_status == StatusCode.NOT_FOUND.value[0]
        request.service += "x" * 100
        answer = connection.call(path, frame(request.SerializeToString()))
        assert answer.grpc_status == StatusCode.RESOURCE_EXHAUSTED.value[0]


def test_a_connection_has_so_many_streams(limited: Carillon) -> None:
    with Connection(limited) as connection:
        assert connection.request("GET", "/livez").status == 200
        assert connection.http.remote_settings.max_concurrent_streams == 7


TENANT_CALLS = 3
TENANT_STREAMS = 3


@pytest.fixture(scope="module")
def narrow(make_server: Callable[..., Carillon]) -> Iterator[Carillon]:
    """A server of two loops where each tenant has few calls and few streams at once."""
    server = make_server(
        flags=[
            "--loops", "2", "--database-connections", "2", "--worker-enabled", "false",
            "--limits-tenant-calls", str(TENANT_CALLS), "--limits-tenant-streams", str(TENANT_STREAMS),
        ]
    )  # fmt: skip
    yield server.start()
    server.close()


@pytest.fixture
def suppliers(narrow: Carillon) -> list[Supplier]:
    """Two that have nothing in common but the server."""
    made = [Supplier(narrow), Supplier(narrow)]
    for supplier in made:
        supplier.add_account("acme")
        supplier.add_user("dora", "acme")
    return made


def check(supplier: Supplier) -> int:
    request = v1.CheckPreferenceRequest(user_id="dora", notification_type="invoice.created")
    return len(supplier.api.preferences.CheckPreference(request).channels)


def browser(supplier: Supplier) -> Session:
    """What a portal user speaks with, on a connection of its own: they are spread over the loops."""
    return supplier.server.session(supplier.signer.token("dora"))


def test_a_tenant_has_so_many_streams_over_all_loops(suppliers: list[Supplier]) -> None:
    """Who has too many is told when to come again; its calls, and others, notice nothing of it."""
    busy, calm = suppliers

    with ExitStack() as open_watches:
        watches = [open_watches.enter_context(InboxWatch(browser(busy))) for _ in range(TENANT_STREAMS)]
        for _ in range(3):
            session = browser(busy)
            refusal = refused(lambda: session.inbox.WatchInbox(v1.WatchInboxRequest()), StatusCode.RESOURCE_EXHAUSTED)
            assert (refusal.reason, refusal.retry_delay, refusal.pushback) == ("TOO_MANY_STREAMS", 5, "5000")
            session.inbox.GetCounts(v1.GetCountsRequest())
        assert check(busy) == 2
        assert busy.publish("invoice.created").event_id
        with InboxWatch(browser(calm)):
            watches[0].call.cancel()
            session = browser(busy)

            def has_room() -> bool:
                call = session.inbox.WatchInbox(v1.WatchInboxRequest(), timeout=60)
                try:
                    return next(call).HasField("counts")
                except RpcError as error:
                    assert Refusal(error).reason == "TOO_MANY_STREAMS"
                    return False
                finally:
                    call.cancel()

            eventually(has_room, "a stream that has ended makes room")


def test_a_portal_has_so_many_calls_over_all_loops(narrow: Carillon, suppliers: list[Supplier]) -> None:
    """Calls that wait for the database fill the portal's places, and leave the supplier's own alone."""
    busy, calm = suppliers
    sessions = [browser(busy) for _ in range(TENANT_CALLS + 1)]
    for session in [*sessions, browser(calm)]:
        session.inbox.GetCounts(v1.GetCountsRequest())
    request = v1.GetCountsRequest()
    with ThreadPoolExecutor(len(sessions)) as pool:
        with narrow.database.locked(f"{busy.schema}.inbox_counter"):
            calls = [pool.submit(session.inbox.GetCounts, request) for session in sessions]
            # The others wait for the lock, though not for long: the server has a patience of its own.
            first = next(as_completed(calls))
            refusal = refused(first.result, StatusCode.RESOURCE_EXHAUSTED)
            assert (refusal.reason, refusal.retry_delay, refusal.pushback) == ("TOO_MANY_CALLS", 1, "1000")
            assert check(busy) == 2
            assert not browser(calm).inbox.GetCounts(request).counts.total
        wait(calls)
    for session in sessions:
        session.inbox.GetCounts(request)
