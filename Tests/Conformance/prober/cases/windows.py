"""Flow control (RFC 9113 §5.2, §6.9), of both directions."""

from __future__ import annotations

from ..case import (
    BARRIER,
    OK,
    Acknowledged,
    Body,
    Case,
    alive,
    answered,
    both,
    connection_error,
    reset,
    seen_as,
    sized,
    status,
    stream_error,
)
from ..wire import (
    FLOW_CONTROL_ERROR,
    FRAME_SIZE,
    FRAME_SIZE_ERROR,
    GET,
    INITIAL_WINDOW_SIZE,
    MAX_WINDOW,
    PROTOCOL_ERROR,
    STREAM,
    WINDOW_UPDATE,
    call,
    data,
    frame,
    headers,
    message,
    payload,
    pieces,
    settings,
    window_update,
)

SECTION, WINDOW, CHANGES = "RFC 9113 §6.9", "RFC 9113 §6.9.1", "RFC 9113 §6.9.2"

BROKEN = [connection_error(PROTOCOL_ERROR)]
OPEN = headers(1, call(), end=False)


def upload(stream: int, size: int, end: bool = True) -> list[bytes]:
    """A call whose message has so many octets, in full frames."""
    parts = list(pieces(message(payload(bytes(size))), FRAME_SIZE))
    return [
        headers(stream, call(), end=False),
        *[data(stream, one) for one in parts],
        *([data(stream, end=True)] if end else []),
    ]


ECHOED = message(payload(b"x" * 50))


def set_window(size: int) -> bytes:
    return settings((INITIAL_WINDOW_SIZE, size))


