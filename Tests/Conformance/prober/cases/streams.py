"""The states of a stream (RFC 9113 §5.1)."""

from __future__ import annotations

from ..case import BARRIER, Case, Over, alive, answered, both, connection_error, seen_as, status, stream_error
from ..wire import (
    CANCEL,
    GET,
    HANG,
    INITIAL_WINDOW_SIZE,
    POST,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    call,
    continuation,
    data,
    headers,
    message,
    ping,
    priority,
    rst,
    window_update,
)

SECTION = "RFC 9113 §5.1"
EARLIER = "RFC 7540 §5.1"

IDLE = [connection_error(PROTOCOL_ERROR)]
CLOSED = [stream_error(STREAM_CLOSED)]
FIELD = [("x-more", "1")]
# The answer's DATA waits for the window, so the stream stays half-closed (remote).
HELD = ((INITIAL_WINDOW_SIZE, 0),)
# A call that runs until it is cancelled.
HANGING = headers(1, call(HANG), end=False) + data(1, message(), end=True)
UNKNOWN = call("/no.Service/Method")

CASES = [
    # Idle: anything but HEADERS and PRIORITY is a connection error.
    Case("idle/data", "DATA on an idle stream", SECTION, [data(1, b"test", end=True)], IDLE),
    Case("idle/reset", "RST_STREAM on an idle stream", SECTION, [rst(1)], IDLE),
    Case("idle/window-update", "WINDOW_UPDATE on an idle stream", SECTION, [window_update(1, 100)], IDLE),
    Case("idle/continuation", "CONTINUATION on an idle stream", SECTION, [continuation(1, GET)], IDLE),
    Case(
        "idle/priority",
        "PRIORITY on an idle stream, which is used afterwards",
        SECTION,
        [priority(1), headers(1, GET)],
        [answered()],
    ),
    Case(
        "idle/data-between",
        "DATA on an idle stream above one in use",
        SECTION,
        [headers(1, GET), Over(1), data(7, b"test")],
        IDLE,
    ),
    Case("idle/server-data", "DATA on an idle stream of the server's", SECTION, [data(2, b"test")], IDLE),
    Case("idle/server-reset", "RST_STREAM on an idle stream of the server's", SECTION, [rst(2)], IDLE),
    Case(
        "idle/server-window-update",
        "WINDOW_UPDATE on an idle stream of the server's",
        SECTION,
        [window_update(2, 1)],
        IDLE,
    ),
    # Half-closed (remote): the request is complete, the answer is not.
    Case(
        "half-closed/data",
        "DATA after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, data(1, b"test", end=True)],
        CLOSED,
        settings=HELD,
    ),
    Case(
        "half-closed/data-at-once",
        "DATA right behind END_STREAM",
        SECTION,
        [headers(1, GET) + data(1, b"test", end=True)],
        CLOSED,
    ),
    Case(
        "half-closed/data-call",
        "DATA after the END_STREAM of a running call",
        SECTION,
        [HANGING, BARRIER, data(1, message(), end=True)],
        CLOSED,
    ),
    Case(
        "half-closed/empty-data", "empty DATA after END_STREAM", SECTION, [HANGING, BARRIER, data(1, end=True)], CLOSED
    ),
    Case(
        "half-closed/headers",
        "HEADERS after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, headers(1, GET)],
        CLOSED,
        settings=HELD,
    ),
    Case(
        "half-closed/headers-at-once",
        "HEADERS right behind END_STREAM",
        SECTION,
        [headers(1, GET) + headers(1, GET)],
        CLOSED,
    ),
    Case(
        "half-closed/trailers-call",
        "trailers after the END_STREAM of a running call",
        SECTION,
        [HANGING, BARRIER, headers(1, FIELD)],
        CLOSED,
    ),
    Case(
        "half-closed/continuation",
        "CONTINUATION after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, continuation(1, FIELD)],
        [connection_error(PROTOCOL_ERROR, STREAM_CLOSED)],
        settings=HELD,
    ),
    Case(
        "half-closed/window-update",
        "WINDOW_UPDATE after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, window_update(1, 1), BARRIER, window_update(1, 1000)],
        [answered()],
        settings=HELD,
    ),
    Case(
        "half-closed/priority",
        "PRIORITY after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, priority(1), window_update(1, 1000)],
        [answered()],
        settings=HELD,
    ),
    Case(
        "half-closed/reset",
        "RST_STREAM after END_STREAM",
        SECTION,
        [headers(1, GET), BARRIER, rst(1)],
        [alive(1)],
        settings=HELD,
    ),
    Case(
        "half-closed/reset-call",
        "RST_STREAM for a running call",
        SECTION,
        [HANGING, BARRIER, rst(1), BARRIER, headers(3, GET)],
        [both(answered(stream=3), alive(1, 3))],
    ),
    # Closed by the client's RST_STREAM: STREAM_CLOSED for what comes later, said of the stream or of the connection.
    Case(
        "reset/data",
        "DATA after one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False), rst(1), BARRIER, data(1, b"test", end=True)],
        CLOSED,
    ),
    Case(
        "reset/data-at-once",
        "DATA right behind one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False) + rst(1) + data(1, b"test", end=True)],
        CLOSED,
    ),
    Case(
        "reset/data-call",
        "DATA after the RST_STREAM of a call",
        EARLIER,
        [headers(1, call(), end=False), rst(1), BARRIER, data(1, message(), end=True)],
        CLOSED,
    ),
    Case(
        "reset/headers",
        "HEADERS after one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False), rst(1), BARRIER, headers(1, GET)],
        CLOSED,
    ),
    Case(
        "reset/headers-at-once",
        "HEADERS right behind one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False) + rst(1) + headers(1, GET)],
        CLOSED,
    ),
    Case(
        "reset/continuation",
        "CONTINUATION after one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False), rst(1), continuation(1, FIELD)],
        [connection_error(PROTOCOL_ERROR, STREAM_CLOSED)],
    ),
    Case(
        "reset/priority",
        "PRIORITY after one's own RST_STREAM",
        SECTION,
        [headers(1, POST, end=False), rst(1), BARRIER, priority(1)],
        [alive(1)],
    ),
    Case(
        "reset/reset",
        "RST_STREAM after one's own RST_STREAM",
        EARLIER,
        [headers(1, POST, end=False), rst(1), BARRIER, rst(1, CANCEL)],
        [alive(1), stream_error(STREAM_CLOSED, PROTOCOL_ERROR)],
    ),
    # Closed by END_STREAM of both sides: a connection error, but for what may have been under way.
    Case(
        "closed/data",
        "DATA on a closed stream",
        SECTION,
        [headers(1, GET), Over(1), data(1, b"test", end=True)],
        [connection_error(STREAM_CLOSED)],
    ),
    Case(
        "closed/data-long-after",
        "DATA on a stream that was closed before others",
        SECTION,
        [b"".join(headers(one, GET) for one in range(1, 101, 2)), Over(99), data(3, b"test", end=True)],
        [connection_error(STREAM_CLOSED)],
    ),
    Case(
        "closed/data-call",
        "DATA on the stream of an answered call",
        SECTION,
        [headers(1, call(), end=False), data(1, message(), end=True), Over(1), data(1, message(), end=True)],
        [connection_error(STREAM_CLOSED)],
    ),
    Case(
        "closed/headers",
        "HEADERS on a closed stream",
        SECTION,
        [headers(1, GET), Over(1), headers(1, GET)],
        [connection_error(STREAM_CLOSED)],
    ),
    Case(
        "closed/continuation",
        "CONTINUATION on a closed stream",
        SECTION,
        [headers(1, GET), Over(1), continuation(1, FIELD)],
        [connection_error(STREAM_CLOSED, PROTOCOL_ERROR)],
    ),
    Case(
        "closed/window-update",
        "WINDOW_UPDATE on a closed stream",
        SECTION,
        [headers(1, GET), Over(1), window_update(1, 100)],
        [alive(1)],
    ),
    Case("closed/reset", "RST_STREAM on a closed stream", SECTION, [headers(1, GET), Over(1), rst(1)], [alive(1)]),
    Case(
        "closed/priority",
        "PRIORITY on a closed stream",
        SECTION,
        [headers(1, GET), Over(1), priority(1), ping()],
        [alive(1)],
    ),
    # Closed by the server: what the client sent before it knew is ignored, but counted (§5.1, §6.9).
    Case(
        "refused/data",
        "DATA that crosses the RST_STREAM of an early answer",
        SECTION,
        [headers(1, UNKNOWN, end=False), Over(1), BARRIER, data(1, message(bytes(100)), end=True)],
        [both(status(12), seen_as("an open connection", lambda seen: seen.error is None and seen.ending is None))],
    ),
    Case(
        "refused/trailers",
        "trailers that cross the RST_STREAM of an early answer",
        SECTION,
        [headers(1, UNKNOWN, end=False), Over(1), BARRIER, headers(1, FIELD)],
        [both(status(12), seen_as("an open connection", lambda seen: seen.error is None and seen.ending is None))],
    ),
    Case(
        "refused/much-data",
        "5 MiB for streams that were answered early count to the connection's window and are given back",
        "RFC 9113 §6.9",
        [
            part
            for one in range(1, 81, 2)
            for part in (headers(one, UNKNOWN, end=False), Over(one), data(one, bytes(16_384)) * 8)
        ]
        + [headers(81, call(), end=False) + data(81, message(), end=True)],
        [status(0, stream=81)],
    ),
]
