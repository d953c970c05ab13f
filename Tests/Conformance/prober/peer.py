"""One connection to the server under test: TLS, and what is waited for on it."""

from __future__ import annotations

import itertools
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import wire
from .transcript import Transcript

PATIENCE = 5.0
"""Seconds that a server may take for anything, unless told otherwise."""

SOURCES = itertools.count(1, 2)


@dataclass(frozen=True)
class Server:
    """Where the server under test listens, and whom it is signed by."""

    host: str
    port: int
    authority: Path
    patience: float = PATIENCE

    def source(self) -> tuple[str, int] | None:
        """On this machine each connection comes from another address, as a limit for each client's address is not what
        is probed."""
        if self.host != "127.0.0.1":
            return None
        number = next(SOURCES)
        return (f"127.{number >> 16 & 0xFF | 0x40}.{number >> 8 & 0xFF}.{number & 0xFF | 1}", 0)

    def context(self, protocols: tuple[str, ...] = ("h2",)) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context

    def connect(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        plain = socket.create_connection((self.host, self.port), self.patience, self.source())
        # Each send is a record and a segment of its own, so that the server may see them one by one.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise


class Peer:
    """A connection and the transcript of what came on it. Use it in a `with` statement."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        self.seen = Transcript()
        self.patience = server.patience
        try:
            self.socket = server.connect(context)
        except ssl.SSLError as error:
            self.socket = socket.socket()
            self.seen.ending = f"TLS alert {error.reason}"

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, octets: bytes, is_barrier: bool = False) -> None:
        """Sends, and reads what comes meanwhile; nothing is sent once the server has ended the connection."""
        self.seen.sent(octets, is_barrier)
        rest = memoryview(octets)
        deadline = time.monotonic() + self.patience
        while rest and not self.seen.ending:
            if time.monotonic() > deadline:
                self.seen.ending = "the server takes nothing more"
                return
            self.socket.settimeout(0)
            try:
                rest = rest[self.socket.send(rest) :]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                readable, _, _ = select.select([self.socket], [self.socket], [], 1)
                if readable:
                    self._read()
            except OSError:
                # What the server said before it closed is still to be read.
                self.wait(lambda seen: seen.ending is not None)
                return

    def wait(self, is_done: Callable[[Transcript], bool]) -> bool:
        """Reads until something is seen; false when the connection ended or the patience did."""
        deadline = time.monotonic() + self.patience
        while not is_done(self.seen):
            left = deadline - time.monotonic()
            if self.seen.ending or left <= 0:
                return False
            self.socket.settimeout(left)
            self._read()
        return True

    def _read(self) -> None:
        try:
            octets = self.socket.recv(65_536)
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return
        except ssl.SSLEOFError:
            self.seen.ending = "cut"
        except ConnectionError:
            self.seen.ending = "reset"
        except ssl.SSLError as error:
            self.seen.ending = f"TLS alert {error.reason}"
        else:
            if octets:
                self.seen.received(octets)
            else:
                self.seen.ending = "closed"

    def shake_hands(self, settings: tuple[tuple[int, int], ...] = ()) -> bool:
        """The preface of both sides, with the acknowledgements (RFC 9113 §3.4, §6.5.3)."""
        self.send(wire.PREFACE + wire.settings(*settings))
        done = self.wait(lambda seen: seen.settings_count > 0 and seen.settings_acks > 0)
        self.send(wire.frame(wire.SETTINGS, 0, flags=wire.ACK))
        return done

    def barrier(self) -> bool:
        """Waits until the server has handled all that was sent and has sent what it may.

        SETTINGS are used, as gRPC allows no client many PINGs (gRFC A8). Two rounds, as an acknowledgement overtakes
        the DATA that waits with it; the second round ends after that DATA.
        """
        return all(self._round() for _ in range(2))

    def _round(self) -> bool:
        count = self.seen.barriers + 1
        self.send(wire.settings(), is_barrier=True)
        return self.wait(lambda seen: seen.barriers >= count)
