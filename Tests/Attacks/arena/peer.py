"""One HTTP/2 connection by hand: sends any octets at full speed, and keeps account of what comes back."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
from collections import Counter, defaultdict
from pathlib import Path

import hpack

from . import frames

HOST = "127.0.0.1"
# The good clients come from another address than the attackers, as they would. Linux has all of 127.0.0.0/8.
CUSTOMER = "127.0.0.2"
# Lets many connections from one address share a port where their other ends differ (Linux, bind(2)).
IP_BIND_ADDRESS_NO_PORT = 24
PATIENCE = 10.0
DEFAULT_WINDOW = 65535


class TurnedAway(Exception):
    """The server let no connection come about: refused, closed or reset before HTTP/2 was agreed on."""


class Answer:
    """What came on one stream."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.octets = 0
        self.body = b""
        self.ended = False
        self.reset: int | None = None

    @property
    def is_over(self) -> bool:
        return self.ended or self.reset is not None

    @property
    def status(self) -> int | None:
        """The gRPC status."""
        text = self.fields.get("grpc-status")
        return None if text is None else int(text)

    def __repr__(self) -> str:
        return f"<{self.fields} {self.octets} octets, ended {self.ended}, reset {self.reset}>"


def tls(authority: Path, protocols: tuple[str, ...] = ("h2",)) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def dial(port: int, source: str = CUSTOMER, receive_buffer: int = 0) -> socket.socket:
    """A TCP connection from the given address."""
    plain = socket.socket()
    try:
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        with contextlib.suppress(OSError):
            plain.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        plain.bind((source, 0))
        plain.settimeout(PATIENCE)
        plain.connect((HOST, port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain
    except OSError as error:
        plain.close()
        raise TurnedAway(str(error)) from error


def ready(connection: socket.socket, events: int, within: float) -> int:
    """What of the events holds within that time. Unlike select(2), poll(2) takes any number of descriptors."""
    poll = select.poll()
    poll.register(connection, events)
    return next((found for _, found in poll.poll(within * 1000)), 0)


class Peer:
    """A connection on which the preface was sent. What the server says is read when something is sent or waited for.

    Header blocks are only kept, and decoded if `decodes` is set: decoding costs an attacker more than all the rest.
    What is waited for may take so many times longer as `slowness` says.
    """

    def __init__(
        self, port: int, context: ssl.SSLContext, *, source: str = CUSTOMER, greeting: bytes = b"", reads: bool = True,
        decodes: bool = False, acknowledges: bool = True, receive_buffer: int = 0, name: str | None = "localhost",
        slowness: float = 1.0,
    ) -> None:  # fmt: skip
        plain = dial(port, source, receive_buffer)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=name)
        except (OSError, ssl.SSLError) as error:
            plain.close()
            raise TurnedAway(str(error)) from error
        self.socket.setblocking(False)
        self.reads = reads
        self.acknowledges = acknowledges
        self.slowness = slowness
        self.decoder = hpack.Decoder() if decodes else None
        self.born = time.monotonic()
        self.died: float | None = None
        self.end = ""
        self.buffer = b""
        self.owed = b""
        self.is_sending = False
        self.kinds: Counter[int] = Counter()
        self.resets: Counter[int] = Counter()
        self.goaways: list[tuple[int, int, bytes]] = []
        self.answers: defaultdict[int, Answer] = defaultdict(Answer)
        self.over = 0
        self.settings: dict[int, int] = {}
        # Octets of DATA that the server has let us send beyond the initial windows, and that were sent, by stream.
        self.granted: Counter[int] = Counter()
        self.spent: Counter[int] = Counter()
        # The connection's own window is never what is short: nobody here counts what was received.
        window = frames.window_update(0, 2**30)
        self.send(frames.PREFACE + (greeting or frames.settings()) + window)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return self.died is None

    @property
    def life(self) -> float:
        """Seconds that the connection lived or has lived."""
        return (self.died or time.monotonic()) - self.born

    @property
    def code(self) -> int | None:
        """The error code of the last GOAWAY."""
        return self.goaways[-1][1] if self.goaways else None

    def close(self) -> None:
        self.is_over("closed by us")
        self.socket.close()

    def reset(self) -> None:
        """Leaves without a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def is_over(self, how: str) -> None:
        if self.died is None:
            self.died = time.monotonic()
            self.end = how

    # Sending

    def send(self, octets: bytes, within: float = PATIENCE) -> bool:
        """Sends all of it, reading meanwhile; false when the server has ended the connection or takes nothing."""
        self.is_sending = True
        done = self.send_all(octets, within)
        self.is_sending = False
        self.say(b"")
        return done and self.is_open

    def send_all(self, octets: bytes, within: float) -> bool:
        rest = memoryview(octets)
        last = time.monotonic() + within
        while rest:
            if not self.is_open:
                return False
            try:
                rest = rest[self.socket.send(rest[:65536]) :]
                if self.reads and ready(self.socket, select.POLLIN, 0):
                    self.drain()
                continue
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                pass
            except (OSError, ssl.SSLError) as error:
                self.drain()
                self.is_over(type(error).__name__)
                return False
            if time.monotonic() > last:
                return False
            if ready(self.socket, (select.POLLIN if self.reads else 0) | select.POLLOUT, 0.2) & select.POLLIN:
                self.drain()
        return True

    def room(self, stream: int) -> int:
        """Octets of DATA that may be sent on a stream now (RFC 9113 §5.2)."""
        initial = self.settings.get(frames.INITIAL_WINDOW_SIZE, DEFAULT_WINDOW)
        return min(
            initial + self.granted[stream] - self.spent[stream], DEFAULT_WINDOW + self.granted[0] - self.spent[0]
        )

    def send_body(self, stream: int, octets: bytes, ends: bool = False, within: float = 1.0) -> int:
        """Sends DATA as flow control lets, and gives up when it let none for that time; how much was sent."""
        sent = 0
        while sent < len(octets):
            may_go_on = self.wait(lambda: self.room(stream) > 0 or self.answers[stream].is_over, within)
            if not may_go_on or not self.is_open or self.answers[stream].is_over:
                break
            part = octets[sent : sent + min(self.room(stream), frames.FRAME_SIZE)]
            sent += len(part)
            self.spent[0] += len(part)
            self.spent[stream] += len(part)
            if not self.send(frames.data(stream, part, ends and sent == len(octets))):
                break
        return sent

    def finish_sending(self) -> None:
        """Half-closes TCP, without a word in TLS."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    # Receiving

    def drain(self) -> None:
        """Reads what is there."""
        try:
            while True:
                part = self.socket.recv(65536)
                if not part:
                    self.is_over("closed")
                    break
                self.take(part)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            pass
        except (OSError, ssl.SSLError, ValueError) as error:
            self.is_over(type(error).__name__)

    def wait(self, done, within: float = PATIENCE) -> bool:
        """Reads until `done()` or the end of the connection or of the time; what `done()` says then."""
        last = time.monotonic() + within * self.slowness
        self.drain()
        while not done() and self.is_open:
            left = last - time.monotonic()
            if left <= 0:
                break
            ready(self.socket, select.POLLIN, min(left, 0.2))
            self.drain()
        return bool(done())

    def wait_end(self, within: float = PATIENCE) -> bool:
        """Whether the server ends the connection in that time."""
        self.wait(lambda: not self.is_open, within)
        return not self.is_open

    def wait_answer(self, stream: int, within: float = PATIENCE) -> Answer:
        self.wait(lambda: self.answers[stream].is_over, within)
        return self.answers[stream]

    def call(self, stream: int, fields: frames.Fields, body: bytes, within: float = PATIENCE) -> Answer:
        self.send(frames.call(stream, frames.pack(fields), body))
        return self.wait_answer(stream, within)

    def take(self, part: bytes) -> None:
        buffer = self.buffer + part
        at = 0
        size = len(buffer)
        while size - at >= 9:
            length = int.from_bytes(buffer[at : at + 3], "big")
            if size - at < 9 + length:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self.kinds[kind] += 1
            self.take_frame(kind, flags, stream, buffer[at + 9 : at + 9 + length])
            at += 9 + length
        self.buffer = buffer[at:]

    def take_frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind in (frames.HEADERS, frames.DATA):
            answer = self.answers[stream]
            if kind == frames.DATA:
                answer.octets += len(payload)
                if len(answer.body) < 65536:
                    answer.body += payload
            elif self.decoder:
                answer.fields.update(self.decoder.decode(payload))
            if flags & frames.END_STREAM and not answer.ended:
                answer.ended = True
                self.over += 1
        elif kind == frames.RST_STREAM:
            code = int.from_bytes(payload, "big")
            self.resets[code] += 1
            self.answers[stream].reset = code
        elif kind == frames.WINDOW_UPDATE:
            self.granted[stream] += int.from_bytes(payload, "big")
        elif kind == frames.GOAWAY:
            self.goaways.append((*struct.unpack(">II", payload[:8]), payload[8:]))
        elif kind == frames.SETTINGS and not flags & frames.ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack_from(">HI", payload, at)
                self.settings[name] = value
            if self.acknowledges:
                self.say(frames.SETTINGS_ACK)
        elif kind == frames.PING and not flags & frames.ACK and self.acknowledges:
            self.say(frames.ping(payload, frames.ACK))

    def say(self, octets: bytes) -> None:
        """Sends something small if there is room; between frames, hence not while something else is being sent."""
        self.owed += octets
        if self.owed and not self.is_sending and self.is_open:
            with contextlib.suppress(OSError, ssl.SSLError):
                self.owed = self.owed[self.socket.send(self.owed) :]
