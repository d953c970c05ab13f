"""Messages of gRPC calls: framing ("Length-Prefixed-Message"), and how many of them."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, Outcome, alive, both, seen_as, status
from ..wire import (
    ECHO,
    FRAME_SIZE,
    INTEROP,
    NO_ERROR,
    STREAM,
    Fields,
    call,
    data,
    field,
    headers,
    message,
    payload,
    pieces,
    varint,
    window_update,
)

FRAMING, CARDINALITY = "gRPC PROTOCOL-HTTP2: Length-Prefixed-Message", "gRPC statuscodes.md: cardinality"
DECODING = "gRPC statuscodes.md: request parsing"
EXHAUSTED, UNIMPLEMENTED, INTERNAL = 8, 12, 13
LIMIT = 4 * 1024 * 1024

UNARY, SERVER_STREAM, CLIENT_STREAM = (
    f"{INTEROP}/UnaryCall",
    f"{INTEROP}/StreamingOutputCall",
    f"{INTEROP}/StreamingInputCall",
)
ONE = message(payload(b"a"))


def sent(
    id: str,
    title: str,
    body: bytes,
    *allowed: Outcome,
    path: str = f"{ECHO}/Inline",
    source: str = FRAMING,
    extra: Fields = (),
) -> Case:
    """A call with this body, in as many frames as it takes."""
    parts = [data(1, one) for one in pieces(body, FRAME_SIZE)]
    return Case(
        f"message/{id}", title, source, [headers(1, call(path, extra), end=False), *parts, data(1, end=True)], allowed
    )


def replies(*bodies: bytes) -> Outcome:
    """A stream that is answered with these messages."""
    whole = b"".join(message(payload(one)) for one in bodies)
    return status(0, also=lambda one: one.body == whole)


NESTED = payload(b"")
for _ in range(3000):
    NESTED = varint(10) + varint(len(NESTED)) + NESTED
FAILS, TOO_MUCH, WRONG_NUMBER = status(INTERNAL), status(EXHAUSTED), status(UNIMPLEMENTED)
TOLD_TO_STOP = seen_as("RST_STREAM NO_ERROR behind it", lambda seen: seen.stream(1).reset == NO_ERROR)

CASES = [
    # Framing
    sent(
        "empty", "a message without octets is a message", message(), status(0, also=lambda one: one.body == message())
    ),
    Case(
        "message/in-pieces",
        "a message of which each octet is a frame",
        FRAMING,
        [headers(1, call(), end=False), b"".join(data(1, bytes([one])) for one in ONE), data(1, end=True)],
        [status(0, body=b"a")],
    ),
    Case(
        "message/prefix-cut",
        "a prefix in two frames",
        FRAMING,
        [headers(1, call(), end=False), data(1, ONE[:3]), BARRIER, data(1, ONE[3:], end=True)],
        [status(0, body=b"a")],
    ),
    sent("flag-2", "the flag 2", message(payload(b"a"), flag=2), FAILS),
    sent("flag-128", "the flag 128", message(payload(b"a"), flag=128), FAILS),
    sent("flag-255", "the flag 255", message(payload(b"a"), flag=255), FAILS),
    sent("half-prefix", "half a prefix", b"\x00\x00\x00", FAILS),
    sent("one-octet", "one octet of a prefix", b"\x00", FAILS),
    sent("prefix-only", "a prefix without its message", message(length=10), FAILS),
    sent("cut-off", "a message that is cut off", message(payload(b"abc"), length=100), FAILS),
    sent(
        "cut-off-stream",
        "a stream whose second message is cut off",
        ONE + message(payload(b"abc"), length=100),
        status(INTERNAL, 0),
        path=STREAM,
    ),
    sent("cut-off-prefix-stream", "a stream that ends within a prefix", ONE + b"\x00\x00", FAILS, path=STREAM),
    sent(
        "cut-off-client-stream",
        "a client stream that ends within a message",
        message(payload(b"abc"), length=100),
        FAILS,
        path=CLIENT_STREAM,
    ),
    Case(
        "message/four-gigabytes",
        "a prefix that states 4 GiB is refused at once",
        FRAMING,
        [headers(1, call(), end=False), data(1, message(length=0xFFFF_FFFF))],
        [both(TOO_MUCH, TOLD_TO_STOP)],
    ),
    Case(
        "message/too-large",
        "a prefix that states one octet more than the limit",
        FRAMING,
        [headers(1, call(), end=False), data(1, message(length=LIMIT + 1))],
        [both(TOO_MUCH, TOLD_TO_STOP)],
    ),
    Case(
        "message/too-large-stream",
        "the same on a stream, after a message",
        FRAMING,
        [headers(1, call(STREAM), end=False), data(1, ONE + message(length=LIMIT + 1))],
        [both(TOO_MUCH, TOLD_TO_STOP)],
    ),
    Case(
        "message/too-large-sent",
        "5 MB that are sent all the same",
        FRAMING,
        [headers(1, call(), end=False), data(1, message(length=5_000_000)), *[data(1, bytes(16_384))] * 300],
        [both(TOO_MUCH, TOLD_TO_STOP)],
    ),
    sent("largest", "a message of the limit exactly", message(field(3, field(2, bytes(LIMIT - 10)))), OK, path=UNARY),
    sent("many-small", "20000 messages of no octets on a client stream", message() * 20_000, OK, path=CLIENT_STREAM),
    sent(
        "two-in-a-frame",
        "two messages in one frame on a stream",
        ONE + message(payload(b"b")),
        replies(b"a", b"b"),
        path=STREAM,
    ),
    Case(
        "message/turn-by-turn",
        "messages of a stream are answered one by one",
        FRAMING,
        [
            headers(1, call(STREAM), end=False),
            data(1, ONE),
            BARRIER,
            data(1, message(payload(b"b"))),
            BARRIER,
            data(1, end=True),
        ],
        [replies(b"a", b"b")],
    ),
    Case(
        "message/answer-before-end",
        "a stream is answered before it is ended",
        FRAMING,
        [headers(1, call(STREAM), end=False), data(1, ONE)],
        [both(seen_as("the answer", lambda seen: seen.stream(1).body == ONE), alive(1))],
    ),
    # How many
    Case("message/none", "no DATA at all", CARDINALITY, [headers(1, call())], [WRONG_NUMBER]),
    sent("none-empty-data", "DATA without octets", b"", WRONG_NUMBER, source=CARDINALITY),
    sent("two", "two messages for a method that takes one", ONE * 2, WRONG_NUMBER, source=CARDINALITY),
    sent(
        "one-and-a-half",
        "a message and the beginning of another",
        ONE + ONE[:4],
        WRONG_NUMBER,
        FAILS,
        source=CARDINALITY,
    ),
    sent(
        "none-server-stream",
        "no message for a server stream",
        b"",
        WRONG_NUMBER,
        path=SERVER_STREAM,
        source=CARDINALITY,
    ),
    sent(
        "two-server-stream",
        "two messages for a server stream",
        message() * 2,
        WRONG_NUMBER,
        path=SERVER_STREAM,
        source=CARDINALITY,
    ),
    sent("one-server-stream", "one message for a server stream", message(), OK, path=SERVER_STREAM, source=CARDINALITY),
    sent("none-client-stream", "no message for a client stream", b"", OK, path=CLIENT_STREAM, source=CARDINALITY),
    sent(
        "none-stream",
        "no message for a stream of both sides",
        b"",
        status(0, also=lambda one: one.body == b""),
        path=STREAM,
        source=CARDINALITY,
    ),
    Case(
        "message/none-stream-at-once",
        "HEADERS that end a stream of both sides",
        CARDINALITY,
        [headers(1, call(STREAM))],
        [OK],
    ),
    # Decoding
    sent("noise", "octets that are no protobuf", message(b"\xff" * 40), FAILS, source=DECODING),
    sent("field-cut-off", "a field longer than its message", message(b"\x0a\x20abc"), FAILS, source=DECODING),
    sent("field-zero", "field 0", message(b"\x02\x01a"), FAILS, source=DECODING),
    sent("varint-endless", "a number without end", message(b"\x08" + b"\x80" * 12), FAILS, source=DECODING),
    sent("group-open", "a group without end", message(b"\x7b"), FAILS, source=DECODING),
    sent("wire-type-7", "a wire type that there is not", message(b"\x0f"), FAILS, source=DECODING),
    sent(
        "utf-8",
        "a string that is not UTF-8",
        message(field(2, b"\xc3\x28")),
        FAILS,
        path=f"{ECHO}/Parse",
        source=DECODING,
    ),
    sent("nested", "3000 messages within each other", message(NESTED), FAILS, path=f"{ECHO}/Parse", source=DECODING),
    sent(
        "unknown-fields",
        "fields that nobody knows",
        message(payload(b"a") + field(2000, b"abc") + field(2001, 7)),
        status(0, body=b"a"),
        source=DECODING,
    ),
    sent(
        "noise-stream",
        "octets that are no protobuf, on a stream",
        message(b"\xff" * 40),
        FAILS,
        path=STREAM,
        source=DECODING,
    ),
    Case(
        "message/window-for-answers",
        "an answer larger than the window, opened bit by bit",
        "RFC 9113 §6.9",
        [
            headers(1, call(), end=False),
            *[data(1, one) for one in pieces(message(payload(bytes(80_000))), FRAME_SIZE)],
            data(1, end=True),
            *[part for _ in range(10) for part in (window_update(0, 2000), window_update(1, 2000), BARRIER)],
        ],
        [OK],
    ),
]
