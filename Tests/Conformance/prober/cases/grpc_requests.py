"""What makes a request a gRPC call (gRPC PROTOCOL-HTTP2, "Requests")."""

from __future__ import annotations

from ..case import (
    OK,
    Case,
    Outcome,
    Over,
    answered,
    both,
    connection_error,
    seen_as,
    status,
    stream_error,
)
from ..wire import (
    ASYNC,
    ECHO,
    ENHANCE_YOUR_CALM,
    GET,
    INDEXING,
    INLINE,
    MAX_HEADER_LIST_SIZE,
    PROTOCOL_ERROR,
    Fields,
    block_of,
    call,
    continuation,
    data,
    headers,
    indexed,
    literal,
    message,
    payload,
    pieces,
    replaced,
    request,
    without,
)

REQUESTS, STATUS = "gRPC PROTOCOL-HTTP2: Requests", "gRPC statuscodes.md"
SIZES = "gRPC PROTOCOL-HTTP2: Custom-Metadata size"
UNIMPLEMENTED, EXHAUSTED = 12, 8

BODY = data(1, message(payload(b"a")), end=True)
# 415 must not carry a grpc-status: clients map the HTTP status (wire.md §1.1).
UNSUPPORTED = [answered(415, grpc_status=None)]


def sent(fields: Fields, *allowed: Outcome, id: str, title: str, source: str = REQUESTS, body: bytes = BODY) -> Case:
    return Case(f"grpc/{id}", title, source, [headers(1, fields, end=False), body], allowed)


def typed(id: str, content_type: str | None, *allowed: Outcome) -> Case:
    fields = without(call(), "content-type") if content_type is None else call(content_type=content_type)
    return sent(fields, *allowed, id=f"type-{id}", title=f"content-type {content_type!r}")


def path(id: str, name: str) -> Case:
    return sent(
        call(name),
        status(UNIMPLEMENTED, trailers_only=True, also=lambda one: bool(one.head.get("grpc-message"))),
        id=f"path-{id}",
        title=f"the path {name!r}",
        source=STATUS,
    )


