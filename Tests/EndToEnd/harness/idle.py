"""Connections that are open and say nothing."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .server import HOST

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS_ACK = bytes([0, 0, 0, 4, 1, 0, 0, 0, 0])
PING = bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + b"bench..."


def resident_octets(pid: int) -> int:
    """The resident set of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"there is no VmRSS of {pid}")


@contextmanager
def hold_idle_connections(port: int, ca: Path, count: int) -> Iterator[None]:
    """Opens HTTP/2 connections, each far enough that the server has answered a PING on it."""
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    with ExitStack() as stack:
        for _ in range(count):
            plain = stack.enter_context(socket.create_connection((HOST, port), timeout=10))
            connection = stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            connection.sendall(PREFACE + EMPTY_SETTINGS + PING)
            answer = b""
            while b"bench..." not in answer:
                part = connection.recv(4096)
                assert part, "the server closed an idle connection"
                answer += part
            # The server's SETTINGS came before its PING answer.
            connection.sendall(SETTINGS_ACK)
        yield
