"""Settings of connections and messages, as a client meets them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import h2.errors
import pytest
from grpc import RpcError, StatusCode
from hyperframe.frame import SettingsFrame

from harness.http2 import PREFACE, Connection, connect, frame, goaway_codes, read_to_end
from harness.interface import health, v1
from harness.refusals import Refusal, refused
from harness.server import Carillon
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


@pytest.fixture(scope="module")
def narrow(make_server: Callable[..., Carillon]) -> Iterator[Carillon]:
    """A server where each tenant has few calls at once."""
    server = make_server(
        flags=[
            "--loops", "1", "--database-connections", "1", "--worker-enabled", "false",
            "--limits-tenant-calls", str(TENANT_CALLS),
        ]
    )  # fmt: skip
    yield server.start()
    server.close()


def test_a_tenant_has_so_many_calls_at_once(narrow: Carillon) -> None:
    """Open streams count, who has too many is told when to come again, and others notice nothing of it."""
    busy, calm = suppliers = [Supplier(narrow), Supplier(narrow)]
    for supplier in suppliers:
        supplier.add_account("acme")
        supplier.add_user("dora", "acme")

    def check(supplier: Supplier) -> int:
        request = v1.CheckPreferenceRequest(user_id="dora", notification_type="invoice.created")
        return len(supplier.api.preferences.CheckPreference(request).channels)

    def refusal_of(supplier: Supplier) -> Refusal | None:
        try:
            check(supplier)
        except RpcError as error:
            return Refusal(error)
        return None

    with ExitStack() as open_watches:
        watches = [open_watches.enter_context(InboxWatch(busy.portal("dora"))) for _ in range(TENANT_CALLS)]
        for call in (
            lambda: check(busy),
            lambda: busy.portal("dora").inbox.GetCounts(v1.GetCountsRequest()),
            lambda: busy.portal("dora").inbox.WatchInbox(v1.WatchInboxRequest()),
        ):
            refusal = refused(call, StatusCode.RESOURCE_EXHAUSTED)
            assert (refusal.reason, refusal.retry_delay, refusal.pushback) == ("TOO_MANY_CALLS", 1, "1000")
        assert check(calm) == 2
        with InboxWatch(calm.portal("dora")):
            assert refused(lambda: check(busy), StatusCode.RESOURCE_EXHAUSTED).reason == "TOO_MANY_CALLS"
        watches[0].call.cancel()
        eventually(lambda: refusal_of(busy) is None, "a stream that has ended makes room", seen=lambda: refusal_of(busy))
