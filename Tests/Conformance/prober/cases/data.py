"""DATA frames and their padding (RFC 9113 §6.1)."""

from __future__ import annotations

from ..case import OK, Case, connection_error, status, stream_error
from ..wire import (
    DATA,
    END_STREAM,
    FRAME_SIZE_ERROR,
    PADDED,
    POST,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    call,
    data,
    frame,
    headers,
    message,
    payload,
)

SECTION = "RFC 9113 §6.1"

OPEN = headers(1, call(), end=False)
BROKEN = [connection_error(PROTOCOL_ERROR)]
WHOLE = message(payload(b"abc"))


def padded(stated: int, rest: bytes) -> bytes:
    """DATA that states so much padding, whatever follows."""
    return frame(DATA, 1, bytes([stated]) + rest, PADDED | END_STREAM)


CASES = [
    Case("data/stream-zero", "DATA on stream 0", SECTION, [data(0, b"test", end=True)], BROKEN),
    Case(
        "data/padding-as-long-as-the-payload",
        "padding as long as the payload",
        SECTION,
        [OPEN, padded(5, b"test")],
        BROKEN,
    ),
    Case("data/padding-longer", "padding longer than the payload", SECTION, [OPEN, padded(6, b"test")], BROKEN),
    Case(
        "data/padding-longer-page",
        "padding longer than the payload, for a page",
        SECTION,
        [headers(1, POST, end=False), padded(6, b"test")],
        BROKEN,
    ),
    Case(
        "data/padding-without-length",
        "PADDED on an empty frame",
        SECTION,
        [OPEN, frame(DATA, 1, b"", PADDED)],
        [connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)],
    ),
    Case(
        "data/padding-none",
        "a padding of 0 octets",
        SECTION,
        [OPEN, data(1, WHOLE, end=True, pad=0)],
        [status(0, body=b"abc")],
    ),
    Case(
        "data/padding-most",
        "a padding of 255 octets",
        SECTION,
        [OPEN, data(1, WHOLE, end=True, pad=255)],
        [status(0, body=b"abc")],
    ),
    Case(
        "data/padding-only",
        "nothing but padding",
        SECTION,
        [OPEN, data(1, pad=255), data(1, WHOLE, end=True)],
        [status(0, body=b"abc")],
    ),
    Case(
        "data/padding-whole-frame",
        "padding that fills the rest of the frame exactly",
        SECTION,
        [OPEN, data(1, WHOLE), padded(10, bytes(10))],
        [status(0, body=b"abc")],
    ),
    Case(
        "data/padding-not-zero",
        "padding of octets that are not 0",
        SECTION,
        [OPEN, padded(4, WHOLE + b"\xff" * 4)],
        [status(0, body=b"abc"), connection_error(PROTOCOL_ERROR)],
    ),
    Case(
        "data/padding-in-pieces",
        "a message in single octets, each padded",
        SECTION,
        [OPEN, b"".join(data(1, bytes([one]), pad=one % 7) for one in WHOLE), data(1, end=True, pad=3)],
        [status(0, body=b"abc")],
    ),
    Case(
        "data/padding-counts",
        "1500 frames of one octet and 255 of padding: more than the window, unless padding is given back",
        "RFC 9113 §6.9.1",
        [
            OPEN,
            *[
                b"".join(data(1, bytes([one]), pad=255) for one in part)
                for part in [message(payload(bytes(1492)))[at : at + 100] for at in range(0, 1500, 100)]
            ],
            data(1, end=True),
        ],
        [OK],
    ),
    Case(
        "data/end-twice",
        "END_STREAM twice",
        SECTION,
        [OPEN, data(1, WHOLE, end=True) + data(1, end=True)],
        [stream_error(STREAM_CLOSED)],
    ),
    Case(
        "data/in-single-octets",
        "a message in single octets",
        SECTION,
        [OPEN, *[data(1, bytes([one])) for one in WHOLE], data(1, end=True)],
        [status(0, body=b"abc")],
    ),
    Case("data/before-headers", "DATA before the HEADERS of its stream", SECTION, [data(1, WHOLE) + OPEN], BROKEN),
]
