"""Frames as such: format (RFC 9113 §4.1), size (§4.2) and extensions (§5.5)."""

from __future__ import annotations

from ..case import OK, Case, alive, answered, both, connection_error, seen_as, status, stream_error
from ..wire import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FRAME_SIZE,
    FRAME_SIZE_ERROR,
    GET,
    HEADERS,
    PING,
    POST,
    PRIORITY,
    PROTOCOL_ERROR,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    block_of,
    call,
    data,
    frame,
    headers,
    message,
    payload,
    pieces,
    ping,
    request,
    rst,
)

FORMAT, SIZE, EXTENSIONS = "RFC 9113 §4.1", "RFC 9113 §4.2", "RFC 9113 §5.5"

PONG = seen_as("PING answered", lambda seen: b"12345678" in seen.pongs and seen.error is None)
# A call whose body is one message and fills one frame exactly.
FULL = message(payload(b"x" * (FRAME_SIZE - 8)))
assert len(FULL) == FRAME_SIZE
TOO_LONG = [connection_error(FRAME_SIZE_ERROR)]
LONG_FIELDS = [(f"x-long-{number}", "y" * 4000) for number in range(5)]

CASES = [
    Case(
        "frames/unknown-type",
        "a frame of unknown type on the connection",
        EXTENSIONS,
        [frame(0x16, 0, bytes(8)), ping()],
        [PONG],
    ),
    Case(
        "frames/unknown-on-stream",
        "a frame of unknown type between the DATA of a call",
        EXTENSIONS,
        [
            headers(1, call(), end=False),
            frame(0xF0, 1, b"what?", flags=0xFF),
            data(1, message(payload(b"a")), end=True),
        ],
        [status(0, body=b"a")],
    ),
    Case(
        "frames/unknown-on-idle-stream",
        "a frame of unknown type on an idle stream",
        EXTENSIONS,
        [frame(0x42, 5, b"what?"), ping()],
        [PONG],
    ),
    Case(
        "frames/unknown-empty",
        "frames of many unknown types, all empty",
        EXTENSIONS,
        [b"".join(frame(kind, 0) for kind in range(0xE0, 0xF0)), ping()],
        [PONG],
    ),
    Case(
        "frames/unknown-in-block",
        "a frame of unknown type in the middle of a header block",
        EXTENSIONS,
        [headers(1, GET, complete=False), frame(0x16, 0, bytes(8))],
        [connection_error(PROTOCOL_ERROR)],
    ),
    Case("frames/ping-flags", "a PING with undefined flags", FORMAT, [ping(flags=0x16)], [PONG]),
    Case(
        "frames/headers-flags",
        "HEADERS with undefined flags",
        FORMAT,
        [frame(HEADERS, 1, block_of(GET), END_HEADERS | END_STREAM | 0xD2)],
        [answered()],
    ),
    Case(
        "frames/data-flags",
        "DATA with undefined flags",
        FORMAT,
        [headers(1, call(), end=False), frame(DATA, 1, message(payload(b"a")), END_STREAM | 0xF6)],
        [OK],
    ),
    Case("frames/reserved-bit-ping", "a PING with the reserved bit set", FORMAT, [ping(stream=0x8000_0000)], [PONG]),
    Case(
        "frames/reserved-bit-headers",
        "HEADERS with the reserved bit set",
        FORMAT,
        [frame(HEADERS, 0x8000_0001, block_of(GET), 5)],
        [answered()],
    ),
    Case(
        "frames/reserved-bit-window",
        "WINDOW_UPDATE with the reserved bit of the increment set",
        "RFC 9113 §6.9",
        [frame(WINDOW_UPDATE, 0, b"\x80\x00\x00\x01"), ping()],
        [PONG],
    ),
    Case(
        "frames/octet-by-octet",
        "a call of which each octet is a record",
        FORMAT,
        [*pieces(headers(1, call(), end=False) + data(1, message(payload(b"a")), end=True), 1)],
        [status(0, body=b"a")],
    ),
    Case(
        "frames/in-one-record",
        "twenty calls in one record",
        FORMAT,
        [b"".join(headers(one, call(), end=False) + data(one, message(), end=True) for one in range(1, 41, 2))],
        [seen_as("twenty answers", lambda seen: sum(one.grpc_status == 0 for one in seen.streams.values()) == 20)],
    ),
    Case(
        "frames/cut-off",
        "a connection that ends within a frame",
        FORMAT,
        [headers(1, call(), end=False) + data(1, FULL)[:100]],
        [],
        vanishes=True,
    ),
    Case(
        "frames/full-size", "DATA of 16384 octets", SIZE, [headers(1, call(), end=False), data(1, FULL, end=True)], [OK]
    ),
    Case(
        "frames/full-size-page",
        "DATA of 16384 octets for a page",
        SIZE,
        [headers(1, POST, end=False), data(1, bytes(FRAME_SIZE), end=True)],
        [answered()],
    ),
    Case(
        "frames/unknown-full-size",
        "16384 octets of unknown type",
        SIZE,
        [frame(0x42, 0, bytes(FRAME_SIZE)), ping()],
        [PONG],
    ),
    Case(
        "frames/data-too-long",
        "DATA of 16385 octets",
        SIZE,
        [headers(1, call(), end=False), data(1, bytes(FRAME_SIZE + 1), end=True)],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "frames/data-too-long-page",
        "DATA of 16385 octets for a page",
        SIZE,
        [headers(1, POST, end=False), data(1, bytes(FRAME_SIZE + 1), end=True)],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "frames/headers-too-long",
        "HEADERS of about 20000 octets",
        SIZE,
        [headers(1, request(extra=LONG_FIELDS))],
        TOO_LONG,
    ),
    Case(
        "frames/continuation-too-long",
        "CONTINUATION of 16385 octets",
        SIZE,
        [headers(1, GET, complete=False), frame(CONTINUATION, 1, bytes(FRAME_SIZE + 1), END_HEADERS)],
        TOO_LONG,
    ),
    Case("frames/settings-too-long", "SETTINGS of 16386 octets", SIZE, [frame(SETTINGS, 0, bytes(16_386))], TOO_LONG),
    Case(
        "frames/unknown-too-long",
        "16385 octets of unknown type",
        SIZE,
        [frame(0x42, 0, bytes(FRAME_SIZE + 1))],
        TOO_LONG,
    ),
    Case(
        "frames/length-lies",
        "a length of 16 MiB and no more than 1000 octets",
        SIZE,
        [headers(1, call(), end=False), frame(DATA, 1, bytes(1000), length=2**24 - 1)],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case("frames/ping-too-long", "a PING of 16384 octets", SIZE, [frame(PING, 0, bytes(FRAME_SIZE))], TOO_LONG),
    Case(
        "frames/rst-too-long",
        "RST_STREAM of 16384 octets",
        SIZE,
        [headers(1, GET, end=False), frame(RST_STREAM, 1, bytes(FRAME_SIZE))],
        TOO_LONG,
    ),
    Case(
        "frames/priority-too-long",
        "PRIORITY of 16384 octets",
        SIZE,
        [headers(1, call(), end=False), frame(PRIORITY, 1, bytes(FRAME_SIZE))],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "frames/empty-data",
        "empty DATA before, between and after the message",
        "RFC 9113 §6.1",
        [headers(1, call(), end=False), data(1), data(1, message()), data(1), data(1, end=True)],
        [both(OK, alive(1))],
    ),
    Case(
        "frames/reset-in-the-middle",
        "a call that is reset between two halves of its message",
        "RFC 9113 §5.1",
        [headers(1, call(), end=False), data(1, message(payload(b"abcdef"))[:7]), rst(1), ping()],
        [PONG],
    ),
]
