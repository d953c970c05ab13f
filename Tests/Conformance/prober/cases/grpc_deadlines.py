"""Deadlines of gRPC calls (gRPC PROTOCOL-HTTP2, "Timeout")."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, Outcome, alive, both, seen_as, status, stream_error
from ..wire import (
    ASYNC,
    CANCEL,
    HANG,
    INLINE,
    NO_ERROR,
    PROTOCOL_ERROR,
    STREAM,
    call,
    data,
    headers,
    message,
    payload,
    rst,
)

TIMEOUTS = "gRPC PROTOCOL-HTTP2: Timeout"
DEADLINE, INTERNAL = 4, 13


def timeout(id: str, value: str, *allowed: Outcome, name: str = INLINE) -> Case:
    fields = call(name, [("grpc-timeout", value)])
    sends = [headers(1, fields, end=False), data(1, message(payload(b"a")), end=True)]
    return Case(f"timeout/{id}", f"grpc-timeout {value!r}", TIMEOUTS, sends, allowed)


MALFORMED = status(INTERNAL, trailers_only=True)
EXPIRED = status(DEADLINE, trailers_only=True)
LATE = [status(DEADLINE), stream_error(CANCEL)]


CASES = [
    *(
        timeout(f"malformed-{at}", value, MALFORMED)
        for at, value in enumerate(
            ("", "1", "S", "1x", "-1S", "+1S", "1.5S", "1 S", "0x1S", "1SS", "S1", "１S", "1\tS")
        )
    ),
    timeout("nine-digits", "123456789S", MALFORMED),
    timeout("nine-zeros", "000000001S", MALFORMED),
    timeout("blank-before", " 1S", OK, MALFORMED, stream_error(PROTOCOL_ERROR)),
    *(
        timeout(f"right-{value}", value, OK)
        for value in ("10S", "5000m", "00000001M", "1H", "9000000u", "99999999H", "99999999M", "99999999n")
    ),
    *(timeout(f"over-{value}", value, EXPIRED) for value in ("0S", "0n", "00000000H")),
    timeout("soon", "1n", EXPIRED, *LATE, name=ASYNC),
    timeout("hang", "50m", *LATE, name=HANG),
    Case(
        "timeout/no-half-close",
        "a deadline that ends while the request is not complete",
        TIMEOUTS,
        [headers(1, call(extra=[("grpc-timeout", "50m")]), end=False), data(1, b"\x00")],
        [
            both(LATE[0], seen_as("RST_STREAM NO_ERROR after it", lambda seen: seen.stream(1).reset == NO_ERROR)),
            LATE[1],
        ],
    ),
    Case(
        "timeout/stream",
        "a deadline that ends between the messages of a stream",
        TIMEOUTS,
        [headers(1, call(STREAM, [("grpc-timeout", "100m")]), end=False), data(1, message(payload(b"a")))],
        LATE,
    ),
    Case(
        "timeout/then-reset",
        "a client that resets a call whose deadline is near",
        TIMEOUTS,
        [
            headers(1, call(HANG, [("grpc-timeout", "20m")]), end=False),
            data(1, message(), end=True),
            rst(1),
            BARRIER,
            headers(3, call(), end=False),
            data(3, message(), end=True),
        ],
        [both(status(0, stream=3), alive(1))],
    ),
    Case(
        "timeout/many",
        "two hundred calls with deadlines, of which each ends by itself",
        TIMEOUTS,
        [
            b"".join(
                headers(one, call(HANG, [("grpc-timeout", "30m")]), end=False) + data(one, message(), end=True)
                for one in range(1, 401, 2)
            )
        ],
        [
            seen_as(
                "two hundred times DEADLINE_EXCEEDED",
                lambda seen: (
                    sum(one.grpc_status == DEADLINE or one.reset == CANCEL for one in seen.streams.values()) == 200
                ),
                barred=False,
            )
        ],
    ),
]
