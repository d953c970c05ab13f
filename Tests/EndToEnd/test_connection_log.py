"""Who comes with the wrong protocol leaves a line in the log that says what was wrong; many of a kind leave a few."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from hyperframe.frame import SettingsFrame

from harness.certificates import Authority, Certificate
from harness.http2 import PREFACE, connect, read_to_end, tls_context
from harness.interface import health
from harness.server import HOST, Carillon
from harness.waiting import eventually

FAILED, MORE = "a connection failed", "more connections failed in the same way"


@pytest.fixture
def start(make_server: Callable[..., Carillon]) -> Iterator[Callable[..., Carillon]]:
    """Starts a small server, whose log holds nothing but what the test makes of it."""
    started: list[Carillon] = []

    def make(*flags: str, certificate: Certificate | None = None) -> Carillon:
        server = make_server(flags=["--loops", "1", "--database-connections", "1", "--worker-enabled", "false", *flags])
        server.certificate = certificate or server.certificate
        started.append(server.start())
        return server

    yield make
    # There are many of them, and one database.
    for server in started:
        server.close()


@pytest.fixture
def listening(start: Callable[..., Carillon]) -> Carillon:
    return start()


def lines(server: Carillon, message: str = FAILED) -> list[dict[str, Any]]:
    """The lines about connections; that each is one object shows that no stack or other text is among them."""
    entries = [json.loads(line) for line in server.logged().splitlines()]
    return [entry for entry in entries if entry["message"] == message]


def the_line(server: Carillon, kind: str) -> dict[str, Any]:
    """The only line, which is of this kind, and holds nothing but what belongs there."""
    eventually(lambda: lines(server), "there is a line", seen=server.logged)
    (line,) = lines(server)
    assert (line["kind"], line["peer"]) == (kind, HOST), line
    assert set(line) == {"time", "level", "message", "kind", "peer", "reason"}
    assert line["level"] in ("info", "notice")
    return line


def say(server: Carillon, octets: bytes) -> bytes:
    """Sends octets without TLS; what comes back."""
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        # The server may have closed before all is sent.
        with contextlib.suppress(OSError):
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
        return read_to_end(connection)


def refuses(context: ssl.SSLContext, server: Carillon) -> None:
    """Connects and expects that the handshake fails on either side."""
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        with connect(server, context) as connection:
            read_to_end(connection)


def grpc_fails(server: Carillon, channel: grpc.Channel) -> None:
    with channel, pytest.raises(grpc.RpcError) as error:
        calls = health.HealthClient(channel)
        calls.Check(health.HealthCheckRequest(), timeout=5)
    assert error.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def curl(server: Carillon, *arguments: str) -> int:
    command = ["curl", "--silent", "--max-time", "10", "--resolve", f"localhost:{server.port}:{HOST}", *arguments]
    return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode


def test_http1_in_clear(listening: Carillon) -> None:
    say(listening, b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert "plain HTTP" in the_line(listening, "not_tls")["reason"]


def test_curl_in_clear(listening: Carillon) -> None:
    curl(listening, f"http://localhost:{listening.port}/livez")
    assert "plain HTTP" in the_line(listening, "not_tls")["reason"]


def test_grpc_in_clear(listening: Carillon) -> None:
    say(listening, PREFACE + SettingsFrame(0).serialize())
    assert "without TLS" in the_line(listening, "not_tls")["reason"]


def test_an_insecure_channel(listening: Carillon) -> None:
    grpc_fails(listening, grpc.insecure_channel(listening.address))
    # grpcio may have tried more than once.
    eventually(lambda: lines(listening), "there is a line")
    assert {line["kind"] for line in lines(listening)} == {"not_tls"}
    assert "without TLS" in lines(listening)[0]["reason"]


def test_tls_without_alpn(listening: Carillon) -> None:
    refuses(tls_context(listening, []), listening)
    assert "ALPN" in the_line(listening, "no_alpn_h2")["reason"]


def test_alpn_of_http1_only(listening: Carillon) -> None:
    refuses(tls_context(listening, ["http/1.1"]), listening)
    reason = the_line(listening, "no_alpn_h2")["reason"]
    assert "http/1.1" in reason and "h2" in reason


def test_curl_with_http1_only(listening: Carillon) -> None:
    trust = ["--cacert", str(listening.authority.file)]
    assert curl(listening, "--http1.1", *trust, f"https://localhost:{listening.port}/livez") != 0
    assert "http/1.1" in the_line(listening, "no_alpn_h2")["reason"]


def test_http1_within_tls(listening: Carillon) -> None:
    with connect(listening) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        read_to_end(connection)
    assert "HTTP/2" in the_line(listening, "not_http2")["reason"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls(listening: Carillon) -> None:
    context = tls_context(listening)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    refuses(context, listening)
    assert "1.2" in the_line(listening, "old_tls")["reason"]


def test_a_client_that_does_not_know_the_authority(listening: Carillon, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    context = ssl.create_default_context(cafile=str(stranger.file))
    context.set_alpn_protocols(["h2"])
    refuses(context, listening)
    assert "does not trust" in the_line(listening, "certificate_rejected")["reason"]


def test_curl_that_does_not_know_the_authority(listening: Carillon, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    assert curl(listening, "--cacert", str(stranger.file), f"https://localhost:{listening.port}/livez") == 60
    assert "does not trust" in the_line(listening, "certificate_rejected")["reason"]


def test_grpcio_that_does_not_know_the_authority(listening: Carillon, tmp_path: Path) -> None:
    """It leaves without an alert, and tries again."""
    stranger = Authority(tmp_path / "stranger")
    grpc_fails(listening, grpc.secure_channel(listening.address, grpc.ssl_channel_credentials(stranger.pem)))
    eventually(lambda: lines(listening), "there is a line")
    assert {line["kind"] for line in lines(listening)} == {"certificate_rejected"}
    assert "may not trust" in lines(listening)[0]["reason"]


def test_a_look_at_the_port_is_no_line(listening: Carillon) -> None:
    socket.create_connection((HOST, listening.port), timeout=10).close()
    refuses(tls_context(listening, ["http/1.1"]), listening)
    the_line(listening, "no_alpn_h2")


def test_an_expired_certificate(start: Callable[..., Carillon], authority: Authority) -> None:
    server = start(certificate=authority.issue("expired", expired=True))
    refuses(tls_context(server), server)
    assert "expired" in the_line(server, "certificate_rejected")["reason"]


def test_a_scan_does_not_fill_the_log(listening: Carillon) -> None:
    for _ in range(60):
        say(listening, b"GET / HTTP/1.1\r\n\r\n")
        say(listening, b"\x00\x01\x02\x03\x04\x05\x06\x07")
        refuses(tls_context(listening, ["http/1.1"]), listening)
    with connect(listening) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_to_end(connection)
    # Another kind has lines of its own.
    eventually(lambda: [line for line in lines(listening) if line["kind"] == "not_http2"], "the last line is there")
    kinds = [line["kind"] for line in lines(listening)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"not_tls": 5, "no_alpn_h2": 5, "not_http2": 1}
    # At the end nothing is lost.
    listening.running.send(signal.SIGTERM)
    assert listening.running.wait(15) == 0
    counted = {line["kind"]: line["suppressed"] for line in lines(listening, MORE)}
    assert counted == {"not_tls": 115, "no_alpn_h2": 55}


# MARK: Certificates of clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("clients"))


@pytest.fixture
def asking(start: Callable[..., Carillon], clients: Authority) -> Carillon:
    """A server that lets in nobody without a certificate."""
    return start("--tls-client-ca", str(clients.file))


def showing(server: Carillon, certificate: Certificate | None) -> ssl.SSLContext:
    context = tls_context(server)
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)
    return context


SPIFFE = "spiffe://portal.example/ns/billing/sa/invoices"


def test_a_good_certificate_is_let_in(asking: Carillon, clients: Authority, binary: Path) -> None:
    good = clients.issue_client("good", SPIFFE)
    credentials = grpc.ssl_channel_credentials(
        asking.authority.pem, good.key.read_bytes(), good.certificate.read_bytes()
    )
    with grpc.secure_channel(asking.address, credentials) as channel:
        assert health.HealthClient(channel).Check(health.HealthCheckRequest(), timeout=10).status == 1
    command = [str(binary), "health", "--address", asking.address, "--ca", str(asking.authority.file)]
    own = ["--client-certificate", str(good.certificate), "--client-key", str(good.key)]
    assert subprocess.run([*command, *own], capture_output=True, timeout=20, check=False).returncode == 0
    assert lines(asking) == []
    without = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert without.returncode == 69 and "certificate" in without.stderr
    the_line(asking, "client_certificate")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda clients, _: None, "no certificate"),
        (lambda clients, _: clients.issue_client("late", SPIFFE, expired=True), "expired"),
        (lambda clients, _: clients.issue_client("two", SPIFFE, "spiffe://portal.example/other"), "SPIFFE"),
        (lambda clients, _: clients.issue_client("web", "https://portal.example/"), "SPIFFE"),
        (lambda _, stranger: stranger.issue_client("stranger", SPIFFE), "trusted"),
    ],
    ids=["none", "expired", "two ids", "no SPIFFE id", "of a stranger"],
)
def test_other_certificates_are_refused(
    asking: Carillon, clients: Authority, tmp_path: Path, make: Callable[..., Certificate | None], words: str
) -> None:
    refuses(showing(asking, make(clients, Authority(tmp_path / "stranger"))), asking)
    line = the_line(asking, "client_certificate")
    assert words.lower() in line["reason"].lower(), line


def test_a_certificate_may_be_optional(start: Callable[..., Carillon], clients: Authority) -> None:
    server = start("--tls-client-ca", str(clients.file), "--tls-client-certificates", "optional")
    for certificate in (None, clients.issue_client("good", SPIFFE)):
        with connect(server, showing(server, certificate)) as connection:
            assert connection.selected_alpn_protocol() == "h2"
    refuses(showing(server, clients.issue_client("late", SPIFFE, expired=True)), server)
    assert "expired" in the_line(server, "client_certificate")["reason"]


# MARK: Renewal


@pytest.fixture
def renewable(start: Callable[..., Carillon], authority: Authority) -> Carillon:
    return start(certificate=authority.issue("renewed"))


def serial(server: Carillon) -> str:
    with connect(server) as connection:
        shown = connection.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])


def test_a_renewed_certificate_is_taken_without_a_restart(renewable: Carillon, authority: Authority) -> None:
    before, process = serial(renewable), renewable.running.pid
    with connect(renewable) as old:
        old.sendall(PREFACE + SettingsFrame(0).serialize())
        assert old.recv(65536)
        # The same files, as a Secret that is mounted would be.
        authority.issue("renewed")
        eventually(lambda: serial(renewable) != before, "the new certificate is shown", within=60)
        # Who was there stays.
        old.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            assert old.recv(65536)
    assert renewable.running.pid == process and renewable.running.is_running
    assert "new TLS files are in use" in renewable.logged()


def test_a_broken_renewal_changes_nothing(renewable: Carillon) -> None:
    before = serial(renewable)
    renewable.certificate.certificate.write_text("no certificate")
    eventually(lambda: "cannot be used, the old ones stay" in renewable.logged(), "it is said", within=60)
    assert serial(renewable) == before
