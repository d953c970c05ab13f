"""Compression of gRPC messages (gRPC compression.md)."""

from __future__ import annotations

import gzip

from ..case import OK, status
from ..transcript import Stream
from ..wire import STREAM, message, payload
from .grpc_messages import EXHAUSTED, INTERNAL, ONE, UNIMPLEMENTED, replies, sent

COMPRESSION = "gRPC compression.md"
GZIP = [("grpc-encoding", "gzip")]
FAILS, TOO_MUCH = status(INTERNAL), status(EXHAUSTED)


def squeezed(octets: bytes) -> bytes:
    return message(gzip.compress(octets, mtime=0), flag=1)


def is_plain(one: Stream) -> bool:
    """No message of an answer is compressed, and none was announced to be."""
    return one.head.get("grpc-encoding", "identity") == "identity" and one.body[:1] == b"\x00"


def is_announced(one: Stream) -> bool:
    """A compressed message was announced (grpc-encoding) and is right."""
    if one.body[:1] == b"\x00":
        return one.body == ONE
    return one.head.get("grpc-encoding") == "gzip" and gzip.decompress(one.body[5:]) == payload(b"a")


def names_others(one: Stream) -> bool:
    names = [name.strip() for name in one.head.get("grpc-accept-encoding", "").split(",")]
    return "identity" in names and "gzip" in names and not {"brotli", "snappy", "foo"} & set(names)


CASES = [
    sent(
        "flag-without-encoding",
        "a compressed message without grpc-encoding",
        squeezed(payload(b"a")),
        FAILS,
        source=COMPRESSION,
    ),
    sent(
        "flag-identity",
        "a compressed message with grpc-encoding identity",
        squeezed(payload(b"a")),
        FAILS,
        source=COMPRESSION,
        extra=[("grpc-encoding", "identity")],
    ),
    sent(
        "identity",
        "grpc-encoding identity",
        ONE,
        status(0, body=b"a"),
        source=COMPRESSION,
        extra=[("grpc-encoding", "identity")],
    ),
    *(
        sent(
            f"encoding-{name}",
            f"grpc-encoding {name} is refused, with those that are taken",
            ONE,
            status(UNIMPLEMENTED, also=names_others),
            source=COMPRESSION,
            extra=[("grpc-encoding", name)],
        )
        for name in ("brotli", "snappy", "foo")
    ),
    sent(
        "gzip",
        "a message in gzip, for a client that takes none",
        squeezed(payload(b"a")),
        status(0, body=b"a", also=is_plain),
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent(
        "gzip-not-used",
        "grpc-encoding gzip, and a message that is not compressed",
        ONE,
        status(0, body=b"a"),
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent("gzip-empty", "a compressed message of 0 octets", message(flag=1), OK, FAILS, source=COMPRESSION, extra=GZIP),
    sent("gzip-of-nothing", "gzip of 0 octets", squeezed(b""), OK, source=COMPRESSION, extra=GZIP),
    sent(
        "gzip-broken",
        "a message that is not gzip",
        message(b"\x1f\x8bnot gzip", flag=1),
        FAILS,
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent(
        "gzip-cut-off",
        "gzip that is cut off",
        message(gzip.compress(payload(b"abcdef"))[:-6], flag=1),
        FAILS,
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent(
        "gzip-checksum",
        "gzip with a wrong checksum",
        message(gzip.compress(payload(b"abcdef"))[:-8] + bytes(4) + b"\x08\x00\x00\x00", flag=1),
        FAILS,
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent("gzip-bomb", "64 MB in 64 KB", squeezed(payload(bytes(64_000_000))), TOO_MUCH, source=COMPRESSION, extra=GZIP),
    sent(
        "gzip-stream",
        "compressed and plain messages of one stream",
        squeezed(payload(b"a")) + ONE + squeezed(payload(b"c")),
        replies(b"a", b"a", b"c"),
        path=STREAM,
        source=COMPRESSION,
        extra=GZIP,
    ),
    sent(
        "accept-gzip",
        "a client that takes gzip",
        ONE,
        status(0, also=is_announced),
        source=COMPRESSION,
        extra=[("grpc-accept-encoding", "identity,deflate, gzip")],
    ),
    sent(
        "accept-unknown",
        "a client that takes only what the server has not",
        ONE,
        status(0, body=b"a", also=is_plain),
        source=COMPRESSION,
        extra=[("grpc-accept-encoding", "foo,bar")],
    ),
    sent(
        "accept-announced",
        "each answer says which encodings are taken",
        ONE,
        status(0, also=names_others),
        source=COMPRESSION,
    ),
]
