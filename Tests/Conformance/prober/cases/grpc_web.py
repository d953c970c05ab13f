"""gRPC-Web, binary (grpc PROTOCOL-WEB.md): the same messages, and the trailers as a last one."""

from __future__ import annotations

from ..case import BARRIER, Case, Outcome, answered, both, seen_as
from ..transcript import Stream
from ..wire import (
    ASYNC,
    ECHO,
    HANG,
    INLINE,
    INTEROP,
    Fields,
    data,
    field,
    headers,
    message,
    payload,
    replaced,
    request,
)

WEB = "grpc PROTOCOL-WEB.md"
TYPE = "application/grpc-web+proto"
ONE = message(payload(b"a"))
MEGABYTES = 5_000_000


def web(path: str = INLINE, extra: Fields = (), content_type: str = TYPE) -> Fields:
    return request("POST", path, extra=[("content-type", content_type), ("x-grpc-web", "1"), *extra])


def sent(
    id: str,
    title: str,
    body: bytes,
    *allowed: Outcome,
    path: str = INLINE,
    extra: Fields = (),
    content_type: str = TYPE,
) -> Case:
    sends = [headers(1, web(path, extra, content_type), end=False), data(1, body, end=True)]
    return Case(f"grpc-web/{id}", title, WEB, sends, allowed)


def split(body: bytes) -> tuple[list[bytes], dict[str, str] | None]:
    """The messages of an answer, and the trailers behind them."""
    messages = []
    while len(body) >= 5:
        flag, size = body[0], int.from_bytes(body[1:5], "big")
        content, body = body[5 : 5 + size], body[5 + size :]
        if flag == 0x80:
            lines = content.decode().removesuffix("\r\n").split("\r\n")
            # Nothing may follow the trailers.
            return messages, None if body else dict(line.split(": ", 1) for line in lines)
        messages.append(content)
    return messages, None


def web_status(*codes: int, messages: list[bytes] | None = None, content_type: str = TYPE) -> Outcome:
    """HTTP 200 without HTTP trailers, and the status in the last message, or without messages in the header fields."""

    def test(one: Stream) -> bool:
        if not one.ended or one.status != 200 or len(one.blocks) != 1 or one.head.get("content-type") != content_type:
            return False
        if not one.body:
            return not messages and int(one.head.get("grpc-status", "-1")) in codes
        got, trailers = split(one.body)
        right = trailers is not None and int(trailers.get("grpc-status", "-1")) in codes
        return right and all(name == name.lower() for name in trailers or ()) and (messages is None or got == messages)

    return seen_as(f"a gRPC-Web answer with status {codes}", lambda seen: test(seen.stream(1)), barred=False)


def says(coded: str) -> Outcome:
    """The status message, percent-encoded as in gRPC."""

    def test(one: Stream) -> bool:
        return f"grpc-message: {coded}\r\n".encode() in one.body or one.head.get("grpc-message") == coded

    return seen_as(f"the message {coded}", lambda seen: test(seen.stream(1)))


CASES = [
    sent("proto", "a call", ONE, web_status(0, messages=[payload(b"a")])),
    sent(
        "no-subtype",
        "a call whose type has no subtype",
        ONE,
        web_status(0, messages=[payload(b"a")], content_type="application/grpc-web"),
        content_type="application/grpc-web",
    ),
    sent("async", "a call that is answered later", ONE, web_status(0, messages=[payload(b"a")]), path=ASYNC),
    sent("empty", "a message of 0 octets", message(), web_status(0, messages=[b""])),
    sent("none", "no message", b"", web_status(12)),
    sent("two", "two messages for a method that takes one", ONE * 2, web_status(12)),
    sent("unknown-method", "a method that is not there", ONE, web_status(12), path=f"{ECHO}/Nothing"),
    sent("cut-off", "a message that is cut off", message(b"abc", length=9), web_status(13)),
    sent("noise", "octets that are no protobuf", message(b"\xff" * 9), web_status(13)),
    sent(
        "trailers-in-request", "the flag of trailers in a request", ONE + message(b"a: b\r\n", 0x80), web_status(13, 12)
    ),
    sent("flag", "an unknown flag", message(payload(b"a"), 4), web_status(13)),
    sent("too-large", "a prefix that states 5 MB", message(length=MEGABYTES), web_status(8)),
    sent("encoding", "grpc-encoding foo", ONE, web_status(12), extra=[("grpc-encoding", "foo")]),
    sent("timeout", "a deadline that is over", ONE, web_status(4), path=HANG, extra=[("grpc-timeout", "30m")]),
    sent("timeout-malformed", "a malformed deadline", ONE, web_status(13), extra=[("grpc-timeout", "soon")]),
    sent("te", "te: trailers does no harm", ONE, web_status(0), extra=[("te", "trailers")]),
    sent(
        "status",
        "a handler that fails with a message beyond ASCII",
        message(field(7, field(1, 5) + field(2, "nö\n".encode()))),
        both(web_status(5), says("n%C3%B6%0A")),
        path=f"{INTEROP}/UnaryCall",
    ),
    sent(
        "stream",
        "a server stream of three messages",
        message(field(2, field(1, 2)) * 3),
        web_status(0, messages=[field(1, field(2, bytes(2)))] * 3),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    sent(
        "stream-fails",
        "a server stream that fails behind a message",
        message(field(2, field(1, 2)) + field(7, field(1, 5))),
        web_status(5),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    Case(
        "grpc-web/get",
        "GET with the type of gRPC-Web",
        WEB,
        [headers(1, replaced(web(), ":method", "GET"))],
        [answered(405, grpc_status=None)],
    ),
    Case(
        "grpc-web/early",
        "a method that is not there, and a request that takes its time",
        WEB,
        [headers(1, web(f"{ECHO}/Nothing"), end=False), BARRIER, data(1, ONE, end=True)],
        [web_status(12)],
    ),
]
