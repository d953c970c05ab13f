"""Whether it lives and serves: by grpc.health.v1, and by GET for probes."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable

import pytest
from grpc import StatusCode

from harness import interface
from harness.http2 import Connection, once
from harness.interface import health
from harness.refusals import refused
from harness.server import HOST, Carillon
from harness.waiting import eventually

SERVING = 1
SERVICE_UNKNOWN = 3


def test_the_whole_and_each_service_are_serving(server: Carillon) -> None:
    session = server.session()
    for name in ["", "readiness", "liveness", *interface.services]:
        status = session.health.Check(health.HealthCheckRequest(service=name)).status
        assert status == SERVING, name


def test_all_names_are_listed(server: Carillon) -> None:
    statuses = server.session().health.List(health.HealthListRequest()).statuses
    assert {name: one.status for name, one in statuses.items()} == dict.fromkeys(
        ["", "readiness", "liveness", *interface.services], SERVING
    )


def test_an_unknown_service_is_not_found(server: Carillon) -> None:
    request = health.HealthCheckRequest(service="carillon.v1.NoService")
    refused(lambda: server.session().health.Check(request), StatusCode.NOT_FOUND)


@pytest.mark.parametrize(
    ("service", "status"), [("", SERVING), ("carillon.v1.InboxService", SERVING), ("no.Service", SERVICE_UNKNOWN)]
)
def test_a_watch_says_the_status_at_once(server: Carillon, service: str, status: int) -> None:
    watch = server.session().health.Watch(health.HealthCheckRequest(service=service))
    assert next(iter(watch)).status == status
    watch.cancel()


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_answered(server: Carillon, path: str) -> None:
    answer = once(server, lambda connection: connection.request("GET", path))
    assert (answer.status, answer.grpc_status) == (200, None)
    assert answer.headers["content-type"].startswith("text/plain")
    head = once(server, lambda connection: connection.request("HEAD", path))
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_are_answered_to_curl(server: Carillon, path: str) -> None:
    command = [
        "curl", "--silent", "--show-error", "--http2", "--cacert", str(server.authority.file), "--output", "/dev/null",
        "--write-out", "%{http_version} %{http_code}", f"https://localhost:{server.port}{path}",
        "--resolve", f"localhost:{server.port}:127.0.0.1",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stdout) == (0, "2 200"), result.stderr


def test_many_requests_share_a_connection(server: Carillon) -> None:
    with Connection(server) as connection:
        for _ in range(50):
            assert connection.request("GET", "/livez").status == 200


def test_a_login_that_cannot_be_looked_at_keeps_nobody_waiting(make_server: Callable[..., Carillon]) -> None:
    server = make_server()
    with socket.create_server((HOST, 0)) as silent:
        # It takes connections and says nothing, so that a try takes its whole time.
        server.flags += [
            "--database-owner-url", f"postgresql://carillon_owner@{HOST}:{silent.getsockname()[1]}/carillon?sslmode=disable"
        ]  # fmt: skip
        server.start()
        log = eventually(lambda: text if "a login cannot be used" in (text := server.log.read_text()) else None, "it is told")
    assert log.index("the database is there") < log.index("a login cannot be used")
