"""Octets of HTTP/2, gRPC and protobuf, made ahead of an attack so that the attacker is not what is slow.

Nothing is checked: most of what is made here is wrong on purpose.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Frame types (RFC 9113 §6).
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
# Flags.
ACK = END_STREAM = 0x1
END_HEADERS = 0x4

# Error codes (RFC 9113 §7).
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR = range(
    7
)
REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = range(7, 12)

# Settings (RFC 9113 §6.5.2).
HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 1, 3, 4, 5, 6

LARGEST_WINDOW = 2**31 - 1
LAST_STREAM = 2**31 - 1
# The largest payload that a peer with default settings takes.
FRAME_SIZE = 16384

Fields = Sequence[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", name, value) for name, value in pairs))


SETTINGS_ACK = frame(SETTINGS, ACK, 0)


def ping(payload: bytes = b"12345678", flags: int = 0) -> bytes:
    return frame(PING, flags, 0, payload)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def rst_stream(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def goaway(last: int = 0, code: int = NO_ERROR, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def priority(stream: int, depends_on: int = 0, weight: int = 15) -> bytes:
    return frame(PRIORITY, 0, stream, struct.pack(">IB", depends_on, weight))


def headers(stream: int, block: bytes, ends: bool = False, complete: bool = True) -> bytes:
    return frame(HEADERS, (END_STREAM if ends else 0) | (END_HEADERS if complete else 0), stream, block)


def continuation(stream: int, block: bytes, complete: bool = False) -> bytes:
    return frame(CONTINUATION, END_HEADERS if complete else 0, stream, block)


def data(stream: int, payload: bytes = b"", ends: bool = False) -> bytes:
    """DATA frames with the payload, none longer than a peer must take."""
    parts = [payload[at : at + FRAME_SIZE] for at in range(0, len(payload), FRAME_SIZE)] or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(DATA, END_STREAM if ends and number == last else 0, stream, part) for number, part in enumerate(parts)
    )


def pack(fields: Iterable[tuple[str, str]]) -> bytes:
    """A header block that neither uses nor changes the dynamic table: good for any stream of any connection."""
    return hpack.Encoder().encode([(name, value, True) for name, value in fields], huffman=False)


ECHO = "/carillon.testing.v1.EchoService/"
TEST = "/grpc.testing.TestService/"
TRAILERS_ONLY = "trailers"


def head(
    path: str, *extra: tuple[str, str], method: str = "POST", kind: str = "application/grpc"
) -> list[tuple[str, str]]:
    """The fields of a request; a field of `extra` takes the place of a usual one of the same name."""
    usual = [
        (":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path),
        ("content-type", kind), ("te", TRAILERS_ONLY),
    ]  # fmt: skip
    given = {name for name, _ in extra}
    return [*[one for one in usual if one[0] not in given], *extra]


def message(payload: bytes = b"", flag: int = 0, length: int | None = None) -> bytes:
    """A gRPC message with its prefix; `length` may lie."""
    return struct.pack(">BI", flag, len(payload) if length is None else length) + payload


def call(stream: int, block: bytes, body: bytes) -> bytes:
    """A whole request."""
    return headers(stream, block) + data(stream, body, ends=True)


# protobuf


def varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def tag(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)


def field(number: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return tag(number, 2) + varint(len(payload)) + payload


def number_field(number: int, value: int) -> bytes:
    return tag(number, 0) + varint(value)


def read_numbers(octets: bytes) -> dict[int, int]:
    """The varint fields of a flat message."""
    found: dict[int, int] = {}
    at = 0

    def take() -> int:
        nonlocal at
        value = shift = 0
        while True:
            octet = octets[at]
            at += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    while at < len(octets):
        key = take()
        assert key & 7 == 0, f"field {key >> 3} is no number"
        found[key >> 3] = take()
    return found


def echo(payload: bytes = b"0123456789abcdef") -> bytes:
    """An EchoRequest as a gRPC message."""
    return message(field(1, payload))
