"""HEADERS frames and header blocks (RFC 9113 §4.3, §6.2), PRIORITY (§6.3) and CONTINUATION (§6.10)."""

from __future__ import annotations

from ..case import OK, Case, Over, answered, both, connection_error, status, stream_error
from ..wire import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FRAME_SIZE_ERROR,
    GET,
    HAS_PRIORITY,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    INTERNAL_ERROR,
    PADDED,
    POST,
    PROTOCOL_ERROR,
    block_of,
    call,
    continuation,
    data,
    frame,
    headers,
    message,
    payload,
    ping,
    priority,
    request,
    rst,
    settings,
    window_update,
)

SECTION, BLOCKS, CONTINUED = "RFC 9113 §6.2", "RFC 9113 §4.3", "RFC 9113 §6.10"
PRIORITIES, DEPENDENCIES = "RFC 9113 §6.3", "RFC 7540 §5.3.1"

BROKEN = [connection_error(PROTOCOL_ERROR)]
BLOCK = block_of(GET)
MORE = [("x-more", "1")]
UNFINISHED = headers(1, GET, end=False, complete=False)


def padded(stated: int, rest: bytes) -> bytes:
    """HEADERS that state so much padding, whatever follows."""
    return frame(HEADERS, 1, bytes([stated]) + rest, PADDED | END_STREAM | END_HEADERS)


def interrupted(id: str, title: str, octets: bytes) -> Case:
    return Case(
        f"block/{id}", f"{title} within a header block", BLOCKS, [UNFINISHED, octets, continuation(1, MORE)], BROKEN
    )


