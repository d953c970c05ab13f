"""What is not HTTP/2 over TLS is turned away, and nobody else notices."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator

import h2.errors
import pytest
from hyperframe.frame import DataFrame, HeadersFrame, PingFrame, SettingsFrame

from harness.http2 import PREFACE, connect, goaway_codes, read_to_end, tls_context
from harness.interface import health
from harness.server import HOST, Carillon
from harness.waiting import eventually

SERVING = 1


@pytest.fixture(autouse=True)
def others_are_served(server: Carillon, channel: object) -> Iterator[None]:
    """A connection from before the test, and a new one, are served after it by the same process."""
    before = server.session(channel=channel)
    assert before.health.Check(health.HealthCheckRequest()).status == SERVING
    process = server.running.pid
    yield
    assert server.running.is_running and server.running.pid == process, server.running.tail()
    for session in (before, server.session()):
        assert session.health.Check(health.HealthCheckRequest()).status == SERVING


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 400 "),
        (PREFACE + SettingsFrame(0).serialize(), b"this port speaks TLS"),
        (b"\x00" * 4096, b""),
        (b"\xff" + os.urandom(4095), b""),
        (b"\x16\x03\x01\xff\xff" + b"\x01" * 200, b""),
    ],
    ids=["HTTP/1.1", "HTTP/2 in clear", "zeros", "noise", "a broken ClientHello"],
)
def test_what_is_not_tls_is_closed(server: Carillon, octets: bytes, words: bytes) -> None:
    """Whose language is known is told in it; nobody is served."""
    with socket.create_connection((HOST, server.port), timeout=10) as connection:
        # The server may have closed before all is sent.
        with contextlib.suppress(OSError):
            connection.sendall(octets)
            # What follows an unfinished record would be waited for.
            connection.shutdown(socket.SHUT_WR)
        received = read_to_end(connection)
    assert words in received and b" 200 " not in received
    # Others get at most an alert record (content type 21), which says nothing.
    assert words or received == b"" or received[0] == 21, received


@pytest.mark.parametrize("protocols", [["http/1.1"], ["h3", "spdy/3"], []], ids=["http/1.1", "others", "none"])
def test_without_h2_in_alpn_nothing_is_served(server: Carillon, protocols: list[str]) -> None:
    context = tls_context(server, protocols)
    try:
        connection = connect(server, context)
    except (ssl.SSLError, ConnectionError) as error:
        if protocols:
            assert "no application protocol" in str(error).lower().replace("_", " "), error
        return
    # TLS 1.3 clients hear of the refusal with their first read.
    with connection:
        try:
            connection.sendall(PREFACE + SettingsFrame(0).serialize())
        except (ssl.SSLError, ConnectionError):
            return
        received = read_to_end(connection)
        assert b" 200 " not in received
        assert received == b"" or b"HTTP/2" in received, received


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["1.0", "1.1"])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(server: Carillon, version: ssl.TLSVersion) -> None:
    context = tls_context(server)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)) as refusal:
        connect(server, context)
    # It was the server who said no.
    assert "alert" in str(refusal.value).lower() or isinstance(refusal.value, ConnectionError), refusal.value


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_present_tls_is_taken(server: Carillon, version: ssl.TLSVersion) -> None:
    context = tls_context(server)
    context.minimum_version = context.maximum_version = version
    with connect(server, context) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def test_http1_after_tls_is_closed(server: Carillon) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = read_to_end(connection)
    assert b" 200 " not in received and b"alive" not in received


def test_noise_after_the_preface_ends_the_connection(server: Carillon) -> None:
    with connect(server) as connection:
        connection.sendall(PREFACE + SettingsFrame(0).serialize() + b"\xff" * 64 + os.urandom(4096))
        received = read_to_end(connection)
    assert [code for code in goaway_codes(received) if code != h2.errors.ErrorCodes.NO_ERROR], received


def headers_frame(stream: int, block: bytes) -> bytes:
    return HeadersFrame(stream, block, flags=["END_HEADERS"]).serialize()


def oversized() -> bytes:
    """A frame longer than SETTINGS_MAX_FRAME_SIZE, by its length field alone."""
    return (0xFFFFFF).to_bytes(3, "big") + b"\x00\x00" + (1).to_bytes(4, "big") + b"x" * 1000


CONNECTION_ERRORS = {
    "DATA on an idle stream": (DataFrame(1, b"x").serialize(), {"PROTOCOL_ERROR", "STREAM_CLOSED"}),
    "a frame that is too long": (oversized(), {"FRAME_SIZE_ERROR"}),
    "a broken header block": (headers_frame(1, b"\xff\xff\xff\xff\xff\xff"), {"COMPRESSION_ERROR"}),
    "SETTINGS of a wrong length": (
        (3).to_bytes(3, "big") + b"\x04\x00" + (0).to_bytes(4, "big") + b"abc",
        {"FRAME_SIZE_ERROR"},
    ),
    "a stream of even number": (headers_frame(2, b"\x82"), {"PROTOCOL_ERROR"}),
    "a window of 0 added": (
        (4).to_bytes(3, "big") + b"\x08\x00" + (0).to_bytes(4, "big") + b"\x00" * 4,
        {"PROTOCOL_ERROR"},
    ),
    "a PING on a stream": (
        (8).to_bytes(3, "big") + b"\x06\x00" + (1).to_bytes(4, "big") + b"12345678",
        {"PROTOCOL_ERROR"},
    ),
}


@pytest.mark.parametrize("what", CONNECTION_ERRORS)
def test_a_broken_frame_ends_the_connection(server: Carillon, what: str) -> None:
    octets, codes = CONNECTION_ERRORS[what]
    with connect(server) as connection:
        connection.sendall(PREFACE + SettingsFrame(0).serialize() + octets)
        said = goaway_codes(read_to_end(connection))
    names = {h2.errors.ErrorCodes(code).name for code in said}
    assert names & codes, names


def test_a_ping_is_answered(server: Carillon) -> None:
    """What the raw frames above go through is otherwise in order."""
    with connect(server) as connection:
        connection.sendall(PREFACE + SettingsFrame(0).serialize() + PingFrame(0, b"12345678").serialize())
        received = b""
        while b"12345678" not in received:
            part = connection.recv(65536)
            assert part, f"closed after {received!r}"
            received += part
    assert goaway_codes(received) == []


def test_connections_that_vanish_leave_nothing(server: Carillon) -> None:
    descriptors = f"/proc/{server.running.pid}/fd"
    before = len(os.listdir(descriptors))
    for number in range(60):
        connection = connect(server)
        if number % 3 == 0:
            connection.sendall(PREFACE + SettingsFrame(0).serialize())
        elif number % 3 == 1:
            connection.sendall(PREFACE[:7])
        # Without a farewell, with a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
    eventually(
        lambda: len(os.listdir(descriptors)) <= before + 3, "the descriptors are given back",
        seen=lambda: (before, len(os.listdir(descriptors))),
    )  # fmt: skip