def large(octets: int) -> list[bytes]:
    """A call with so much metadata, in as many frames as that takes."""
    block = block_of(call(extra=[(f"x-large-{number}", "y" * 1000) for number in range(octets // 1000)]))
    first, *rest = pieces(block, 16_000)
    parts = [headers(1, first, end=False, complete=not rest)]
    return parts + [continuation(1, one, complete=at == len(rest) - 1) for at, one in enumerate(rest)] + [BODY]


BOMB = [
    headers(1, block_of(GET) + literal("x-bomb", "y" * 4000, INDEXING)),
    Over(1),
    headers(3, block_of(call()) + indexed(62) * 10_000, end=False),
    data(3, message(), end=True),
]

CASES = [
    sent(call(), status(0, body=b"a", trailers_only=False), id="right", title="a correct call"),
    sent(call(ASYNC), status(0, body=b"a"), id="right-async", title="a correct call of a method that answers later"),
    # Method, scheme, te
    *(
        sent(
            replaced(call(), ":method", name),
            answered(405, allow="POST", grpc_status=None),
            id=f"method-{name.lower()}",
            title=f"{name} with a gRPC content-type",
        )
        for name in ("GET", "PUT", "PATCH")
    ),
    sent(
        replaced(call(), ":scheme", "http"),
        answered(400),
        stream_error(PROTOCOL_ERROR),
        id="scheme-http",
        title=":scheme http over TLS",
    ),
    sent(without(call(), "te"), OK, id="te-missing", title="no te; lenient as grpc-go is"),
    sent(
        replaced(call(), "te", "gzip"),
        stream_error(PROTOCOL_ERROR),
        id="te-gzip",
        title="te: gzip",
        source="RFC 9113 §8.2.2",
    ),
    sent(
        without(call(), ":authority"),
        stream_error(PROTOCOL_ERROR),
        answered(400),
        id="no-authority",
        title="neither :authority nor host",
        source="gRFC A41",
    ),
    sent(
        [*without(call(), ":authority"), ("host", "localhost")],
        OK,
        id="host-only",
        title="host instead of :authority",
        source="gRFC A41",
    ),
    sent([*call(), ("host", "localhost")], OK, id="host-as-well", title="host and :authority", source="gRFC A41"),
    # Paths: an exact match, before anything else is decided.
    path("no-method", f"{ECHO}/Nothing"),
    path("no-service", "/no.Service/Inline"),
    path("service-only", ECHO),
    path("no-slash-between", "/Inline"),
    path("root", "/"),
    path("slash-behind", f"{INLINE}/"),
    path("query", f"{INLINE}?a=b"),
    path("lower-case", INLINE.lower()),
    path("two-slashes", f"/{INLINE}"),
    path("percent", INLINE.replace("I", "%49")),
    path("dots", f"{ECHO}/../{ECHO[1:]}/Inline"),
    path("semicolon", f"{INLINE};v=1"),
    path("empty-service", "//Inline"),
    path("long", f"{ECHO}/{'I' * 5000}"),
    sent(
        replaced(call(), ":path", INLINE[1:]),
        status(UNIMPLEMENTED),
        stream_error(PROTOCOL_ERROR),
        answered(400),
        id="path-no-leading-slash",
        title="a path without its first slash must not reach the method",
    ),
    # Content types
    typed(
        "proto",
        "application/grpc+proto",
        status(0, body=b"a", also=lambda one: one.head["content-type"] == "application/grpc+proto"),
    ),
    typed("parameter", "application/grpc;charset=utf-8", OK),
    typed("parameter-blank", "application/grpc; charset=utf-8", OK),
    typed("case", "Application/GRPC", OK),
    typed("none", None, *UNSUPPORTED),
    typed("empty", "", *UNSUPPORTED),
    typed("text", "text/plain", *UNSUPPORTED),
    typed("octets", "application/octet-stream", *UNSUPPORTED),
    typed("longer", "application/grpcx", *UNSUPPORTED),
    typed("shorter", "application/grp", *UNSUPPORTED),
    typed("thrift", "application/grpc+thrift", *UNSUPPORTED),
    typed("plus-nothing", "application/grpc+", *UNSUPPORTED),
    typed("web-text", "application/grpc-web-text", *UNSUPPORTED),
    typed("connect-unknown", "application/connect+xml", *UNSUPPORTED),
    sent(
        call(content_type="text/plain"),
        both(
            UNSUPPORTED[0],
            seen_as("accept-post", lambda seen: "application/grpc" in seen.stream(1).head.get("accept-post", "")),
        ),
        id="type-accept-post",
        title="415 says what is taken",
        source="RFC 9110 §15.5.16",
    ),
    # Metadata
    sent(
        call(extra=[("grpc-previous-rpc-attempts", "2"), ("grpc-own", "x"), ("grpc-message-type", "a.B")]),
        OK,
        id="reserved-names",
        title="fields of the names that gRPC keeps for itself",
    ),
    sent(
        call(extra=[("user-agent", "grpc-c/1.0"), ("x-a", "1"), ("x-a", "2"), ("x-a", "3")]),
        OK,
        id="same-name",
        title="a key with three values",
    ),
    Case(
        "grpc/headers-announced",
        "the limit of header lists is announced",
        SIZES,
        [],
        [seen_as("8 KiB or more", lambda seen: seen.settings.get(MAX_HEADER_LIST_SIZE, 0) >= 8192)],
    ),
    Case("grpc/headers-large", "15 KB of metadata", SIZES, large(15_000), [OK]),
    Case("grpc/headers-too-large", "20 KB of metadata", SIZES, large(20_000), [status(EXHAUSTED), answered(431)]),
    Case(
        "grpc/headers-much-too-large",
        "60 KB of metadata",
        SIZES,
        large(60_000),
        [status(EXHAUSTED), answered(431), connection_error(ENHANCE_YOUR_CALM)],
    ),
    Case(
        "grpc/headers-too-large-page",
        "20 KB of header fields for a page",
        "RFC 6585 §5",
        [
            headers(
                1, block_of(request(extra=[(f"x-{one}", "y" * 1000) for one in range(20)]))[:16_000], complete=False
            ),
            continuation(1, block_of(request(extra=[(f"x-{one}", "y" * 1000) for one in range(20)]))[16_000:]),
        ],
        [answered(431)],
    ),
    Case(
        "grpc/headers-bomb",
        "10000 indexes of a field of 4 KB",
        "RFC 9113 §10.5",
        BOMB,
        [
            status(EXHAUSTED, stream=3),
            answered(431, stream=3),
            connection_error(ENHANCE_YOUR_CALM),
            stream_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, stream=3),
        ],
    ),
]
