"""What a person sees who points a client at the port in a wrong way, and the one line that the log has for it.

The client is told what is wrong wherever its protocol can carry words; the log tells the operator in either case, in one
line, with the peer's address and without a stack.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
import run
from harness.certificates import Authority
from harness.waiting import eventually, stays

EMPTY = "/grpc.testing.TestService/EmptyCall"
PATIENCE = 10.0


class Log:
    """The lines that the server writes from here on."""

    def __init__(self, server: run.InteropServer) -> None:
        self.server = server
        self.start = len(server.program.printed())

    @property
    def lines(self) -> list[str]:
        return self.server.program.printed()[self.start :].splitlines()

    def says_once(self, pattern: str) -> None:
        """Waits for a line that matches; it is the only one, or the same mistake was made again by the client."""
        eventually(lambda: any(re.search(pattern, line) for line in self.lines), f"a line with {pattern!r}",
                   seen=lambda: self.lines)  # fmt: skip
        stays(lambda: all(re.search(pattern, line) for line in self.lines), f"only lines with {pattern!r}", over=0.2)
        for line in self.lines:
            assert line.startswith("interop-server: connection from 127.0.0.1: "), line
            assert len(line) < 200 and "Swift" not in line and "0x" not in line, line

    def stays_silent(self) -> None:
        stays(lambda: not self.lines, f"silence; got {self.lines}", over=0.3)


def secure_channel_to(server: run.InteropServer, *own: bytes) -> grpc.Channel:
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    certificate, key = own or (None, None)
    credentials = grpc.ssl_channel_credentials(server.authority.pem, key, certificate)
    return grpc.secure_channel(f"localhost:{server.port}", credentials, options)


def call_once(server: run.InteropServer) -> None:
    with secure_channel_to(server) as channel:
        channel.unary_unary(EMPTY)(b"", timeout=PATIENCE)


@pytest.fixture
def log(interop_server: run.InteropServer) -> Log:
    return Log(interop_server)


@pytest.fixture(autouse=True)
def others_are_served(interop_server: run.InteropServer) -> Iterator[None]:
    yield
    call_once(interop_server)


def curl(
    server: run.InteropServer, *flags: str, scheme: str = "https", host: str = "localhost"
) -> subprocess.CompletedProcess[str]:
    url = f"{scheme}://{host}:{server.port}/livez"
    command = [
        "curl", "--silent", "--show-error", "--max-time", "10", "--connect-to", f"::127.0.0.1:{server.port}", *flags, url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def refused_call(channel: grpc.Channel) -> grpc.RpcError:
    """A call that does not get through, without a retry by the channel."""
    with channel, pytest.raises(grpc.RpcError) as refusal:
        channel.unary_unary(EMPTY)(b"", timeout=PATIENCE)
    assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE, refusal.value
    return refusal.value


# Without TLS


def test_plain_http1(interop_server: run.InteropServer, log: Log) -> None:
    """The browser or curl with http:// instead of https://."""
    answer = curl(interop_server, "--include", scheme="http")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("HTTP/1.1 400 Bad Request\n"), answer.stdout
    assert "This port speaks TLS: use https." in answer.stdout
    log.says_once("the peer spoke plain HTTP to the TLS port$")


def test_plain_http2(interop_server: run.InteropServer, log: Log) -> None:
    answer = curl(interop_server, "--http2-prior-knowledge", scheme="http")
    assert answer.returncode != 0
    log.says_once(r"the peer spoke plain HTTP/2 \(gRPC without TLS\) to the TLS port$")


def test_grpc_without_tls(interop_server: run.InteropServer, log: Log) -> None:
    """An insecure channel: the reason reaches the caller in the debug data of GOAWAY, where its library shows it."""
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    refused_call(grpc.insecure_channel(f"127.0.0.1:{interop_server.port}", options))
    log.says_once(r"the peer spoke plain HTTP/2 \(gRPC without TLS\) to the TLS port$")


