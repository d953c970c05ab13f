"""Many small messages through one bidirectional stream, by hand: a gRPC library in Python would be the slower side."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from pathlib import Path

import hpack

from .idle import PREFACE, SETTINGS_ACK
from .server import HOST

DATA, HEADERS, SETTINGS, WINDOW_UPDATE = 0, 1, 4, 8
ACK = END_STREAM = 1
END_HEADERS = 4
MESSAGES_A_FRAME = 64
# Octets that wait to be written at most.
BACKLOG = 1 << 20


def http2_frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


class Echo:
    """One stream of messages out and the same messages back; sends as far as the windows allow."""

    def __init__(self, connection: ssl.SSLSocket, opening: bytes, message: bytes, count: int) -> None:
        self.connection = connection
        self.block = http2_frame(DATA, 0, 1, message * MESSAGES_A_FRAME)
        self.block_size = len(message) * MESSAGES_A_FRAME
        self.blocks = self.left = count // MESSAGES_A_FRAME
        self.windows = {0: 65535, 1: 65535}
        self.outgoing = bytearray(opening)
        self.incoming = b""
        self.octets = self.unreported = 0
        self.has_ended = False

    def run(self) -> None:
        self.connection.setblocking(False)
        while not self.has_ended:
            self.fill()
            wrote = self.write()
            read = self.read()
            if not wrote and not read:
                select.select([self.connection], [self.connection] if self.outgoing else [], [], 30)
        assert self.octets == self.blocks * self.block_size, f"{self.octets} octets came back"

    def fill(self) -> None:
        room = min(*self.windows.values(), BACKLOG - len(self.outgoing)) // self.block_size
        some = min(self.left, max(room, 0))
        if not some:
            return
        for stream in self.windows:
            self.windows[stream] -= some * self.block_size
        self.outgoing += self.block * some
        self.left -= some
        if not self.left:
            self.outgoing += http2_frame(DATA, END_STREAM, 1, b"")

    def write(self) -> bool:
        if not self.outgoing:
            return False
        try:
            del self.outgoing[: self.connection.send(self.outgoing)]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        return True

    def read(self) -> bool:
        try:
            part = self.connection.recv(1 << 18)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        assert part, "the server closed the connection"
        self.incoming += part
        place = 0
        while len(self.incoming) - place >= 9:
            length = int.from_bytes(self.incoming[place : place + 3], "big")
            if len(self.incoming) - place < 9 + length:
                break
            stream = int.from_bytes(self.incoming[place + 5 : place + 9], "big")
            payload = self.incoming[place + 9 : place + 9 + length]
            self.take(self.incoming[place + 3], self.incoming[place + 4], stream, payload)
            place += 9 + length
        self.incoming = self.incoming[place:]
        if self.unreported > 1 << 20:
            credit = struct.pack("!I", self.unreported)
            self.outgoing += http2_frame(WINDOW_UPDATE, 0, 0, credit) + http2_frame(WINDOW_UPDATE, 0, 1, credit)
            self.unreported = 0
        return True

    def take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == DATA:
            self.octets += len(payload)
            self.unreported += len(payload)
        elif kind == WINDOW_UPDATE:
            self.windows[stream] += int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            for place in range(0, len(payload), 6):
                name, value = struct.unpack_from("!HI", payload, place)
                if name == 4:
                    self.windows[1] += value - 65535
            self.outgoing += SETTINGS_ACK
        self.has_ended = self.has_ended or (kind in (DATA, HEADERS) and bool(flags & END_STREAM))


def echo_messages(port: int, ca: Path, path: str, message: bytes, count: int = 300_000) -> tuple[int, float]:
    """Sends messages through a stream that echoes, and returns how many and in how many seconds they came back."""
    context = ssl.create_default_context(cafile=str(ca))
    context.set_alpn_protocols(["h2"])
    head = hpack.Encoder().encode(
        [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "localhost"),
         ("content-type", "application/grpc"), ("te", "trailers")]
    )  # fmt: skip
    greatest = (1 << 31) - 1
    opening = (
        PREFACE
        + http2_frame(SETTINGS, 0, 0, struct.pack("!HI", 4, greatest))
        + http2_frame(WINDOW_UPDATE, 0, 0, struct.pack("!I", greatest - 65535))
        + http2_frame(HEADERS, END_HEADERS, 1, head)
    )
    with socket.create_connection((HOST, port), timeout=30) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            began = time.monotonic()
            echo = Echo(connection, opening, message, count)
            echo.run()
            return echo.blocks * MESSAGES_A_FRAME, time.monotonic() - began
