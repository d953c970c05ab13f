"""The octets of HTTP/2 (RFC 9113), HPACK (RFC 7541) and gRPC, right or wrong: nothing here checks what it builds."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from hpack.hpack import encode_integer
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

Fields = Sequence[tuple[str | bytes, str | bytes]]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Frame types (§6).
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

# Flags.
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20

# Settings (§6.5.2).
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)
ENABLE_CONNECT_PROTOCOL = 8
NO_RFC7540_PRIORITIES = 9

# Error codes (§7).
(
    NO_ERROR,
    PROTOCOL_ERROR,
    INTERNAL_ERROR,
    FLOW_CONTROL_ERROR,
    SETTINGS_TIMEOUT,
    STREAM_CLOSED,
    FRAME_SIZE_ERROR,
    REFUSED_STREAM,
    CANCEL,
    COMPRESSION_ERROR,
    CONNECT_ERROR,
    ENHANCE_YOUR_CALM,
    INADEQUATE_SECURITY,
    HTTP_1_1_REQUIRED,
) = range(14)
ERRORS = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)

MAX_WINDOW = 2**31 - 1
FRAME_SIZE = 2**14


def error_name(code: int) -> str:
    return ERRORS[code] if code < len(ERRORS) else f"error {code:#x}"


# Frames


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0, length: int | None = None) -> bytes:
    """Any frame; `length` may lie, and bit 31 of `stream` is the reserved one."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def data(stream: int, octets: bytes = b"", end: bool = False, pad: int | None = None) -> bytes:
    flags = END_STREAM if end else 0
    if pad is None:
        return frame(DATA, stream, octets, flags)
    return frame(DATA, stream, bytes([pad]) + octets + bytes(pad), flags | PADDED)


def headers(
    stream: int, block: bytes | Fields, end: bool = True, complete: bool = True, pad: int | None = None,
    depends: int | None = None,
) -> bytes:  # fmt: skip
    """A HEADERS frame; `complete` is END_HEADERS, `depends` adds the priority part of RFC 7540."""
    payload = block if isinstance(block, bytes) else block_of(block)
    flags = (END_STREAM if end else 0) | (END_HEADERS if complete else 0)
    if depends is not None:
        flags |= HAS_PRIORITY
        payload = struct.pack(">IB", depends, 15) + payload
    if pad is not None:
        flags |= PADDED
        payload = bytes([pad]) + payload + bytes(pad)
    return frame(HEADERS, stream, payload, flags)


def continuation(stream: int, block: bytes | Fields, complete: bool = True) -> bytes:
    payload = block if isinstance(block, bytes) else block_of(block)
    return frame(CONTINUATION, stream, payload, END_HEADERS if complete else 0)


def priority(stream: int, depends: int = 0, weight: int = 15) -> bytes:
    return frame(PRIORITY, stream, struct.pack(">IB", depends, weight))


def rst(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, stream, struct.pack(">I", code))


def settings(*values: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, b"".join(struct.pack(">HI", name, value) for name, value in values))


def ping(octets: bytes = b"12345678", stream: int = 0, flags: int = 0) -> bytes:
    return frame(PING, stream, octets, flags)


def goaway(code: int = NO_ERROR, last: int = 0, debug: bytes = b"", stream: int = 0) -> bytes:
    return frame(GOAWAY, stream, struct.pack(">II", last, code) + debug)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, stream, struct.pack(">I", increment))


# Header blocks


def octets_of(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def integer(value: int, prefix: int, pattern: int = 0) -> bytes:
    """An integer of RFC 7541 §5.1 with `pattern` in the bits before the prefix."""
    octets = encode_integer(value, prefix)
    octets[0] |= pattern
    return bytes(octets)


def string(text: str | bytes, huffman: bool = False) -> bytes:
    """A string literal (RFC 7541 §5.2)."""
    octets = octets_of(text)
    if huffman:
        octets = HUFFMAN.encode(octets)
        return integer(len(octets), 7, 0x80) + octets
    return integer(len(octets), 7) + octets


HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)

# The representations of RFC 7541 §6: bits of the pattern, and length of the index behind it.
INDEXING, PLAIN, NEVER = (0x40, 6), (0x00, 4), (0x10, 4)


def literal(name: str | bytes | int, value: str | bytes, kind: tuple[int, int] = PLAIN, huffman: bool = False) -> bytes:
    """A literal field (RFC 7541 §6.2); a number as the name is an index."""
    pattern, prefix = kind
    if isinstance(name, int):
        return integer(name, prefix, pattern) + string(value, huffman)
    return bytes([pattern]) + string(name, huffman) + string(value, huffman)


def indexed(index: int) -> bytes:
    """An indexed field (RFC 7541 §6.1)."""
    return integer(index, 7, 0x80)


def table_size(size: int) -> bytes:
    """A dynamic table size update (RFC 7541 §6.3)."""
    return integer(size, 5, 0x20)


def block_of(fields: Fields) -> bytes:
    """A header block that neither needs nor changes a dynamic table."""
    return b"".join(literal(name, value) for name, value in fields)


# Requests


def request(
    method: str = "GET", path: str = "/", scheme: str = "https", authority: str = "localhost", extra: Fields = ()
) -> list[tuple[str | bytes, str | bytes]]:
    return [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority), *extra]


def without(fields: Fields, *names: str) -> list[tuple[str | bytes, str | bytes]]:
    return [one for one in fields if one[0] not in names]


def replaced(fields: Fields, name: str, value: str | bytes) -> list[tuple[str | bytes, str | bytes]]:
    return [(one, value if one == name else was) for one, was in fields]


GET = request()
POST = request("POST")

# Our own test service, whose messages are `bytes payload = 1`, and that of the interop tests.
ECHO = "/carillon.testing.v1.EchoService"
INLINE, ASYNC, STREAM, HANG = f"{ECHO}/Inline", f"{ECHO}/Async", f"{ECHO}/Stream", f"{ECHO}/Hang"
INTEROP = "/grpc.testing.TestService"


def call(path: str = INLINE, extra: Fields = (), content_type: str = "application/grpc"):
    """The header fields of a gRPC call."""
    return request("POST", path, extra=[("content-type", content_type), ("te", "trailers"), *extra])


def message(octets: bytes = b"", flag: int = 0, length: int | None = None) -> bytes:
    """A gRPC message with its prefix; `length` may lie."""
    return struct.pack(">BI", flag, len(octets) if length is None else length) + octets


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message: octets (string, bytes, message) or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def payload(octets: bytes) -> bytes:
    """An EchoRequest or EchoResponse."""
    return field(1, octets)


def varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def pieces(octets: bytes, size: int) -> Iterable[bytes]:
    return (octets[start : start + size] for start in range(0, len(octets), size))
