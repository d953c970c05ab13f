"""Frames that steer a connection: RST_STREAM (RFC 9113 §6.4), PUSH_PROMISE (§6.6), PING (§6.7), GOAWAY (§6.8)."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, Over, alive, answered, both, closed, connection_error, seen_as, status
from ..wire import (
    ACK,
    CANCEL,
    END_HEADERS,
    FRAME_SIZE_ERROR,
    GET,
    GOAWAY,
    HANG,
    INITIAL_WINDOW_SIZE,
    INTERNAL_ERROR,
    NO_ERROR,
    PING,
    POST,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    RST_STREAM,
    block_of,
    call,
    data,
    frame,
    goaway,
    headers,
    message,
    payload,
    ping,
    rst,
    window_update,
)

RESETS, PUSHES, PINGS, GOAWAYS, CODES = (
    "RFC 9113 §6.4",
    "RFC 9113 §8.4",
    "RFC 9113 §6.7",
    "RFC 9113 §6.8",
    "RFC 9113 §7",
)

BROKEN = [connection_error(PROTOCOL_ERROR)]
WRONG_SIZE = [connection_error(FRAME_SIZE_ERROR)]
PONG = seen_as("PING answered", lambda seen: b"12345678" in seen.pongs and seen.error is None)
HANGING = headers(1, call(HANG), end=False) + data(1, message(), end=True)
CALL = headers(3, call(), end=False) + data(3, message(payload(b"a")), end=True)
HELD = ((INITIAL_WINDOW_SIZE, 0),)

CASES = [
    Case("reset/zero", "RST_STREAM on stream 0", RESETS, [rst(0)], BROKEN),
    Case(
        "reset/short",
        "RST_STREAM of 3 octets",
        RESETS,
        [headers(1, POST, end=False), frame(RST_STREAM, 1, bytes(3))],
        WRONG_SIZE,
    ),
    Case(
        "reset/short-after-request",
        "RST_STREAM of 3 octets after END_STREAM",
        RESETS,
        [headers(1, GET) + frame(RST_STREAM, 1, bytes(3))],
        WRONG_SIZE,
    ),
    Case(
        "reset/long",
        "RST_STREAM of 5 octets",
        RESETS,
        [headers(1, call(), end=False), frame(RST_STREAM, 1, bytes(5))],
        WRONG_SIZE,
    ),
    Case(
        "reset/empty",
        "RST_STREAM without a code",
        RESETS,
        [headers(1, call(), end=False), frame(RST_STREAM, 1)],
        WRONG_SIZE,
    ),
    Case(
        "reset/unknown-code",
        "RST_STREAM with a code that nobody knows",
        CODES,
        [headers(1, POST, end=False), rst(1, 0xFF), ping()],
        [PONG],
    ),
    Case(
        "reset/no-error",
        "RST_STREAM with NO_ERROR",
        CODES,
        [HANGING, rst(1, NO_ERROR), CALL],
        [both(status(0, stream=3), alive(1))],
    ),
    Case(
        "reset/flags",
        "RST_STREAM with undefined flags",
        "RFC 9113 §4.1",
        [HANGING, frame(RST_STREAM, 1, bytes([0, 0, 0, CANCEL]), 0xFF), CALL],
        [status(0, stream=3)],
    ),
    Case(
        "reset/others-go-on",
        "a reset does not touch a call beside it",
        RESETS,
        [HANGING, headers(3, call(), end=False), rst(1), data(3, message(payload(b"a")), end=True)],
        [status(0, stream=3, body=b"a")],
    ),
    # A server does not take pushes.
    Case(
        "push/promise",
        "PUSH_PROMISE by a client",
        PUSHES,
        [headers(1, call(), end=False), frame(PUSH_PROMISE, 1, b"\x00\x00\x00\x02" + block_of(GET), END_HEADERS)],
        BROKEN,
    ),
    Case(
        "push/zero",
        "PUSH_PROMISE on stream 0",
        "RFC 9113 §6.6",
        [frame(PUSH_PROMISE, 0, b"\x00\x00\x00\x02" + block_of(GET), END_HEADERS)],
        BROKEN,
    ),
    Case(
        "push/odd",
        "PUSH_PROMISE for a stream of the client's own",
        PUSHES,
        [headers(1, call(), end=False), frame(PUSH_PROMISE, 1, b"\x00\x00\x00\x03" + block_of(GET), END_HEADERS)],
        BROKEN,
    ),
    # PING
    Case(
        "ping/answer",
        "a PING is answered with the same octets",
        PINGS,
        [ping(b"8 octets")],
        [seen_as("these octets", lambda seen: seen.pongs[:1] == [b"8 octets"], barred=False)],
    ),
    Case(
        "ping/in-order",
        "PINGs are answered in order",
        PINGS,
        [b"".join(ping(bytes([one] * 8)) for one in range(2))],
        [seen_as("two answers in order", lambda seen: seen.pongs == [bytes([one] * 8) for one in range(2)])],
    ),
    Case(
        "ping/ack",
        "an acknowledgement that nobody asked for is not answered",
        PINGS,
        [ping(b"invalid.", flags=ACK), ping()],
        [
            seen_as(
                "one answer",
                lambda seen: seen.pongs[:1] == [b"12345678"] and b"invalid." not in seen.pongs,
                barred=False,
            )
        ],
    ),
    Case("ping/stream", "a PING on a stream", PINGS, [ping(stream=1)], BROKEN),
    Case("ping/short", "a PING of 6 octets", PINGS, [frame(PING, 0, bytes(6))], WRONG_SIZE),
    Case("ping/long", "a PING of 9 octets", PINGS, [frame(PING, 0, bytes(9))], WRONG_SIZE),
    Case("ping/empty", "an empty PING", PINGS, [frame(PING, 0)], WRONG_SIZE),
    Case("ping/ack-short", "an acknowledgement of 4 octets", PINGS, [frame(PING, 0, bytes(4), ACK)], WRONG_SIZE),
    Case(
        "ping/while-held",
        "a PING while answers wait for the window",
        PINGS,
        [headers(1, GET), BARRIER, ping()],
        [PONG],
        settings=HELD,
    ),
    # GOAWAY
    Case("goaway/idle", "GOAWAY without open streams ends the connection", GOAWAYS, [goaway(debug=b"bye")], [closed()]),
    Case("goaway/unknown-code", "GOAWAY with a code that nobody knows", CODES, [goaway(0xFF)], [closed()]),
    Case("goaway/error", "GOAWAY with an error", GOAWAYS, [goaway(INTERNAL_ERROR)], [closed()]),
    Case("goaway/stream", "GOAWAY on a stream", GOAWAYS, [goaway(stream=1)], BROKEN),
    Case("goaway/short", "GOAWAY of 7 octets", GOAWAYS, [frame(GOAWAY, 0, bytes(7))], WRONG_SIZE),
    Case(
        "goaway/open-stream",
        "what is open at a GOAWAY is answered",
        GOAWAYS,
        [headers(1, call(), end=False), BARRIER, goaway(), BARRIER, data(1, message(payload(b"a")), end=True)],
        [both(status(0, body=b"a"), closed())],
    ),
    Case(
        "goaway/held-answer",
        "an answer that waits for the window is finished after GOAWAY",
        GOAWAYS,
        [headers(1, GET), BARRIER, goaway(), BARRIER, window_update(1, 1000)],
        [both(answered(), closed())],
        settings=HELD,
    ),
    Case(
        "goaway/then-ping",
        "a PING after GOAWAY",
        GOAWAYS,
        [headers(1, call(), end=False), goaway(), ping()],
        [PONG, closed()],
    ),
    Case(
        "goaway/twice",
        "GOAWAY twice",
        GOAWAYS,
        [headers(1, call(), end=False), goaway(), goaway(), data(1, message(), end=True)],
        [both(OK, closed())],
    ),
    Case(
        "goaway/flags", "GOAWAY with undefined flags", "RFC 9113 §4.1", [frame(GOAWAY, 0, bytes(8), 0xFF)], [closed()]
    ),
    Case(
        "goaway/last-stream",
        "the server's GOAWAY names the last stream it took",
        GOAWAYS,
        [headers(1, GET), Over(1), headers(3, GET), Over(3), ping(stream=1)],
        [both(BROKEN[0], seen_as("stream 3", lambda seen: seen.last_stream == 3, barred=False))],
    ),
    Case(
        "goaway/error-after-answers",
        "an error that follows a call right away does not take its answer away",
        "RFC 9113 §5.4.1",
        [headers(1, GET), Over(1), ping(stream=5)],
        [both(answered(), BROKEN[0])],
    ),
]
