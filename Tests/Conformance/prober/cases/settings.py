"""SETTINGS (RFC 9113 §6.5)."""

from __future__ import annotations

from ..case import BARRIER, OK, Acknowledged, Case, alive, answered, both, connection_error, seen_as, sized
from ..transcript import Transcript
from ..wire import (
    ACK,
    ENABLE_PUSH,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GET,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    MAX_WINDOW,
    NO_RFC7540_PRIORITIES,
    PROTOCOL_ERROR,
    SETTINGS,
    call,
    data,
    frame,
    headers,
    message,
    payload,
    ping,
    settings,
    window_update,
)

SECTION, VALUES, SYNCHRONY = "RFC 9113 §6.5", "RFC 9113 §6.5.2", "RFC 9113 §6.5.3"

BROKEN = [connection_error(PROTOCOL_ERROR)]
WRONG_SIZE = [connection_error(FRAME_SIZE_ERROR)]
TAKEN = [both(answered(), seen_as("an ACK for each", lambda seen: seen.settings_acks == 2))]


def wrong(id: str, name: int, value: int, code: int = PROTOCOL_ERROR, source: str = VALUES) -> Case:
    return Case(
        f"settings/{id}",
        f"setting {name} with the value {value}",
        source,
        [settings((name, value))],
        [connection_error(code)],
    )


def right(id: str, *values: tuple[int, int]) -> Case:
    what = ", ".join(f"setting {name:#x} with {value}" for name, value in values) or "no setting"
    return Case(f"settings/{id}", what, VALUES, [settings(*values), Acknowledged(), headers(1, GET)], TAKEN)


def acknowledged_first(seen: Transcript) -> bool:
    """Whether the second acknowledgement of SETTINGS came before the answer to the PING."""
    order = [one for one in seen.frames if "ACK" in one.flags]
    kinds = [type(one).__name__ for one in order]
    return kinds[:3] == ["SettingsFrame", "SettingsFrame", "PingFrame"]


