"""Requests: pseudo-header fields (RFC 9113 §8.3), the exchange (§8.1), CONNECT (§8.5)."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, alive, answered, both, seen_as, status, stream_error
from ..wire import (
    GET,
    HANG,
    POST,
    PROTOCOL_ERROR,
    Fields,
    call,
    data,
    headers,
    message,
    payload,
    replaced,
    request,
    without,
)

PSEUDO, REQUESTS, EXCHANGE, CONNECT = "RFC 9113 §8.3", "RFC 9113 §8.3.1", "RFC 9113 §8.1", "RFC 9113 §8.5"

WRONG = [stream_error(PROTOCOL_ERROR)]
BAD = [stream_error(PROTOCOL_ERROR), answered(400)]
MORE = [("x-test", "ok")]
# Whether there is a page at / is not the point.
PAGE = (200, 404)


def wrong(id: str, title: str, fields: Fields, source: str = REQUESTS, allowed=WRONG) -> Case:
    return Case(f"pseudo/{id}", title, source, [headers(1, fields)], allowed)


def method(name: str, *statuses: int) -> Case:
    return Case(
        f"request/{name.lower()}", f"{name} /", EXCHANGE, [headers(1, request(name))], [answered(statuses or None)]
    )


CASES = [
    wrong("unknown", "an unknown pseudo-field", [*GET, (":test", "ok")], PSEUDO),
    wrong("of-answers", ":status in a request", [*GET, (":status", "200")], PSEUDO),
    wrong("empty-name", "a pseudo-field without a name", [*GET, (":", "ok")], PSEUDO),
    wrong("upper-case", ":Method", [(":Method", "GET"), *GET[1:]], PSEUDO),
    wrong("after-field", "pseudo-fields after another field", [*MORE, *GET], PSEUDO),
    wrong("one-after-field", "one pseudo-field after another field", [*GET[:3], *MORE, GET[3]], PSEUDO),
    wrong("no-method", "no :method", without(GET, ":method")),
    wrong("no-scheme", "no :scheme", without(GET, ":scheme")),
    wrong("no-path", "no :path", without(GET, ":path")),
    wrong("no-scheme-no-path", "neither :scheme nor :path", without(GET, ":scheme", ":path")),
    wrong("none", "no pseudo-field at all", MORE),
    wrong("method-twice", ":method twice", [*GET, (":method", "GET")]),
    wrong("scheme-twice", ":scheme twice", [*GET, (":scheme", "https")]),
    wrong("path-twice", ":path twice", [*GET, (":path", "/other")]),
    wrong("authority-twice", ":authority twice", [*GET, (":authority", "localhost")]),
    wrong("path-empty", "an empty :path", replaced(GET, ":path", "")),
    wrong("path-relative", "a :path without a slash", replaced(GET, ":path", "relative"), allowed=BAD),
    wrong("path-asterisk", "GET *", replaced(GET, ":path", "*"), allowed=BAD),
    wrong("path-nul", "a :path with NUL", replaced(GET, ":path", b"/a\x00b")),
    wrong("path-blank", "a :path with a blank", replaced(GET, ":path", "/a b"), allowed=[*BAD, answered(PAGE)]),
    wrong("path-line-feed", "a :path with a line feed", replaced(GET, ":path", b"/a\nb")),
    wrong("method-empty", "an empty :method", replaced(GET, ":method", "")),
    wrong("method-blank", "a :method that is no token", replaced(GET, ":method", "GET /")),
    wrong(
        "method-lower-case",
        "a :method in lower case, which is another one",
        replaced(GET, ":method", "get"),
        "RFC 9110 §9.1",
        [answered({400, 404, 405, 415, 501})],
    ),
    wrong(
        "scheme-http",
        ":scheme http over TLS",
        replaced(GET, ":scheme", "http"),
        allowed=[answered({400, 421}), stream_error(PROTOCOL_ERROR)],
    ),
    wrong(
        "scheme-other",
        ":scheme ftp",
        replaced(GET, ":scheme", "ftp"),
        allowed=[answered({400, 421}), stream_error(PROTOCOL_ERROR)],
    ),
    wrong("scheme-broken", "a :scheme that is none", replaced(GET, ":scheme", "ht tp"), allowed=BAD),
    wrong("no-authority", "neither :authority nor host", without(GET, ":authority"), allowed=BAD),
    wrong("authority-empty", "an empty :authority", replaced(GET, ":authority", ""), allowed=BAD),
    wrong("authority-broken", "an :authority with a blank", replaced(GET, ":authority", "local host"), allowed=BAD),
    wrong(
        "host-only",
        "host instead of :authority",
        [*without(GET, ":authority"), ("host", "localhost")],
        allowed=[answered(PAGE)],
    ),
    wrong("host-as-well", "host and :authority, alike", [*GET, ("host", "localhost")], allowed=[answered(PAGE)]),
    wrong(
        "host-differs",
        "host and :authority, different",
        [*GET, ("host", "example.org")],
        allowed=[*BAD, answered(PAGE)],
    ),
    wrong(
        "host-twice",
        "host twice",
        [*without(GET, ":authority"), ("host", "localhost"), ("host", "localhost")],
        allowed=BAD,
    ),
    Case(
        "pseudo/in-trailers",
        "a pseudo-field in trailers",
        "RFC 9113 §8.1",
        [headers(1, POST, end=False), data(1, b"test"), headers(1, [(":method", "POST")])],
        WRONG,
    ),
    Case(
        "pseudo/in-trailers-later",
        "the same after a while",
        "RFC 9113 §8.1",
        [headers(1, POST, end=False), BARRIER, data(1, b"test"), BARRIER, headers(1, [(":method", "POST")])],
        WRONG,
    ),
    Case(
        "pseudo/in-trailers-open",
        "the same without END_STREAM",
        "RFC 9113 §8.1",
        [headers(1, POST, end=False), data(1, b"test"), headers(1, [(":method", "POST")], end=False)],
        WRONG,
    ),
    Case(
        "pseudo/in-trailers-of-call",
        "a pseudo-field in the trailers of a call",
        "RFC 9113 §8.1",
        [headers(1, call(), end=False), data(1, message()), headers(1, [(":status", "200")])],
        WRONG,
    ),
    # Methods
    method("GET", *PAGE),
    method("HEAD", *PAGE),
    method("POST"),
    method("PUT"),
    method("DELETE"),
    method("OPTIONS"),
    method("PATCH"),
    method("TRACE"),
    method("BREW"),
    Case(
        "request/head-has-no-body",
        "the answer to HEAD has no DATA",
        "RFC 9110 §9.3.2",
        [headers(1, request("HEAD"))],
        [both(answered(PAGE), seen_as("no DATA", lambda seen: not seen.stream(1).sizes))],
    ),
    Case("request/options-asterisk", "OPTIONS *", REQUESTS, [headers(1, request("OPTIONS", "*"))], [answered()]),
    Case("request/query", "a path with a query", REQUESTS, [headers(1, request(path="/?a=b&c"))], [answered()]),
    Case(
        "request/long-path",
        "a path of 8000 octets",
        REQUESTS,
        [headers(1, request(path="/" + "a" * 8000))],
        [answered({404, 414})],
    ),
    Case(
        "request/post-body",
        "POST with a body",
        EXCHANGE,
        [headers(1, POST, end=False), data(1, b"test", end=True)],
        [answered()],
    ),
    Case(
        "request/post-bodies",
        "POST with a body in two frames",
        EXCHANGE,
        [headers(1, POST, end=False), data(1, b"test"), data(1, b"test", end=True)],
        [answered()],
    ),
    Case(
        "request/post-padded",
        "POST with a padded body",
        EXCHANGE,
        [headers(1, POST, end=False), data(1, b"test", end=True, pad=6)],
        [answered()],
    ),
    Case(
        "request/post-trailers",
        "POST with trailers",
        EXCHANGE,
        [headers(1, [*POST, ("trailer", "x-test")], end=False), data(1, b"test"), headers(1, MORE)],
        [answered()],
    ),
    Case(
        "request/trailers-only",
        "trailers right after HEADERS",
        EXCHANGE,
        [headers(1, POST, end=False), headers(1, MORE)],
        [answered()],
    ),
    Case(
        "request/trailers-open",
        "trailers without END_STREAM",
        EXCHANGE,
        [headers(1, POST, end=False), data(1, b"test"), headers(1, MORE, end=False)],
        WRONG,
    ),
    Case(
        "request/trailers-open-later",
        "the same after a while",
        EXCHANGE,
        [headers(1, POST, end=False), BARRIER, data(1, b"test"), BARRIER, headers(1, MORE, end=False)],
        WRONG,
    ),
    Case(
        "request/trailers-open-of-call",
        "trailers of a call without END_STREAM",
        EXCHANGE,
        [headers(1, call(), end=False), data(1, message()), headers(1, MORE, end=False)],
        WRONG,
    ),
    Case(
        "request/trailers-of-call",
        "trailers of a call end it",
        EXCHANGE,
        [headers(1, call(), end=False), data(1, message(payload(b"a"))), headers(1, MORE)],
        [status(0, body=b"a")],
    ),
    Case(
        "request/data-after-trailers",
        "DATA after trailers",
        "RFC 9113 §5.1",
        [headers(1, call(HANG), end=False), data(1, message()), headers(1, MORE), BARRIER, data(1, b"x")],
        [stream_error(5)],
    ),
    Case(
        "request/expect",
        "expect: 100-continue",
        "RFC 9110 §10.1.1",
        [headers(1, [*POST, ("expect", "100-continue")], end=False), data(1, b"test", end=True)],
        [answered()],
    ),
    Case(
        "request/priority-field",
        "a priority field",
        "RFC 9218 §4",
        [headers(1, [*GET, ("priority", "u=0")])],
        [answered()],
    ),
    Case(
        "request/hundred-at-once",
        "a hundred requests in one flight",
        "RFC 9113 §5.1.2",
        [b"".join(headers(one, GET) for one in range(1, 200, 2))],
        [
            both(
                answered(stream=199),
                seen_as("a hundred answers", lambda seen: sum(one.ended for one in seen.streams.values()) == 100),
            )
        ],
    ),
    # CONNECT
    wrong(
        "connect",
        "CONNECT is not for this server",
        [(":method", "CONNECT"), (":authority", "localhost:443")],
        CONNECT,
        [answered({400, 403, 404, 405, 415, 501}), stream_error(PROTOCOL_ERROR, 10)],
    ),
    wrong("connect-with-path", "CONNECT with :scheme and :path", request("CONNECT"), CONNECT),
    wrong("connect-without-authority", "CONNECT without :authority", [(":method", "CONNECT")], CONNECT),
    wrong(
        "connect-protocol",
        "extended CONNECT, which the server did not offer",
        [*request("CONNECT"), (":protocol", "websocket")],
        "RFC 8441 §3",
    ),
    wrong(
        "protocol-of-get",
        ":protocol in another request than CONNECT",
        [*GET, (":protocol", "websocket")],
        "RFC 8441 §4",
    ),
    Case(
        "request/no-user-agent",
        "a call with the fewest fields",
        "gRPC PROTOCOL-HTTP2: Requests",
        [headers(1, call(), end=False), data(1, message(), end=True)],
        [both(OK, alive(1))],
    ),
]
