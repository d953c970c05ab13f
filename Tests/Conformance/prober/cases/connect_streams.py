"""Streams of the Connect protocol (connectrpc.com, "Connect Protocol Reference"): envelopes, the last one the end."""

from __future__ import annotations

import gzip
import json

from ..case import Case, Outcome, answered, seen_as
from ..transcript import Stream
from ..wire import ECHO, INTEROP, STREAM, Fields, field, message
from .connect import ECHOED, sent

STREAMING = "Connect: Streaming-Request"


def streamed(*messages: bytes, code: str | None = None, content_type: str = "application/connect+proto") -> Outcome:
    """HTTP 200 with these messages and the end of the stream, which has the code if one is given."""

    def test(one: Stream) -> bool:
        if not one.ended or one.status != 200 or one.head.get("content-type") != content_type or len(one.blocks) != 1:
            return False
        begin = b"".join(map(message, messages))
        end = one.body[len(begin) :]
        if not one.body.startswith(begin) or end[:1] != b"\x02" or int.from_bytes(end[1:5], "big") != len(end) - 5:
            return False
        return json.loads(end[5:]).get("error", {}).get("code") == code

    return seen_as(
        f"{len(messages)} messages and the end {code or ''}", lambda seen: test(seen.stream(1)), barred=False
    )


def stream(id: str, title: str, body: bytes, *allowed: Outcome, path: str = STREAM, extra: Fields = ()) -> Case:
    return sent(
        f"stream-{id}", title, body, *allowed, path=path, extra=extra, content_type="application/connect+proto",
        source=STREAMING,
    )  # fmt: skip


CASES = [
    stream("two", "two messages, answered one by one", message(ECHOED) * 2, streamed(ECHOED, ECHOED)),
    stream("none", "no message", b"", streamed()),
    stream(
        "server",
        "a server stream",
        message(field(2, field(1, 2)) * 2),
        streamed(*[field(1, field(2, bytes(2)))] * 2),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    stream(
        "server-none",
        "a server stream without a request",
        b"",
        streamed(code="unimplemented"),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    stream(
        "server-two",
        "a server stream with two requests",
        message() * 2,
        streamed(code="unimplemented"),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    stream(
        "fails",
        "a server stream that fails",
        message(field(7, field(1, 5))),
        streamed(code="not_found"),
        path=f"{INTEROP}/StreamingOutputCall",
    ),
    stream(
        "noise",
        "what is no protobuf",
        message(b"\xff" * 9),
        streamed(code="invalid_argument"),
        streamed(code="internal"),
    ),
    stream(
        "cut-off",
        "a message that is cut off",
        message(b"abc", length=9),
        streamed(code="invalid_argument"),
        streamed(code="internal"),
    ),
    stream(
        "end-in-request",
        "the end of a stream in a request",
        message(b"{}", 2),
        streamed(code="invalid_argument"),
        streamed(code="internal"),
    ),
    stream("flag", "a compressed message without an encoding", message(ECHOED, 1), streamed(code="internal")),
    stream("too-large", "a prefix that states 5 MB", message(length=5_000_000), streamed(code="resource_exhausted")),
    stream(
        "encoding",
        "an encoding that nobody knows",
        message(ECHOED),
        streamed(code="unimplemented"),
        extra=[("connect-content-encoding", "foo")],
    ),
    stream(
        "gzip",
        "a message in gzip",
        message(gzip.compress(ECHOED), 1),
        streamed(ECHOED),
        extra=[("connect-content-encoding", "gzip")],
    ),
    stream(
        "timeout",
        "a deadline that passes between messages",
        message(ECHOED),
        streamed(ECHOED),
        extra=[("connect-timeout-ms", "5000")],
    ),
    stream(
        "unknown-method",
        "a method that is not there",
        message(),
        streamed(code="unimplemented"),
        answered((404, 501)),
        path=f"{ECHO}/Nothing",
    ),
]