CASES = [
    Case("window/zero-increment", "an increment of 0 for the connection", SECTION, [window_update(0, 0)], BROKEN),
    Case(
        "window/zero-increment-stream",
        "an increment of 0 for a stream",
        SECTION,
        [OPEN, BARRIER, window_update(1, 0)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case(
        "window/zero-increment-page",
        "an increment of 0 for a request that is not complete",
        SECTION,
        [headers(1, GET, end=False) + window_update(1, 0)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case(
        "window/zero-increment-page-later",
        "the same after a while",
        SECTION,
        [headers(1, GET, end=False), BARRIER, window_update(1, 0)],
        [stream_error(PROTOCOL_ERROR)],
    ),
    Case(
        "window/short",
        "WINDOW_UPDATE of 3 octets",
        SECTION,
        [frame(WINDOW_UPDATE, 0, b"\x00\x00\x01")],
        [connection_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "window/long",
        "WINDOW_UPDATE of 5 octets",
        SECTION,
        [frame(WINDOW_UPDATE, 0, bytes(4) + b"\x01")],
        [connection_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "window/short-stream",
        "WINDOW_UPDATE of 3 octets on a stream",
        SECTION,
        [OPEN, frame(WINDOW_UPDATE, 1, b"\x00\x00\x01")],
        [connection_error(FRAME_SIZE_ERROR)],
    ),
    Case(
        "window/connection",
        "WINDOW_UPDATE for the connection",
        SECTION,
        [window_update(0, 1), headers(1, GET)],
        [answered()],
    ),
    Case("window/stream", "WINDOW_UPDATE for a stream", SECTION, [headers(1, GET) + window_update(1, 1)], [answered()]),
    Case(
        "window/overflow",
        "a connection's window beyond 2^31-1",
        WINDOW,
        [window_update(0, MAX_WINDOW), window_update(0, MAX_WINDOW)],
        [connection_error(FLOW_CONTROL_ERROR)],
    ),
    Case(
        "window/overflow-exact",
        "a connection's window of 2^31-1 exactly, then one more",
        WINDOW,
        [window_update(0, MAX_WINDOW - 65_535), BARRIER, window_update(0, 1)],
        [connection_error(FLOW_CONTROL_ERROR)],
    ),
    Case(
        "window/largest",
        "a connection's window of 2^31-1 exactly",
        WINDOW,
        [window_update(0, MAX_WINDOW - 65_535), headers(1, GET)],
        [answered()],
    ),
    Case(
        "window/overflow-stream",
        "a stream's window beyond 2^31-1",
        WINDOW,
        [OPEN, window_update(1, MAX_WINDOW), window_update(1, MAX_WINDOW)],
        [reset(FLOW_CONTROL_ERROR)],
    ),
    Case(
        "window/overflow-stream-page",
        "the same for a request that is not complete",
        WINDOW,
        [headers(1, GET, end=False), BARRIER, window_update(1, MAX_WINDOW), window_update(1, MAX_WINDOW)],
        [reset(FLOW_CONTROL_ERROR)],
    ),
    Case(
        "window/overflow-by-settings",
        "a stream's window beyond 2^31-1 by a change of SETTINGS",
        CHANGES,
        [OPEN, window_update(1, 100_000), BARRIER, set_window(MAX_WINDOW)],
        [connection_error(FLOW_CONTROL_ERROR)],
    ),
    # What the server may send.
    Case(
        "window/one-octet",
        "an initial window of 1 octet",
        WINDOW,
        [set_window(1), Acknowledged(), headers(1, GET)],
        [sized(1)],
    ),
    Case(
        "window/none",
        "an initial window of 0",
        WINDOW,
        [headers(1, GET), BARRIER],
        [
            both(
                sized(),
                seen_as("an answer that waits", lambda seen: bool(seen.stream(1).blocks) and not seen.stream(1).ended),
            )
        ],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
    Case(
        "window/opened-by-update",
        "a window of 0 that WINDOW_UPDATE opens",
        SECTION,
        [headers(1, GET), BARRIER, window_update(1, 1), BARRIER, window_update(1, 2)],
        [sized(1, 2)],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
    Case(
        "window/opened-by-settings",
        "a window of 0 that SETTINGS open after HEADERS",
        CHANGES,
        [set_window(0), Acknowledged(2), headers(1, GET), BARRIER, set_window(1)],
        [sized(1)],
    ),
    Case(
        "window/negative",
        "a window that SETTINGS made negative",
        CHANGES,
        [set_window(3), Acknowledged(2), headers(1, GET), Body(3), set_window(2), Acknowledged(3), window_update(1, 2)],
        [sized(3, 1)],
    ),
    Case(
        "window/negative-stays-shut",
        "a negative window that WINDOW_UPDATE brings to 0",
        CHANGES,
        [set_window(5), Acknowledged(2), headers(1, GET), Body(5), set_window(0), Acknowledged(3), window_update(1, 5)],
        [sized(5)],
    ),
    Case(
        "window/negative-opens",
        "a negative window that is opened in steps",
        CHANGES,
        [
            set_window(5),
            Acknowledged(2),
            headers(1, GET),
            Body(5),
            set_window(0),
            Acknowledged(3),
            window_update(1, 4),
            BARRIER,
            window_update(1, 2),
            BARRIER,
            set_window(1),
        ],
        [sized(5, 1, 1)],
    ),
    Case(
        "window/connection-bounds",
        "a large answer stops at the connection's window",
        WINDOW,
        upload(1, 100_000),
        [both(seen_as("65535 octets", lambda seen: len(seen.stream(1).body) == 65_535), alive(1))],
        settings=((INITIAL_WINDOW_SIZE, 1_000_000),),
    ),
    Case(
        "window/stream-bounds",
        "a large answer stops at the stream's window",
        WINDOW,
        [window_update(0, 1_000_000), *upload(1, 100_000)],
        [both(seen_as("65535 octets", lambda seen: len(seen.stream(1).body) == 65_535), alive(1))],
    ),
    Case(
        "window/both-needed",
        "a large answer goes on when both windows are open",
        WINDOW,
        [*upload(1, 100_000), Body(65_535), window_update(0, 100_000), BARRIER, window_update(1, 100_000)],
        [OK],
    ),
    Case(
        "window/neighbour",
        "an answer beside one that has no window",
        WINDOW,
        [*upload(1, 100_000), Body(1000), set_window(1000), headers(3, GET)],
        [answered(stream=3)],
        settings=((INITIAL_WINDOW_SIZE, 1000),),
    ),
    Case(
        "window/empty-data-needs-none",
        "the end of an empty message needs the 5 octets of its prefix only",
        SECTION,
        [OPEN, data(1, message(), end=True), BARRIER, window_update(1, 5)],
        [OK],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
    Case(
        "window/trailers-behind-a-full-one",
        "the trailers of a stream whose messages took all of its window",
        SECTION,
        [headers(1, call(STREAM), end=False), data(1, ECHOED), Body(len(ECHOED)), data(1, end=True)],
        [OK],
        settings=((INITIAL_WINDOW_SIZE, len(ECHOED)),),
    ),
    Case(
        "window/late-trailers-behind-none",
        "the trailers of a stream that is past its deadline and without a window",
        SECTION,
        [
            headers(1, call(STREAM, [("grpc-timeout", "300m")]), end=False),
            data(1, ECHOED),
            Body(len(ECHOED)),
        ],
        [status(4)],
        settings=((INITIAL_WINDOW_SIZE, len(ECHOED)),),
    ),
    Case(
        "window/trailers-behind-a-neighbour",
        "trailers while another stream has taken all of the connection's window",
        SECTION,
        [
            headers(1, call(STREAM), end=False),
            data(1, ECHOED),
            Body(len(ECHOED)),
            *upload(3, 100_000),
            Body(65_535 - len(ECHOED), stream=3),
            data(1, end=True),
        ],
        [OK],
        settings=((INITIAL_WINDOW_SIZE, 1_000_000),),
    ),
    Case(
        "window/trailers-need-none",
        "a refusal needs no window",
        SECTION,
        [headers(1, call("/no.Service/Method"))],
        [status(12)],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
]
