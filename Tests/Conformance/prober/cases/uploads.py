"""Flow control of what the server takes (RFC 9113 §6.9): windows are given back as handlers take messages."""

from __future__ import annotations

from ..case import OK, Case, Over, both, seen_as, status, stream_error
from ..wire import FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, STREAM, call, data, headers, message, payload, window_update
from .windows import upload

SECTION, WINDOW = "RFC 9113 §6.9", "RFC 9113 §6.9.1"

CREDITED = seen_as(
    "windows given back",
    lambda seen: any(type(one).__name__ == "WindowUpdateFrame" and one.stream_id == 1 for one in seen.frames),
)

CASES = [
    Case(
        "window/large-upload",
        "a message of 2 MiB, more than the window of its stream",
        SECTION,
        [window_update(0, 4_000_000), *upload(1, 2_000_000)],
        [both(OK, CREDITED)],
        settings=((INITIAL_WINDOW_SIZE, 4_000_000),),
    ),
    Case(
        "window/many-uploads",
        "eight messages of 1 MB, more than the window of the connection",
        SECTION,
        [
            window_update(0, 10_000_000),
            *[part for one in range(1, 17, 2) for part in [*upload(one, 1_000_000), Over(one)]],
        ],
        [both(OK, status(0, stream=15))],
        settings=((INITIAL_WINDOW_SIZE, 2_000_000),),
    ),
    Case(
        "window/overrun",
        "4 MB for a stream whose handler waits for the client: beyond the window",
        WINDOW,
        [headers(1, call(STREAM), end=False), *[data(1, message(payload(bytes(10_000)))) for _ in range(400)]],
        [stream_error(FLOW_CONTROL_ERROR)],
        settings=((INITIAL_WINDOW_SIZE, 0),),
    ),
]
