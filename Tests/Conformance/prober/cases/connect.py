"""The Connect protocol (connectrpc.com, "Connect Protocol Reference"): unary calls by POST and GET."""

from __future__ import annotations

import gzip
import json

from ..case import Case, Outcome, answered, seen_as
from ..transcript import Stream
from ..wire import (
    ECHO,
    FRAME_SIZE,
    HANG,
    INLINE,
    INTEROP,
    STREAM,
    Fields,
    data,
    field,
    headers,
    payload,
    pieces,
    request,
)

UNARY, GET = "Connect: Unary-Request", "Connect: Unary-Get-Request"
JSON, PROTO = "application/json", "application/proto"
PAGE = f"{ECHO}/Get"
STATUS = f"{INTEROP}/UnaryCall"


def sent(
    id: str,
    title: str,
    body: bytes,
    *allowed: Outcome,
    path: str = INLINE,
    extra: Fields = (),
    content_type: str = JSON,
    source: str = UNARY,
) -> Case:
    fields = request("POST", path, extra=[("content-type", content_type), ("connect-protocol-version", "1"), *extra])
    parts = [data(1, one) for one in pieces(body, FRAME_SIZE)]
    return Case(f"connect/{id}", title, source, [headers(1, fields, end=False), *parts, data(1, end=True)], allowed)


def got(id: str, title: str, query: str, *allowed: Outcome, path: str = PAGE) -> Case:
    return Case(f"connect/get-{id}", title, GET, [headers(1, request("GET", f"{path}?{query}"))], allowed)


def is_error(one: Stream, codes: tuple[str, ...]) -> bool:
    return one.head.get("content-type") == JSON and json.loads(one.body).get("code") in codes


def fails(status: int | tuple[int, ...], *codes: str) -> Outcome:
    """The HTTP status of a code, and the code in a JSON body."""
    statuses = (status,) if isinstance(status, int) else status

    def test(one: Stream) -> bool:
        return one.ended and one.status in statuses and len(one.blocks) == 1 and is_error(one, codes)

    return seen_as(f"HTTP {statuses} with the code {codes}", lambda seen: test(seen.stream(1)), barred=False)


def says(octets: bytes, content_type: str = JSON) -> Outcome:
    """HTTP 200 with an EchoResponse of this payload, alone, without any field of gRPC."""
    text = {"payload": "YQ=="} if octets else {}

    def test(one: Stream) -> bool:
        if not one.ended or one.status != 200 or one.head.get("content-type") != content_type or len(one.blocks) != 1:
            return False
        right = (
            json.loads(one.body) == text if content_type == JSON else one.body == (payload(octets) if octets else b"")
        )
        return right and not any(name.startswith("grpc-") for name in one.head)

    return seen_as(f"an answer of {content_type}", lambda seen: test(seen.stream(1)), barred=False)


ONE = b'{"payload":"YQ=="}'
ECHOED = payload(b"a")