CASES = [
    Case("headers/padding", "padded HEADERS", SECTION, [headers(1, GET, pad=200)], [answered()]),
    Case("headers/padding-none", "a padding of 0 octets", SECTION, [headers(1, GET, pad=0)], [answered()]),
    Case(
        "headers/padding-too-long", "padding longer than the payload", SECTION, [padded(len(BLOCK) + 2, BLOCK)], BROKEN
    ),
    Case(
        "headers/padding-as-long-as-the-payload",
        "padding as long as the payload",
        SECTION,
        [padded(len(BLOCK) + 1, BLOCK)],
        BROKEN,
    ),
    Case(
        "headers/padding-without-length",
        "PADDED on an empty frame",
        SECTION,
        [frame(HEADERS, 1, b"", PADDED | END_HEADERS)],
        [connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)],
    ),
    Case(
        "headers/padding-and-priority",
        "padding and a priority part",
        SECTION,
        [headers(1, GET, pad=9, depends=0)],
        [answered()],
    ),
    Case("headers/priority", "a priority part", SECTION, [headers(1, GET, depends=0)], [answered()]),
    Case(
        "headers/priority-exclusive",
        "an exclusive dependency on a stream that is not there",
        SECTION,
        [headers(1, GET, depends=0x8000_0000 | 77)],
        [answered()],
    ),
    Case(
        "headers/priority-cut-off",
        "a priority part of 3 octets",
        SECTION,
        [frame(HEADERS, 1, b"\x00\x00\x00", HAS_PRIORITY | END_HEADERS | END_STREAM)],
        [connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)],
    ),
    Case(
        "headers/empty",
        "HEADERS with an empty block",
        "RFC 9113 §8.3.1",
        [headers(1, b"")],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case("headers/broken", "a block that ends within a field", BLOCKS, [headers(1, b"\x40")], [connection_error(9)]),
    Case(
        "headers/half-then-gone", "a client that leaves within a header block", BLOCKS, [UNFINISHED], [], vanishes=True
    ),
    # No other frame may come between the parts of a block.
    interrupted("priority", "PRIORITY", priority(1)),
    interrupted("headers-elsewhere", "HEADERS of another stream", headers(3, GET)),
    interrupted("headers-again", "HEADERS of the same stream", headers(1, GET)),
    interrupted("data", "DATA", data(1, b"test")),
    interrupted("settings", "SETTINGS", settings()),
    interrupted("ping", "PING", ping()),
    interrupted("window-update", "WINDOW_UPDATE", window_update(0, 1)),
    interrupted("reset", "RST_STREAM", rst(1)),
    interrupted("continuation-elsewhere", "CONTINUATION of another stream", continuation(3, MORE)),
    interrupted("continuation-zero", "CONTINUATION of stream 0", continuation(0, MORE)),
    # CONTINUATION
    Case(
        "continuation/two",
        "a block in three frames",
        CONTINUED,
        [headers(1, GET, complete=False), continuation(1, MORE, complete=False), continuation(1, MORE)],
        [answered()],
    ),
    Case(
        "continuation/all",
        "an empty HEADERS frame, then the whole block",
        CONTINUED,
        [headers(1, b"", complete=False), continuation(1, GET)],
        [answered()],
    ),
    Case(
        "continuation/cut",
        "a block cut in the middle of names and values",
        CONTINUED,
        [
            headers(1, block_of(call())[:33], end=False, complete=False),
            continuation(1, block_of(call())[33:70], complete=False),
            continuation(1, block_of(call())[70:]),
            data(1, message(payload(b"a")), end=True),
        ],
        [status(0, body=b"a")],
    ),
    Case(
        "continuation/empty",
        "an empty CONTINUATION",
        CONTINUED,
        [headers(1, GET, complete=False), continuation(1, b"")],
        [answered()],
    ),
    Case(
        "continuation/flags",
        "CONTINUATION with undefined flags",
        "RFC 9113 §4.1",
        [headers(1, GET, complete=False), frame(CONTINUATION, 1, b"", END_HEADERS | 0xFB)],
        [answered()],
    ),
    Case(
        "continuation/then-data",
        "a DATA frame after CONTINUATION without END_HEADERS",
        CONTINUED,
        [
            headers(1, POST, end=False, complete=False),
            continuation(1, MORE, complete=False),
            data(1, b"test", end=True),
        ],
        BROKEN,
    ),
    Case("continuation/zero", "CONTINUATION on stream 0", CONTINUED, [continuation(0, MORE)], BROKEN),
    Case(
        "continuation/after-end-headers",
        "CONTINUATION after END_HEADERS",
        CONTINUED,
        [headers(1, POST, end=False), continuation(1, MORE)],
        BROKEN,
    ),
    Case(
        "continuation/after-end-headers-again",
        "CONTINUATION after a CONTINUATION with END_HEADERS",
        CONTINUED,
        [headers(1, GET, complete=False), continuation(1, MORE), continuation(1, MORE)],
        BROKEN,
    ),
    Case(
        "continuation/after-data",
        "CONTINUATION after DATA",
        CONTINUED,
        [headers(1, POST, end=False), data(1, b"test"), continuation(1, MORE)],
        BROKEN,
    ),
    Case(
        "continuation/trailers",
        "trailers in two frames",
        CONTINUED,
        [headers(1, call(), end=False), data(1, message()), headers(1, MORE, complete=False), continuation(1, MORE)],
        [OK],
    ),
    Case(
        "continuation/flood",
        "a header block that does not end (CVE-2024-27316)",
        "RFC 9113 §10.5.1",
        [headers(1, GET, complete=False), *[continuation(1, b"", complete=False) * 50] * 10],
        [connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)],
    ),
    Case(
        "continuation/large-flood",
        "a header block without end whose frames are full",
        "RFC 9113 §10.5.1",
        [
            headers(1, GET, complete=False),
            *[continuation(1, request(extra=[("x-large", "y" * 16_000)])[4:], complete=False)] * 20,
        ],
        [connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, INTERNAL_ERROR)],
    ),
    Case(
        "headers/second-request",
        "requests one after the other on a connection",
        "RFC 9113 §8.1",
        [headers(1, GET), Over(1), headers(3, GET), Over(3), headers(5, GET)],
        [both(answered(stream=3), answered(stream=5))],
    ),
    Case(
        "headers/window-zero",
        "an answer's header fields need no window",
        "RFC 9113 §6.9",
        [headers(1, request("HEAD"))],
        [answered()],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
]
