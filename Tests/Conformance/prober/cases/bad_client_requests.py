"""Requests that the tests of gRPC C-core in test/core/bad_client send, against what this server must make of them."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, Outcome, alive, answered, both, connection_error, status, stream_error
from ..wire import (
    DATA,
    END_STREAM,
    GOAWAY,
    INLINE,
    NEVER,
    PROTOCOL_ERROR,
    RST_STREAM,
    STREAM,
    WINDOW_UPDATE,
    call,
    continuation,
    data,
    frame,
    headers,
    literal,
    message,
    pieces,
    replaced,
    window_update,
)
from .bad_client_frames import BODY, BROKEN, MALFORMED, WRONG_SIZE, case


def registered(id: str, *parts: bytes, allowed: tuple[Outcome, ...] = ()) -> Case:
    """DATA for a method that is there."""
    return case(
        "server_registered_method",
        id,
        f"DATA of {[len(one) for one in parts]} octets",
        [headers(1, call(INLINE), end=False), *parts],
        *allowed,
    )


BAD_TIMEOUT = literal("grpc-timeout", "15 seconds", NEVER)

CASES = [
    # badreq
    case(
        "badreq",
        "content-type",
        "a call with content-type text/html",
        [headers(1, call(content_type="text/html"), end=False), BODY],
        answered(415, grpc_status=None),
    ),
    case(
        "badreq",
        "te",
        "a call with te: frobnicate",
        [headers(1, replaced(call(), "te", "frobnicate"), end=False)],
        MALFORMED,
    ),
    case(
        "badreq",
        "two-paths",
        "a call with two paths",
        [headers(1, [(":path", "/foo/bar"), *call()], end=False)],
        MALFORMED,
    ),
    case(
        "badreq",
        "accept-encoding",
        "a call whose client takes only encodings that nobody knows",
        [headers(1, call(extra=[("grpc-accept-encoding", "nobody-knows-the-trouble-i-see")]), end=False), BODY],
        status(0, body=b"a"),
    ),
    case(
        "badreq",
        "encoding",
        "a call with an encoding that nobody knows",
        [headers(1, call(extra=[("grpc-encoding", "you-dont-know-how-to-do-this")]), end=False), BODY],
        status(12),
    ),
    # bad_streaming_id
    case("bad_streaming_id", "regular", "HEADERS on stream 1, then the client leaves", [headers(1, call(), end=False)]),
    case("bad_streaming_id", "even", "HEADERS on stream 2", [headers(2, call())], BROKEN),
    case(
        "bad_streaming_id",
        "closed",
        "HEADERS on 1, 3 and 1 again",
        [headers(1, call()) + headers(3, call()) + headers(1, call())],
        connection_error(5, PROTOCOL_ERROR),
        stream_error(5),
    ),
    # bad_timeout
    case(
        "bad_timeout",
        "seconds",
        "grpc-timeout: 15 seconds",
        [headers(1, call(extra=[("grpc-timeout", "15 seconds")]), end=False), BODY],
        status(13),
    ),
    case(
        "bad_timeout",
        "twice",
        "the same in two calls",
        [
            headers(1, call(extra=[("grpc-timeout", "15 seconds")]))
            + headers(3, call(extra=[("grpc-timeout", "15 seconds")]))
        ],
        both(status(13), status(13, stream=3)),
    ),
    case(
        "bad_timeout",
        "block",
        "a block of nothing but a bad timeout",
        [headers(1, BAD_TIMEOUT) + headers(3, BAD_TIMEOUT)],
        both(MALFORMED, stream_error(PROTOCOL_ERROR, stream=3)),
    ),
    # duplicate_header
    case(
        "duplicate_header",
        "twice",
        "header fields, DATA, and the header fields again",
        [headers(1, call(), end=False), data(1, message()), headers(1, call(), end=False)],
        MALFORMED,
    ),
    case(
        "duplicate_header",
        "unknown-method",
        "the same for a method that is not there",
        [headers(1, call("/foo/bar"), end=False) + data(1, message()) + headers(1, call("/foo/bar"), end=False)],
        MALFORMED,
        both(status(12), alive()),
        status(12),
    ),
    # head_of_line_blocking
    case(
        "head_of_line_blocking",
        "unread",
        "250 KB that a handler does not take, then a call beside it",
        [
            headers(1, call(STREAM), end=False),
            *[data(1, one) for one in pieces(message(length=300_000) + bytes(250_000), 16_384)],
            headers(3, call(), end=False) + data(3, message(), end=True),
        ],
        status(0, stream=3),
    ),
    # large_metadata
    case(
        "large_metadata",
        "17-kilobytes",
        "17 KB of metadata in one field",
        [
            headers(1, call(extra=[("x-large", "a" * 8500)]), end=False, complete=False)
            + continuation(1, [("x-larger", "b" * 8500)])
            + BODY
        ],
        status(8),
        answered(431),
    ),
    # server_registered_method
    *(registered(f"prefix-{size}", frame(DATA, 1, bytes(size))) for size in range(5)),
    *(
        registered(f"prefix-{size}-end", frame(DATA, 1, bytes(size), END_STREAM), allowed=(status(12, 13),))
        for size in range(5)
    ),
    registered("empty", data(1, message(), end=True), allowed=(OK,)),
    *(registered(f"one-octet-cut-{size}", data(1, message(length=size) + bytes(size - 1))) for size in (1, 2, 3)),
    registered("unknown-field", data(1, message(b"\x10\x00"), end=True), allowed=(OK,)),
    # simple_request and simple_request_unusual
    case(
        "simple_request",
        "usual",
        "a usual request",
        [
            headers(
                1,
                call(
                    extra=[
                        ("grpc-accept-encoding", "deflate,identity,gzip"),
                        ("user-agent", "bad-client grpc-c/0.12.0.0 (linux)"),
                    ]
                ),
                end=False,
            ),
            BODY,
        ],
        status(0, body=b"a"),
    ),
    case(
        "simple_request",
        "unusual",
        "host, a subtype of its own and two timeouts",
        [
            headers(
                1,
                [
                    (":path", INLINE),
                    (":scheme", "https"),
                    (":method", "POST"),
                    ("host", "localhost"),
                    ("content-type", "application/grpc+this-is-valid"),
                    ("te", "trailers"),
                    ("grpc-timeout", "10S"),
                    ("grpc-timeout", "5S"),
                ],
                end=False,
            ),
            BODY,
        ],
        answered(415),
        OK,
    ),
    case(
        "simple_request",
        "unusual2",
        "host, a parameter of the type and two timeouts",
        [
            headers(
                1,
                [
                    (":path", INLINE),
                    (":scheme", "https"),
                    (":method", "POST"),
                    ("host", "localhost"),
                    ("content-type", "application/grpc;this-is-valid"),
                    ("te", "trailers"),
                    ("grpc-timeout", "10S"),
                    ("grpc-timeout", "5S"),
                ],
                end=False,
            ),
            BODY,
        ],
        OK,
        status(13),
    ),
    case(
        "simple_request",
        "flag",
        "a message with the flag 0x34",
        [headers(1, call(), end=False), data(1, b"\x34\x00\x00\x00\x00", end=True)],
        status(13),
    ),
    case(
        "simple_request",
        "data-flags",
        "DATA with the flag 0x02",
        [headers(1, call(), end=False), frame(DATA, 1, b"", 2), BODY],
        status(0, body=b"a"),
    ),
    case(
        "simple_request",
        "window-short",
        "WINDOW_UPDATE that states 1 octet",
        [headers(1, call(), end=False), frame(WINDOW_UPDATE, 1, b"\x00")],
        WRONG_SIZE,
    ),
    case(
        "simple_request",
        "window-flags",
        "WINDOW_UPDATE without octets",
        [headers(1, call(), end=False), frame(WINDOW_UPDATE, 1, b"", 0x10)],
        WRONG_SIZE,
    ),
    case(
        "simple_request",
        "window-zero",
        "WINDOW_UPDATE of 0",
        [headers(1, call(), end=False), BARRIER, window_update(1, 0)],
        MALFORMED,
    ),
    case(
        "simple_request",
        "goaway-short",
        "GOAWAY of 4 octets",
        [headers(1, call(), end=False), frame(GOAWAY, 0, bytes(4))],
        WRONG_SIZE,
    ),
    case(
        "simple_request",
        "goaway-cut",
        "GOAWAY that is cut off",
        [headers(1, call(), end=False), frame(GOAWAY, 0, b"", length=274)],
    ),
    case(
        "simple_request",
        "rst-short",
        "RST_STREAM that states 1 octet",
        [headers(1, call(), end=False), frame(RST_STREAM, 1, b"\x00")],
        WRONG_SIZE,
    ),
    case(
        "simple_request",
        "rst-flags",
        "RST_STREAM without octets",
        [headers(1, call(), end=False), frame(RST_STREAM, 1, b"", 0x10)],
        WRONG_SIZE,
    ),
]