def test_grpc_without_tls_is_told_why(interop_server: run.InteropServer, log: Log) -> None:
    with socket.create_connection(("127.0.0.1", interop_server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(4096):
                received += part
    # GOAWAY with INADEQUATE_SECURITY (0xc), then the words.
    assert received.endswith(b"\x00\x00\x00\x0cthis port speaks TLS: use a secure channel"), received
    log.says_once("gRPC without TLS")


@pytest.mark.parametrize("octets", [b"\x00" * 64, b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 200])
def test_something_else(interop_server: run.InteropServer, log: Log, octets: bytes) -> None:
    with socket.create_connection(("127.0.0.1", interop_server.port), timeout=PATIENCE) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while connection.recv(4096):
                pass
    log.says_once("the peer did not speak TLS|handshake|TLS")


def test_a_connection_that_says_nothing_is_no_line(interop_server: run.InteropServer, log: Log) -> None:
    """TCP probes of load balancers open and close: the log has nothing to say about them."""
    for _ in range(3):
        socket.create_connection(("127.0.0.1", interop_server.port), timeout=PATIENCE).close()
    log.stays_silent()


# With TLS, and something wrong in it


def handshake(server: run.InteropServer, context: ssl.SSLContext, name: str = "localhost") -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def context_for(server: run.InteropServer, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(server.authority.file))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def test_http1_over_tls(interop_server: run.InteropServer, log: Log) -> None:
    """A client that offers only http/1.1 hears why by an alert (RFC 7301 §3.2)."""
    answer = curl(interop_server, "--http1.1", "--cacert", str(interop_server.authority.file))
    assert answer.returncode != 0 and "no application protocol" in answer.stderr, answer.stderr
    log.says_once("the client offers only http/1.1 by ALPN")


def test_no_alpn(interop_server: run.InteropServer, log: Log) -> None:
    """TLS without ALPN, as old HTTP/1.1 libraries do it: told in their own language, or closed."""
    with handshake(interop_server, context_for(interop_server)) as connection:
        assert connection.selected_alpn_protocol() is None
        received = b""
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
            while part := connection.recv(4096):
                received += part
    assert b"HTTP/1.1 200" not in received
    log.says_once("ALPN")


def test_old_tls(interop_server: run.InteropServer, log: Log) -> None:
    answer = curl(
        interop_server, "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0", "--cacert",
        str(interop_server.authority.file),
    )  # fmt: skip
    assert answer.returncode != 0 and "protocol version" in answer.stderr, answer.stderr
    log.says_once("the client speaks only TLS older than 1.2")


def test_wrong_authority(interop_server: run.InteropServer, log: Log, tmp_path: Path) -> None:
    """The client does not trust the certificate: its own words, and the alert that it sends in the log."""
    answer = curl(interop_server, "--http2", "--cacert", str(Authority(tmp_path).file))
    assert answer.returncode == 60 and "certificate" in answer.stderr, answer.stderr
    log.says_once(r"the client does not trust this server's certificate: .*\(unknown_ca\)$")


def test_grpc_with_the_wrong_authority(interop_server: run.InteropServer, log: Log, tmp_path: Path) -> None:
    options = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]
    credentials = grpc.ssl_channel_credentials(Authority(tmp_path).pem)
    error = refused_call(grpc.secure_channel(f"localhost:{interop_server.port}", credentials, options))
    assert "CERTIFICATE_VERIFY_FAILED" in error.details(), error.details()
    # C-core goes without sending its alert.
    log.says_once("left within the handshake|does not trust this server's certificate")


def test_wrong_name(interop_server: run.InteropServer, log: Log) -> None:
    """The certificate is for localhost: a client that calls the server by another name notices by itself."""
    ca = str(interop_server.authority.file)
    answer = curl(interop_server, "--http2", "--cacert", ca, host="carillon.example")
    assert answer.returncode == 60 and "carillon.example" in answer.stderr, answer.stderr
    # The handshake was over before it looked at the name: to the server it left without a call.
    log.stays_silent()


# Client certificates


@pytest.fixture(scope="module")
def guarded(interop_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[run.InteropServer]:
    """A server that lets only clients of one authority in."""
    folder = tmp_path_factory.mktemp("guarded")
    clients = Authority(folder / "clients")
    with run.serving(interop_binary, folder, "--client-ca", str(clients.file)) as server:
        yield server


def test_no_client_certificate(guarded: run.InteropServer) -> None:
    log = Log(guarded)
    refused_call(secure_channel_to(guarded))
    log.says_once("the client shows no certificate, and one is required$")


def test_a_client_certificate_of_somebody_else(guarded: run.InteropServer, tmp_path: Path) -> None:
    log = Log(guarded)
    strange = Authority(tmp_path).issue("client")
    refused_call(secure_channel_to(guarded, strange.certificate.read_bytes(), strange.key.read_bytes()))
    log.says_once("the client's certificate")


# Those who do it right


@pytest.mark.parametrize("how", ["curl", "grpcio", "Go", "closed without a word"])
def test_good_clients_are_no_lines(
    interop_server: run.InteropServer, log: Log, descriptors: Path, how: str
) -> None:
    do: dict[str, Callable[[], object]] = {
        "curl": lambda: curl(interop_server, "--http2", "--cacert", str(interop_server.authority.file)),
        "grpcio": lambda: call_once(interop_server),
        # Go closes the socket without close_notify.
        "Go": lambda: buf_curl(interop_server, descriptors),
        "closed without a word": lambda: handshake(interop_server, context_for(interop_server, "h2")).close(),
    }
    for _ in range(3):
        do[how]()
    log.stays_silent()


def buf_curl(server: run.InteropServer, descriptors: Path) -> None:
    buf = Path(sys.executable).parent / "buf"
    command = [
        str(buf), "curl", "--schema", str(descriptors), "--cacert", str(server.authority.file), "--protocol", "grpc",
        f"https://localhost:{server.port}{EMPTY}",
    ]  # fmt: skip
    subprocess.run(command, capture_output=True, timeout=20, check=True)
