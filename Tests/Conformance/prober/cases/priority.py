"""PRIORITY (RFC 9113 §6.3), which is deprecated (§5.3.2), but whose form is still checked."""

from __future__ import annotations

from ..case import BARRIER, Case, alive, answered, connection_error, status, stream_error
from ..wire import (
    FRAME_SIZE_ERROR,
    GET,
    PRIORITY,
    PROTOCOL_ERROR,
    call,
    data,
    frame,
    headers,
    message,
    payload,
    ping,
    priority,
    request,
)

PRIORITIES, DEPENDENCIES = "RFC 9113 §6.3", "RFC 7540 §5.3.1"

BROKEN = [connection_error(PROTOCOL_ERROR)]

CASES = [
    Case(
        "priority/headers-itself",
        "HEADERS that depend on themselves",
        DEPENDENCIES,
        [headers(1, GET, depends=1)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case("priority/zero", "PRIORITY on stream 0", PRIORITIES, [priority(0)], BROKEN),
    Case(
        "priority/short",
        "PRIORITY of 4 octets",
        PRIORITIES,
        [headers(1, call(), end=False), frame(PRIORITY, 1, b"\x80\x00\x00\x01")],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "priority/short-after-request",
        "PRIORITY of 4 octets after END_STREAM",
        PRIORITIES,
        [headers(1, GET) + frame(PRIORITY, 1, b"\x80\x00\x00\x01")],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "priority/long",
        "PRIORITY of 6 octets",
        PRIORITIES,
        [headers(1, call(), end=False), frame(PRIORITY, 1, bytes(6))],
        [stream_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "priority/itself",
        "PRIORITY of a stream that depends on itself",
        DEPENDENCIES,
        [priority(1, depends=1)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case(
        "priority/itself-open",
        "PRIORITY of an open stream that depends on itself",
        DEPENDENCIES,
        [headers(1, call(), end=False), BARRIER, priority(1, depends=1)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case(
        "priority/does-not-use-up-ids",
        "PRIORITY of a higher stream, then a request on a lower one",
        PRIORITIES,
        [priority(7), headers(1, GET)],
        [answered()],
    ),
    Case(
        "priority/in-the-middle",
        "PRIORITY between the DATA frames of a call",
        PRIORITIES,
        [
            headers(1, call(), end=False),
            priority(1, depends=3),
            data(1, message(payload(b"a"))),
            priority(1),
            data(1, end=True),
        ],
        [status(0, body=b"a")],
    ),
    Case(
        "priority/server-stream", "PRIORITY of a stream of the server's", PRIORITIES, [priority(2), ping()], [alive()]
    ),
    Case(
        "priority/update",
        "PRIORITY_UPDATE and a priority field",
        "RFC 9218 §7.1",
        [frame(0x10, 0, b"\x00\x00\x00\x01u=1"), headers(1, request(extra=[("priority", "u=3, i")]))],
        [answered()],
    ),
    Case(
        "priority/weights",
        "the least and the most weight",
        PRIORITIES,
        [priority(1, weight=0), priority(3, weight=255), headers(1, GET)],
        [answered()],
    ),
    Case(
        "priority/depends",
        "a dependency on another stream",
        PRIORITIES,
        [priority(3, depends=1), headers(1, GET)],
        [answered()],
    ),
    Case(
        "priority/exclusive",
        "an exclusive dependency",
        PRIORITIES,
        [priority(3, depends=0x8000_0001), headers(1, GET)],
        [answered()],
    ),
    Case(
        "priority/circle",
        "streams that depend on each other",
        PRIORITIES,
        [priority(3, depends=5), priority(5, depends=3), priority(3, depends=5), headers(3, GET)],
        [answered(stream=3)],
    ),
    Case(
        "priority/flags",
        "PRIORITY with undefined flags",
        "RFC 9113 §4.1",
        [frame(PRIORITY, 1, bytes([0, 0, 0, 0, 15]), 0xFF), headers(1, GET)],
        [answered()],
    ),
]
