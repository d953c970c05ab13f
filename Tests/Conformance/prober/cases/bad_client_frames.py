"""Frames that the tests of gRPC C-core in test/core/bad_client send, against what this server must make of them.

They ask only that the server survives; here the outcome is held against the RFC as well. Files of theirs whose point is
covered elsewhere in full are here with their gist.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..case import (
    BARRIER,
    OK,
    Case,
    Outcome,
    Over,
    Wait,
    both,
    closed,
    connection_error,
    seen_as,
    status,
    stream_error,
)
from ..wire import (
    COMPRESSION_ERROR,
    DATA,
    END_HEADERS,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    HAS_PRIORITY,
    HEADERS,
    MAX_WINDOW,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    RST_STREAM,
    SETTINGS,
    STREAM,
    WINDOW_UPDATE,
    call,
    continuation,
    data,
    frame,
    headers,
    message,
    payload,
    settings,
    window_update,
)

SOURCE = "grpc test/core/bad_client"

BROKEN, WRONG_SIZE = connection_error(PROTOCOL_ERROR), connection_error(FRAME_SIZE_ERROR)
MALFORMED = stream_error(PROTOCOL_ERROR)
BODY = data(1, message(payload(b"a")), end=True)


def case(file: str, id: str, title: str, sends: Sequence[bytes | Wait], *allowed: Outcome, raw: bool = False) -> Case:
    """A case of one of their files; without an outcome the client leaves right away."""
    return Case(f"bad-client/{file}-{id}", title, f"{SOURCE}/{file}", sends, allowed, raw=raw, vanishes=not allowed)


def prefix(at: int) -> Case:
    """A preface that is wrong from one octet on."""
    return case(
        "connection_prefix",
        str(at),
        f"a preface whose octet {at} is X",
        [PREFACE[:at] + b"X" * (24 - at)],
        BROKEN,
        closed(),
        raw=True,
    )


def cut(file: str, id: str, octets: bytes, raw: bool = False) -> list[Case]:
    """A client that leaves after each of these octets."""
    lead = PREFACE if raw else b""
    return [
        case(file, f"{id}-{at}", f"a client that leaves after octet {at} of {id}", [lead + octets[:at]], raw=raw)
        for at in range(1, len(octets) + 1)
    ]


def block(id: str, octets: bytes, *allowed: Outcome, flags: int = END_HEADERS) -> Case:
    return case("headers", id, f"the header block {octets[:20].hex(' ')}", [frame(HEADERS, 1, octets, flags)], *allowed)


COMPRESSION = connection_error(COMPRESSION_ERROR)

CASES = [
    # connection_prefix
    *(prefix(at) for at in range(24)),
    # headers
    *cut("headers", "HEADERS", headers(1, b"", end=False)),
    *(
        block(f"priority-{size}", bytes(size), WRONG_SIZE, BROKEN, flags=END_HEADERS | HAS_PRIORITY)
        for size in range(5)
    ),
    *(
        case(
            "headers",
            f"priority-cut-{size}",
            f"a priority part that is cut off after {size} octets",
            [frame(HEADERS, 1, bytes(size), END_HEADERS | HAS_PRIORITY, length=5)],
        )
        for size in range(6)
    ),
    block("index-126", b"\xfe", COMPRESSION),
    block("name-190", b"\x7f\x7f\x01a", COMPRESSION),
    block("name-142", b"\x0f\x7f\x01a", COMPRESSION),
    block("name-142-never", b"\x1f\x7f\x01a", COMPRESSION),
    block("plain-authority", b"\x01\x01a", MALFORMED),
    block("never-authority", b"\x11\x01a", MALFORMED),
    block("index-0", b"\x80", COMPRESSION),
    *(block(f"index-127-in-{size}", b"\xff" + b"\x80" * size + b"\x00", COMPRESSION) for size in range(8)),
    *(
        case(
            "headers",
            f"index-cut-{size}",
            f"an index that is cut off after {size} octets",
            [frame(HEADERS, 1, b"\xff" + b"\x80" * size, END_HEADERS, length=8)],
        )
        for size in range(7)
    ),
    block("overflow-4", b"\xff\x80\x80\x80\x80\x7f", COMPRESSION),
    block("overflow-5", b"\xff\xff\xff\xff\xff\x0f", COMPRESSION),
    block("overflow-7", b"\xff\x80\x80\x80\x80\x80\x80\x02", COMPRESSION),
    block("mid-opcode", b"\x01", COMPRESSION),
    block("size-default", b"\x3f\xe1\x1f", MALFORMED),
    block("size-too-large", b"\x3f\xf1\x1f", COMPRESSION),
    block("size-twice", b"\x20\x3f\xe1\x1f", MALFORMED),
    # RFC 7541 §4.2 has at most two updates, but does not say that three are an error.
    block("size-thrice", b"\x20\x20\x20", COMPRESSION, MALFORMED),
    case(
        "headers",
        "continuation",
        "an empty block in two frames",
        [headers(1, b"", complete=False) + continuation(1, b"")],
        MALFORMED,
    ),
    case(
        "headers",
        "then-data",
        "an unfinished block, then DATA",
        [headers(1, b"", end=False, complete=False) + frame(DATA, 1, b"", 4)],
        BROKEN,
    ),
    case(
        "headers",
        "continuation-elsewhere",
        "an unfinished block, then CONTINUATION of another stream",
        [headers(1, b"", end=False) + headers(3, b"", end=False, complete=False) + continuation(1, b"")],
        BROKEN,
    ),
    case("headers", "continuation-first", "CONTINUATION at the very beginning", [continuation(1, b"")], BROKEN),
    case("headers", "thrice", "three empty blocks on a stream", [headers(1, b"", end=False) * 3], MALFORMED),
    case(
        "headers",
        "fuzzed",
        "a header that fuzzing found: flags 0x39 on stream 0x67ED1D64",
        [frame(HEADERS, 0x67ED1D64, b"", 0x39)],
        BROKEN,
        WRONG_SIZE,
    ),
    # initial_settings_frame
    *cut("initial_settings_frame", "SETTINGS", settings(), raw=True),
    *cut("initial_settings_frame", "a setting", settings((4, 65_536)), raw=True),
    case(
        "initial_settings_frame",
        "stream-1",
        "a first SETTINGS frame on stream 1",
        [PREFACE + frame(SETTINGS, 1)],
        BROKEN,
        raw=True,
    ),
    case(
        "initial_settings_frame",
        "stream-high",
        "a first SETTINGS frame on stream 0x400000",
        [PREFACE + frame(SETTINGS, 0x40_0000)],
        BROKEN,
        raw=True,
    ),
    *(
        case(
            "initial_settings_frame",
            f"size-{size}",
            f"a first SETTINGS frame of {size} octets",
            [PREFACE + frame(SETTINGS, 0, bytes(size))],
            WRONG_SIZE,
            raw=True,
        )
        for size in range(1, 6)
    ),
    case(
        "initial_settings_frame",
        "frame-size-0",
        "MAX_FRAME_SIZE 0 at once",
        [PREFACE + settings((5, 0))],
        BROKEN,
        raw=True,
    ),
    case(
        "initial_settings_frame",
        "ack-with-data",
        "an acknowledgement with data",
        [PREFACE + settings() + frame(SETTINGS, 0, b"\x00", 1)],
        WRONG_SIZE,
        raw=True,
    ),
    case(
        "initial_settings_frame",
        "flags",
        "a first SETTINGS frame with undefined flags, then a call",
        [PREFACE + frame(SETTINGS, 0, flags=0x10) + headers(1, call(), end=False) + BODY],
        OK,
        raw=True,
    ),
    case(
        "initial_settings_frame",
        "unknown",
        "an unknown setting at once, then a call",
        [PREFACE + settings((0x99, 0)) + headers(1, call(), end=False) + BODY],
        OK,
        raw=True,
    ),
    # out_of_bounds
    case(
        "out_of_bounds",
        "data",
        "DATA that states 65536 octets",
        [headers(1, call(), end=False), frame(DATA, 1, b"a" * 65_536)],
        stream_error(FRAME_SIZE_ERROR),
    ),
    case(
        "out_of_bounds",
        "priority",
        "PRIORITY of 3 octets",
        [frame(PRIORITY, 1, b"\x11\x11\x12")],
        stream_error(FRAME_SIZE_ERROR),
    ),
    case("out_of_bounds", "rst", "RST_STREAM of 2 octets", [frame(RST_STREAM, 1, b"\x11\x11")], WRONG_SIZE, BROKEN),
    case("out_of_bounds", "settings", "SETTINGS of 5 octets", [frame(SETTINGS, 0, b"\x11" * 5)], WRONG_SIZE),
    case("out_of_bounds", "ping", "a PING of 5 octets", [frame(PING, 0, b"\x11" * 5)], WRONG_SIZE),
    case("out_of_bounds", "window-update", "WINDOW_UPDATE of 1 octet", [frame(WINDOW_UPDATE, 0, b"\x11")], WRONG_SIZE),
    # unknown_frame
    case(
        "unknown_frame",
        "88",
        "a frame of type 88 on stream 0",
        [frame(0x88, 0), headers(1, call(), end=False) + BODY],
        OK,
    ),
    # window_overflow
    case(
        "window_overflow",
        "flood",
        "ten WINDOW_UPDATEs of 2^31-1 with DATA between them",
        [
            headers(1, call(STREAM), end=False),
            b"".join(window_update(0, MAX_WINDOW) + data(1, message(payload(bytes(100)))) for _ in range(10)),
        ],
        connection_error(FLOW_CONTROL_ERROR),
    ),
    case(
        "window_overflow",
        "then-others",
        "a stream's window that overflows, then a call beside it",
        [
            headers(1, call(STREAM), end=False),
            BARRIER,
            window_update(1, MAX_WINDOW),
            headers(3, call(), end=False) + data(3, message(), end=True),
            Over(3),
        ],
        both(
            status(0, stream=3),
            seen_as("the reset of stream 1", lambda seen: seen.stream(1).reset == FLOW_CONTROL_ERROR),
        ),
        connection_error(FLOW_CONTROL_ERROR),
    ),
]
