"""Header fields (RFC 9113 §8.2) and what makes a message malformed (§8.1.1)."""

from __future__ import annotations

from ..case import Case, answered, status, stream_error
from ..wire import GET, POST, PROTOCOL_ERROR, Fields, call, data, headers, message, payload, request, rst

NAMES, CONNECTION, MALFORMED = "RFC 9113 §8.2.1", "RFC 9113 §8.2.2", "RFC 9113 §8.1.1"

WRONG = [stream_error(PROTOCOL_ERROR)]


def wrong(
    id: str, title: str, field: tuple[str | bytes, str | bytes], source: str = NAMES, *more: tuple[str, str]
) -> Case:
    return Case(f"fields/{id}", title, source, [headers(1, request(extra=[field, *more]))], WRONG)


def right(id: str, title: str, *fields: tuple[str | bytes, str | bytes], source: str = NAMES) -> Case:
    """In a call, whose metadata such fields would be."""
    sends = [headers(1, call(extra=fields), end=False), data(1, message(payload(b"a")), end=True)]
    return Case(f"fields/{id}", title, source, sends, [status(0, body=b"a")])


def length(id: str, stated: str, *parts: bytes, allowed=WRONG, fields: Fields = POST) -> Case:
    """A request with a content-length, whose body comes in these parts."""
    ends = not parts
    sends = [headers(1, [*fields, ("content-length", stated)], end=ends)]
    sends += [data(1, one, end=at == len(parts) - 1) for at, one in enumerate(parts)]
    title = f"content-length {stated!r} of {[len(one) for one in parts]} octets"
    return Case(f"content-length/{id}", title, MALFORMED, sends, allowed)


CASES = [
    # Names
    wrong("upper-case", "a name in capitals", ("X-TEST", "ok")),
    wrong("upper-case-letter", "a name with one capital", ("x-tEst", "ok")),
    wrong("space-in-name", "a name with a space", ("x test", "ok")),
    wrong("space-behind-name", "a name with a space behind it", ("x-test ", "ok")),
    wrong("tab-in-name", "a name with a tab", ("x\ttest", "ok")),
    wrong("nul-in-name", "a name with NUL", (b"x-te\x00st", "ok")),
    wrong("line-feed-in-name", "a name with a line feed", (b"x-test\nx-other", "ok")),
    wrong("delete-in-name", "a name with DEL", (b"x-test\x7f", "ok")),
    wrong("high-octet-in-name", "a name with an octet above 0x7F", (b"x-t\xc3\xa9st", "ok")),
    wrong("colon-in-name", "a name with a colon that is not its first octet", ("x:test", "ok")),
    wrong("empty-name", "an empty name", ("", "ok")),
    # Values
    wrong("nul-in-value", "a value with NUL", ("x-test", b"o\x00k")),
    wrong("line-feed-in-value", "a value with a line feed", ("x-test", b"ok\nx-other: 1")),
    wrong("carriage-return-in-value", "a value with a carriage return", ("x-test", b"ok\r")),
    # Cutting the blanks off or dropping the field is common, and gRPC forbids to fail where HTTP would not have to.
    *(
        Case(
            f"fields/{id}",
            f"a value with {id.replace('-', ' ')}",
            NAMES,
            [headers(1, call(extra=[("x-test", value)]), end=False), data(1, message(), end=True)],
            [stream_error(PROTOCOL_ERROR), status(0)],
        )
        for id, value in (
            ("blank-before", " ok"),
            ("blank-behind", "ok "),
            ("tab-before", "\tok"),
            ("tab-behind", "ok\t"),
        )
    ),
    right("value-empty", "an empty value", ("x-test", "")),
    right("value-visible", "a value of all visible characters", ("x-test", bytes(range(0x21, 0x7F)))),
    right("value-blanks-within", "a value with blanks and a tab in it", ("x-test", "a b\tc")),
    right("value-high-octets", "a value with octets above 0x7F (obs-text of RFC 9110)", ("x-test", b"\xc3\xa9\xff")),
    right(
        "name-characters", "a name of all characters that gRPC knows", ("abcdefghijklmnopqrstuvwxyz0123456789-_.", "ok")
    ),
    right("name-token", "a name of the other characters of a token", ("!#$%&'*+^`|~", "ok")),
    right("same-name-twice", "one name with two values", ("x-test", "1"), ("x-test", "2")),
    right("cookies", "a cookie in crumbs", ("cookie", "a=b"), ("cookie", "c=d"), source="RFC 9113 §8.2.3"),
    # Fields that speak of the connection
    wrong("connection", "connection", ("connection", "keep-alive"), CONNECTION),
    wrong("connection-close", "connection: close", ("connection", "close"), CONNECTION),
    wrong("keep-alive", "keep-alive", ("keep-alive", "timeout=5"), CONNECTION),
    wrong("proxy-connection", "proxy-connection", ("proxy-connection", "keep-alive"), CONNECTION),
    wrong("transfer-encoding", "transfer-encoding", ("transfer-encoding", "chunked"), CONNECTION),
    wrong("upgrade", "upgrade", ("upgrade", "websocket"), CONNECTION),
    wrong("te", "te with another value than trailers", ("te", "trailers, deflate"), CONNECTION, ("trailers", "test")),
    wrong("te-gzip", "te: gzip", ("te", "gzip"), CONNECTION),
    Case(
        "fields/te-trailers",
        "te: trailers",
        CONNECTION,
        [headers(1, request(extra=[("te", "trailers")]))],
        [answered()],
    ),
    # The length of a body
    length("too-small", "1", b"test"),
    length("too-small-in-two", "1", b"test", b"test"),
    length("too-large", "8", b"test"),
    length("without-body", "4"),
    length("no-number", "four", b"test"),
    length("negative", "-4", b"test"),
    length("signed", "+4", b"test"),
    length("beyond-64-bits", "18446744073709551620", b"test"),
    length("twice", "4", b"test", fields=[*POST, ("content-length", "4")]),
    length("twice-different", "4", b"test", fields=[*POST, ("content-length", "5")]),
    length("right", "4", b"test", allowed=[answered()]),
    length("right-in-two", "8", b"test", b"test", allowed=[answered()]),
    length("none", "0", allowed=[answered()]),
    length("none-with-empty-data", "0", b"", allowed=[answered()]),
    length("of-a-call", "8", message(payload(b"a")), allowed=[status(0, body=b"a")], fields=call()),
    length("of-a-call-too-small", "7", message(payload(b"a")), fields=call()),
    length("of-a-call-too-large", "9", message(payload(b"a")), fields=call()),
    Case(
        "content-length/padding",
        "padding is no part of the length",
        MALFORMED,
        [headers(1, [*POST, ("content-length", "4")], end=False), data(1, b"test", end=True, pad=10)],
        [answered()],
    ),
    Case(
        "content-length/trailers",
        "trailers that come before the stated length is full",
        MALFORMED,
        [headers(1, [*POST, ("content-length", "8")], end=False), data(1, b"test"), headers(1, [("x-test", "ok")])],
        WRONG,
    ),
    Case(
        "fields/malformed-then-right",
        "a malformed request does not harm the next one",
        "RFC 9113 §5.4.2",
        [headers(1, request(extra=[("X-A", "1")])), headers(3, GET)],
        [answered(stream=3)],
    ),
    Case(
        "fields/malformed-then-reset",
        "a malformed request that the client resets itself",
        "RFC 9113 §5.4.2",
        [headers(1, request(extra=[("X-A", "1")])) + rst(1), headers(3, GET)],
        [answered(stream=3)],
    ),
]
