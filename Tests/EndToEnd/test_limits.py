"""Settings of connections and messages, as a client meets them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import h2.errors
import pytest
from grpc import StatusCode
from hyperframe.frame import SettingsFrame

from harness.http2 import PREFACE, Connection, connect, frame, goaway_codes, read_to_end
from harness.interface import health
from harness.server import Carillon

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