CASES = [
    # Unary
    sent("json", "a call in JSON", ONE, says(b"a")),
    sent("proto", "a call in protobuf", ECHOED, says(b"a", PROTO), content_type=PROTO),
    sent("json-charset", "a call in JSON with a charset", ONE, says(b"a"), content_type=f"{JSON}; charset=utf-8"),
    sent("json-empty-object", "an empty object", b"{}", says(b"")),
    sent("proto-empty", "no octets are a message in protobuf", b"", says(b"", PROTO), content_type=PROTO),
    sent("json-unknown-field", "a field that nobody knows", b'{"payload":"YQ==","more":[1,{"a":null}]}', says(b"a")),
    sent("json-broken", "what is no JSON", b"{payload", fails(400, "invalid_argument")),
    sent("json-empty", "no octets are no JSON", b"", fails(400, "invalid_argument"), says(b"")),
    sent("json-wrong-type", "a number for octets", b'{"payload":1}', fails(400, "invalid_argument")),
    sent("json-not-utf-8", "JSON that is not UTF-8", b'{"payload":"\xff"}', fails(400, "invalid_argument")),
    sent(
        "json-deep",
        "5000 objects within each other in a field that nobody knows",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        fails(400, "invalid_argument"),
    ),
    sent(
        "json-nested",
        "5000 messages within each other",
        b'{"nested":' * 5000 + b"{}" + b"}" * 5000,
        fails(400, "invalid_argument"),
        path=f"{ECHO}/Parse",
    ),
    sent(
        "json-arrays",
        "5000 arrays within each other",
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        says(b""),
        fails(400, "invalid_argument"),
    ),
    sent("proto-broken", "what is no protobuf", b"\xff" * 9, fails(400, "invalid_argument"), content_type=PROTO),
    sent("unknown-codec", "a codec that nobody knows", ONE, answered(415), content_type="application/xml"),
    sent(
        "unknown-method",
        "a method that is not there",
        ONE,
        fails((404, 501), "unimplemented"),
        answered(404),
        path=f"{ECHO}/Nothing",
    ),
    sent(
        "stream-of-unary", "a unary request for a method with streams", ONE, answered((404, 405, 415, 501)), path=STREAM
    ),
    sent(
        "version",
        "a version of the protocol that is not there",
        ONE,
        fails(400, "invalid_argument"),
        says(b"a"),
        extra=[("connect-protocol-version", "2")],
    ),
    sent(
        "status",
        "a handler that fails",
        field(7, field(1, 5) + field(2, b"no")),
        fails(404, "not_found"),
        path=STATUS,
        content_type=PROTO,
    ),
    sent(
        "status-json",
        "a handler that fails, in JSON",
        b'{"responseStatus":{"code":14}}',
        fails(503, "unavailable"),
        path=STATUS,
    ),
    sent(
        "timeout",
        "a deadline that passes",
        ONE,
        fails(504, "deadline_exceeded"),
        path=HANG,
        extra=[("connect-timeout-ms", "30")],
    ),
    sent("timeout-long", "a deadline of ten digits", ONE, says(b"a"), extra=[("connect-timeout-ms", "9999999999")]),
    sent(
        "timeout-too-long",
        "a deadline of eleven digits",
        ONE,
        fails(400, "invalid_argument"),
        extra=[("connect-timeout-ms", "99999999999")],
    ),
    *(
        sent(
            f"timeout-malformed-{at}",
            f"connect-timeout-ms {value!r}",
            ONE,
            fails(400, "invalid_argument"),
            extra=[("connect-timeout-ms", value)],
        )
        for at, value in enumerate(("soon", "-1", "1.5", "1S", "+1"))
    ),
    sent("gzip", "a body in gzip", gzip.compress(ONE), says(b"a"), extra=[("content-encoding", "gzip")]),
    sent(
        "gzip-broken",
        "a body that is not gzip",
        b"\x1f\x8bnot gzip",
        fails((400, 500), "invalid_argument", "internal"),
        extra=[("content-encoding", "gzip")],
    ),
    sent(
        "gzip-bomb",
        "64 MB in 64 KB",
        gzip.compress(bytes(8_000_000)),
        fails(429, "resource_exhausted"),
        extra=[("content-encoding", "gzip")],
    ),
    sent(
        "encoding",
        "an encoding that nobody knows",
        ONE,
        fails(501, "unimplemented"),
        extra=[("content-encoding", "foo")],
    ),
    sent("identity", "content-encoding identity", ONE, says(b"a"), extra=[("content-encoding", "identity")]),
    Case(
        "connect/too-large",
        "5 MB of JSON",
        UNARY,
        [
            headers(1, request("POST", INLINE, extra=[("content-type", JSON)]), end=False),
            *[data(1, b" " * 16_384)] * 310,
            data(1, b"{}", end=True),
        ],
        [fails(429, "resource_exhausted")],
    ),
    # GET
    got("json", "a call by GET", "connect=v1&encoding=json&message=%7B%22payload%22%3A%22YQ%3D%3D%22%7D", says(b"a")),
    got("order", "the parts of the query in another order", "message=%7B%7D&encoding=json&connect=v1", says(b"")),
    got(
        "base64",
        "a message in base64 for URLs, without padding",
        "connect=v1&encoding=proto&base64=1&message=CgFh",
        says(b"a", PROTO),
    ),
    got(
        "base64-padded",
        "the same with padding",
        "connect=v1&encoding=json&base64=1&message=eyJwYXlsb2FkIjoiWVE9PSJ9",
        says(b"a"),
    ),
    got(
        "base64-broken",
        "what is no base64",
        "connect=v1&encoding=proto&base64=1&message=***",
        fails(400, "invalid_argument"),
    ),
    got(
        "percent-broken",
        "a percent sign without digits",
        "connect=v1&encoding=json&message=%7",
        fails(400, "invalid_argument"),
    ),
    got("unknown-codec", "a codec that nobody knows", "connect=v1&encoding=xml&message=", answered(415)),
    got("no-codec", "no codec", "connect=v1&message=%7B%7D", answered((400, 415))),
    got("no-message", "no message", "connect=v1&encoding=json", answered((200, 400))),
    got(
        "version",
        "a version that is not there",
        "connect=v2&encoding=json&message=%7B%7D",
        fails(400, "invalid_argument"),
    ),
    got(
        "compression",
        "a compression that nobody knows",
        "connect=v1&encoding=json&compression=foo&message=%7B%7D",
        fails(501, "unimplemented"),
    ),
    got(
        "side-effects",
        "a method that may have side effects",
        "connect=v1&encoding=json&message=%7B%7D",
        answered(405),
        path=INLINE,
    ),
    got(
        "unknown-method",
        "a method that is not there",
        "connect=v1&encoding=json&message=%7B%7D",
        answered((404, 501)),
        path=f"{ECHO}/Nothing",
    ),
]