CASES = [
    Case(
        "settings/ack-with-payload",
        "an acknowledgement with a payload",
        SECTION,
        [frame(SETTINGS, 0, b"\x00", ACK)],
        WRONG_SIZE,
    ),
    Case(
        "settings/ack-with-setting",
        "an acknowledgement with a whole setting",
        SECTION,
        [frame(SETTINGS, 0, b"\x00\x03\x00\x00\x00\x64", ACK)],
        WRONG_SIZE,
    ),
    Case("settings/stream", "SETTINGS on a stream", SECTION, [frame(SETTINGS, 1, b"\x00\x03\x00\x00\x00\x64")], BROKEN),
    Case("settings/ack-stream", "an acknowledgement on a stream", SECTION, [frame(SETTINGS, 1, flags=ACK)], BROKEN),
    Case("settings/not-of-six", "SETTINGS of 3 octets", SECTION, [frame(SETTINGS, 0, b"\x00\x03\x00")], WRONG_SIZE),
    Case(
        "settings/more-than-six",
        "SETTINGS of 8 octets",
        SECTION,
        [frame(SETTINGS, 0, b"\x00\x03\x00\x00\x00\x64\x00\x02")],
        WRONG_SIZE,
    ),
    Case(
        "settings/ack-at-once",
        "each SETTINGS frame is acknowledged",
        SYNCHRONY,
        [settings((ENABLE_PUSH, 0)), settings(), settings((ENABLE_PUSH, 0))],
        [seen_as("4 ACKs", lambda seen: seen.settings_acks == 4)],
    ),
    Case(
        "settings/ack-unasked",
        "an acknowledgement for which nothing is due",
        SYNCHRONY,
        [frame(SETTINGS, 0, flags=ACK), headers(1, GET)],
        [answered(), BROKEN[0]],
    ),
    Case(
        "settings/flags",
        "SETTINGS with undefined flags",
        "RFC 9113 §4.1",
        [frame(SETTINGS, 0, flags=0xFE), headers(1, GET)],
        TAKEN,
    ),
    wrong("push-2", ENABLE_PUSH, 2),
    wrong("push-max", ENABLE_PUSH, 2**32 - 1),
    wrong("window-too-large", INITIAL_WINDOW_SIZE, 2**31, FLOW_CONTROL_ERROR),
    wrong("window-max", INITIAL_WINDOW_SIZE, 2**32 - 1, FLOW_CONTROL_ERROR, "RFC 9113 §6.9.2"),
    wrong("frame-size-too-small", MAX_FRAME_SIZE, 2**14 - 1),
    wrong("frame-size-zero", MAX_FRAME_SIZE, 0),
    wrong("frame-size-too-large", MAX_FRAME_SIZE, 2**24),
    wrong("priorities-2", NO_RFC7540_PRIORITIES, 2, source="RFC 9218 §2.1"),
    right("empty"),
    right("unknown", (0xFF, 1)),
    right("unknown-many", *((name, 2**32 - 1) for name in range(0x1000, 0x1010))),
    right("push-1", (ENABLE_PUSH, 1)),
    right("window-largest", (INITIAL_WINDOW_SIZE, MAX_WINDOW)),
    right("frame-size-smallest", (MAX_FRAME_SIZE, 2**14)),
    right("frame-size-largest", (MAX_FRAME_SIZE, 2**24 - 1)),
    right("table-none", (HEADER_TABLE_SIZE, 0)),
    right("table-one", (HEADER_TABLE_SIZE, 1)),
    right("table-largest", (HEADER_TABLE_SIZE, 2**32 - 1)),
    right("no-pushed-streams", (MAX_CONCURRENT_STREAMS, 0)),
    right("header-list-large", (MAX_HEADER_LIST_SIZE, 2**32 - 1)),
    right(
        "all",
        (HEADER_TABLE_SIZE, 4096),
        (ENABLE_PUSH, 1),
        (MAX_CONCURRENT_STREAMS, 100),
        (INITIAL_WINDOW_SIZE, 65_535),
        (MAX_FRAME_SIZE, 16_384),
        (MAX_HEADER_LIST_SIZE, 100),
    ),
    right("twice-the-same", (HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 4096)),
    Case(
        "settings/in-order",
        "of two values of a setting the later one holds",
        SYNCHRONY,
        [settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)), Acknowledged(), headers(1, GET)],
        [sized(1)],
    ),
    Case(
        "settings/table-changes",
        "a header table that goes away and comes back between answers",
        "RFC 7541 §4.2",
        [
            headers(1, GET),
            BARRIER,
            settings((HEADER_TABLE_SIZE, 0)),
            Acknowledged(2),
            headers(3, GET),
            BARRIER,
            settings((HEADER_TABLE_SIZE, 4096)),
            Acknowledged(3),
            headers(5, GET),
            headers(7, call(), end=False) + data(7, message(), end=True),
        ],
        [both(answered(stream=5), answered(stream=7))],
    ),
    Case(
        "settings/frame-size-kept",
        "an answer of 40000 octets within the frame size",
        VALUES,
        [
            headers(1, call(), end=False),
            *[
                part
                for part in (
                    data(1, message(payload(bytes(40_000)))[at : at + 16_384]) for at in range(0, 40_009, 16_384)
                )
            ],
            data(1, end=True),
        ],
        [both(OK, seen_as("frames of 16384 octets at most", lambda seen: max(seen.stream(1).sizes) <= 16_384))],
    ),
    Case(
        "settings/many",
        "thirty settings frames in a row",
        SECTION,
        [settings() * 30, window_update(0, 1), headers(1, GET)],
        [both(answered(), alive())],
    ),
    Case(
        "settings/ack-before-pong",
        "SETTINGS are acknowledged before a PING behind them is answered",
        SYNCHRONY,
        [settings() + ping()],
        [seen_as("ACK, then PONG", acknowledged_first)],
    ),
]
