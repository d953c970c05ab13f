"""Rows 36 to 38: messages that are too long, not what they say, or deeper than anybody needs."""

from __future__ import annotations

import gzip
import json
import struct
import time
import zlib
from collections.abc import Callable

from arena import frames
from arena.stage import Stage, attack, attackers
from arena.target import processor_seconds

INLINE = frames.head(frames.ECHO + "Inline")
PARSE = frames.head(frames.ECHO + "Parse")
STREAM = frames.pack(frames.head(frames.ECHO + "Stream"))
GZIP = ("grpc-encoding", "gzip")
MEBI = 1024 * 1024


def bomb(size: int) -> bytes:
    """So many zeros by gzip, a thousandth of their size.

    What a MiB of them becomes is repeated, as if each were deflated anew (Z_FULL_FLUSH): deflating a GiB takes seconds.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    part = packer.compress(bytes(MEBI)) + packer.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(size, MEBI)
    end = packer.compress(bytes(rest)) + packer.flush()
    check = 0
    for _ in range(whole):
        check = zlib.crc32(bytes(MEBI), check)
    check = zlib.crc32(bytes(rest), check)
    return b"\x1f\x8b\x08" + bytes(7) + part * whole + end + struct.pack("<II", check, size & 0xFFFFFFFF)


def statuses(stage: Stage, fields: frames.Fields, bodies: list[bytes], within: float = 5.0) -> set[int | None]:
    """What each body is answered with, one after the other on one connection, which must serve on."""
    with stage.connect(decodes=True) as peer:
        found = {peer.call(2 * number + 1, fields, body, within).status for number, body in enumerate(bodies)}
        served = peer.call(2 * len(bodies) + 1, INLINE, frames.echo()).status
        stage.expect(served == 0, f"{found}, and afterwards {served}; {peer.end} {peer.goaways}")
    return found


@attack(36, "prefix-of-4-GiB", seconds=0.5, memory=4, short=True)
def prefix_of_4_gib(stage: Stage) -> str:
    """A message is refused by its prefix, before anything is set aside for it."""
    prefix = frames.message(b"x" * 10, length=2**32 - 1)
    found = statuses(stage, INLINE, [prefix] * 20)
    stage.expect(found == {8}, f"answered with {found}")
    return "status(8)"


@attack(36, "message-of-5-MB", seconds=0.5, memory=8, short=True)
def message_of_5_mb(stage: Stage) -> str:
    """The client sends all that the stream's window lets it, though the answer is there after five octets. Beyond the window it would
    be another attack, and how much of that it sent a matter of how soon it sees the answer."""
    with stage.connect(decodes=True) as peer:
        for stream in range(1, 11, 2):
            peer.send(frames.headers(stream, frames.pack(INLINE)))
            body = frames.data(stream, frames.message(b"x" * 5_000_000), ends=True)
            for at in range(0, 16 * 16393, 16393):
                if peer.answers[stream].is_over:
                    break
                peer.send(body[at : at + 16393])
        found = {peer.wait_answer(stream).status for stream in range(1, 11, 2)}
        stage.expect(found == {8}, f"answered with {found}; {peer.end} {peer.goaways}")
        served = peer.call(11, INLINE, frames.echo()).status
        stage.expect(served == 0, f"afterwards {served}; {peer.end} {peer.goaways}")
    return "status(8),then-served"


@attack(36, "other-dialects", seconds=0.5, memory=16, short=True)
def other_dialects(stage: Stage) -> str:
    """Too long, by Connect and gRPC-Web: a body without a prefix, a prefix that says 4 GiB, and gzip bombs."""
    long = frames.message(b"x" * 10, length=2**32 - 1)
    large = bomb(1000 * MEBI)
    version = ("connect-protocol-version", "1")
    cases = {
        "Connect, 5 MB": ("application/proto", "Inline", [version], b"x" * 5_000_000, "429"),
        "Connect, JSON of 5 MB": ("application/json", "Inline", [version], b" " * 5_000_000, "429"),
        "Connect, bomb": ("application/proto", "Inline", [version, ("content-encoding", "gzip")], large, "429"),
        "Connect stream, 4 GiB": ("application/connect+proto", "Stream", [version], long, "200"),
        "Connect stream, bomb": (
            "application/connect+json",
            "Stream",
            [version, ("connect-content-encoding", "gzip")],
            frames.message(large, 1),
            "200",
        ),
        "gRPC-Web, 4 GiB": ("application/grpc-web+proto", "Inline", [], long, "200"),
    }
    wrong: dict[str, object] = {}
    with stage.connect(decodes=True) as peer:
        peer.wait(lambda: peer.settings)
        for number, (name, (kind, method, extra, body, status)) in enumerate(cases.items()):
            stream = 2 * number + 1
            head = [one for one in frames.head(frames.ECHO + method, *extra, kind=kind) if one[0] != "te"]
            peer.send(frames.headers(stream, frames.pack(head)))
            peer.send_body(stream, body, ends=True)
            answer = peer.wait_answer(stream, 5)
            said = b"resource_exhausted" in answer.body or b"grpc-status: 8" in answer.body or answer.status == 8
            if answer.fields.get(":status") != status or not said:
                wrong[name] = (answer.fields.get(":status"), answer.status, answer.reset, answer.body[:80])
        served = peer.call(101, INLINE, frames.echo()).status
        stage.expect(served == 0, f"{wrong}, and afterwards {served}; {peer.end} {peer.goaways}")
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return f"refused({len(cases)})"


@attack(36, "thousand-prefixes-of-4-MiB", seconds=1, memory=16, short=True, handlers=1000)
def thousand_prefixes(stage: Stage) -> str:
    """Messages of the permitted length, of which nothing comes."""
    with stage.connect() as peer:
        start = frames.message(b"x", length=4 * MEBI)
        block = frames.pack(INLINE)
        streams = range(1, 1801, 2)
        peer.send(b"".join(frames.headers(stream, block) + frames.data(stream, start) for stream in streams))
        peer.send(frames.ping(b"all seen"))
        peer.wait(lambda: peer.kinds[frames.PING])
        time.sleep(0.3)
    return "waited-for"


@attack(36, "thousand-messages-under-way", seconds=2, memory=96, short=True, handlers=1000)
def thousand_under_way(stage: Stage) -> str:
    """Messages of 1 MiB but for their last octet, on as many streams as there may be: 1 GiB if it is all taken."""
    body = frames.message(b"x" * (MEBI - 1), length=MEBI)
    with stage.connect() as peer:
        peer.wait(lambda: peer.settings)
        block = frames.pack(INLINE)
        sent = 0
        for stream in range(1, stage.pick(1801, 401), 2):
            peer.send(frames.headers(stream, block))
            sent += peer.send_body(stream, body, within=0.05)
            if not peer.is_open:
                break
        ended = f"GOAWAY({peer.code})" if not peer.is_open else "held"
        refused = f"refused({sum(answer.is_over for answer in peer.answers.values())})"
    return f"{ended},{refused}/{sent // MEBI}MiB"


@attack(36, "gzip-bomb", seconds=1.5, memory=24, short=True)
def gzip_bomb(stage: Stage) -> str:
    """1000:1, to 1 GiB inflated; and one that is just over the limit."""
    bodies = [frames.message(bomb(size), 1) for size in (1000 * MEBI, 4 * MEBI + 100)]
    found = statuses(stage, frames.head(frames.ECHO + "Inline", GZIP), [*bodies, *bodies] * stage.pick(3, 1))
    stage.expect(found == {8}, f"answered with {found}")
    return "status(8)"


@attack(36, "gzip-of-gzip-and-rubbish", seconds=0.5, memory=8, short=True)
def gzip_rubbish(stage: Stage) -> str:
    """What is no gzip, is cut off, or has a wrong checksum."""
    good = gzip.compress(frames.field(1, b"x" * 1000))
    bad = [b"rubbish" * 10, good[:-9], good[:-8] + b"\0" * 8, good[:12], b"\x1f\x8b", good[:10] + b"\xff" * 40]
    found = statuses(stage, frames.head(frames.ECHO + "Inline", GZIP), [frames.message(one, 1) for one in bad])
    stage.expect(found == {13}, f"answered with {found}")
    return "status(13)"


@attack(36, "many-gzip-bombs-at-once", seconds=2, memory=48, handlers=1000, share=100)
def many_gzip_bombs(stage: Stage) -> str:
    """From 20 connections, each just below the limit: 4 MiB from 4 KiB, echoed to one who does not read."""
    body = frames.message(gzip.compress(frames.field(1, bytes(4 * MEBI - 100)), 9), 1)
    block = frames.pack(frames.head(frames.ECHO + "Async", GZIP))
    peers = attackers(stage, 20, greeting=frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))
    stream, sent = 1, 0
    while stage.goes_on:
        for peer in peers:
            if peer.is_open and stream < 1900:
                sent += peer.send(frames.call(stream, block, body), 0.3)
        stream += 2
    resets = sum(sum(peer.resets.values()) for peer in peers)
    return f"sent({sent})refused({resets})ended({sum(not peer.is_open for peer in peers)})"


@attack(36, "tiny-messages", seconds=2, memory=24, short=True)
def tiny_messages(stage: Stage) -> str:
    """Empty messages, 3276 in a frame, to an echo whose answers are not read: there is a limit to what waits."""
    many = frames.message() * 3276
    with stage.connect(greeting=frames.settings((frames.INITIAL_WINDOW_SIZE, 0))) as peer:
        peer.wait(lambda: peer.settings)
        peer.send(frames.headers(1, STREAM))
        sent = 0
        while peer.is_open and not peer.answers[1].is_over and sent < 64 * MEBI:
            part = peer.send_body(1, many, within=0.5)
            sent += part
            if part < len(many):
                break
        outcome = (
            f"GOAWAY({peer.code})" if not peer.is_open else f"reset({dict(peer.resets)})" if peer.resets else "held"
        )
    return f"{outcome}/{sent // 5}messages"


@attack(36, "tiny-messages-read", seconds=2, share=101, short=True)
def tiny_messages_read(stage: Stage) -> str:
    """The same with the answers taken: the others are served meanwhile."""
    many = frames.message() * 3276
    greeting = frames.settings((frames.INITIAL_WINDOW_SIZE, frames.LARGEST_WINDOW))
    with stage.connect(greeting=greeting) as peer:
        peer.wait(lambda: peer.settings)
        peer.send(frames.headers(1, STREAM))
        sent = 0
        while stage.goes_on and peer.is_open:
            sent += peer.send_body(1, many)
        stage.expect(peer.is_open or peer.code == 11, f"{peer.end} {peer.goaways}")
    return f"echoed({sent // 5})"


# Protobuf that is not one (field numbers of carillon.testing.v1.Everything). The status is INTERNAL: wire.md §1.3.
NESTED, TEXT, NUMBERS, LEFT, RIGHT, COUNTS, BLOB, STRUCTURE = range(1, 9)
BROKEN = {
    "truncated-length": frames.tag(TEXT, 2) + frames.varint(100) + b"short",
    "truncated-tag": b"\x80",
    "truncated-varint": frames.tag(99, 0) + b"\xff\xff",
    "truncated-fixed": frames.tag(99, 1) + b"\x00\x00",
    "bad-utf8": frames.field(TEXT, b"\xff\xfe\xfd"),
    "bad-utf8-in-a-oneof": frames.field(LEFT, b"\xc3\x28"),
    "surrogate-in-utf8": frames.field(TEXT, b"\xed\xa0\x80"),
    "overlong-varint": frames.tag(99, 0) + b"\x80" * 20 + b"\x01",
    "overlong-tag": b"\xff" * 12 + b"\x01",
    "field-0": b"\x02\x01x",
    "wire-type-6": frames.tag(99, 6) + b"\x01",
    "wire-type-7": frames.tag(99, 7) + b"\x01",
    "group-without-an-end": frames.tag(99, 3),
    "end-without-a-group": frames.tag(99, 4),
    "group-ended-by-another": frames.tag(99, 3) + frames.tag(98, 4),
    "length-of-2^63": frames.tag(TEXT, 2) + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    "length-of-4-GiB": frames.tag(BLOB, 2) + frames.varint(2**32 - 1) + b"x",
    "packed-that-ends-early": frames.field(NUMBERS, b"\x01\x80"),
    "map-entry-that-ends-early": frames.tag(COUNTS, 2) + b"\x05\x0a\x01",
}
# And what is odd but right: unknown fields, duplicates, another wire type for a known number, groups.
ODD = {
    "wrong-wire-type": frames.tag(TEXT, 0) + b"\x05",
    "duplicate-oneof": (frames.field(LEFT, b"a") + frames.field(RIGHT, b"")) * 1000,
    "group": frames.tag(99, 3) + frames.number_field(1, 1) + frames.tag(99, 4),
    "empty-packed": frames.field(NUMBERS, b""),
    "not-packed": frames.number_field(NUMBERS, 1) * 1000,
    "duplicate-map-keys": frames.field(COUNTS, frames.field(1, b"k") + frames.number_field(2, 1)) * 1000,
    "varint-of-10-octets": frames.number_field(99, 2**64 - 1),
    "nul-in-text": frames.field(TEXT, b"a\0b"),
}


@attack(37, "broken-protobuf", seconds=0.5, memory=4, short=True)
def broken_protobuf(stage: Stage) -> str:
    """Every way to be broken, alone and inside another message, is refused as such; what is only odd is taken."""
    wrong = {}
    with stage.connect(decodes=True) as peer:
        stream = 1
        for names, wanted in ((BROKEN, {13}), (ODD, {0})):
            for name, octets in names.items():
                for inside in (octets, frames.field(NESTED, frames.field(NESTED, octets))):
                    status = peer.call(stream, PARSE, frames.message(inside), 3).status
                    stream += 2
                    if status not in wanted:
                        wrong[name] = status
        stage.expect(peer.is_open, f"{peer.end} {peer.goaways} after {wrong}")
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return f"status(13)x{len(BROKEN)},status(0)x{len(ODD)}"


def bulk(one: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Makes as many of these as a message of some size may hold; no more than 20,000 differ."""

    def make(size: int) -> bytes:
        parts = [one(number) for number in range(20_000)]
        different = b"".join(parts)
        whole, rest = divmod(size - 1000, len(different))
        kept = 0
        for part in parts:
            if len(part) > rest:
                break
            rest -= len(part)
            kept += len(part)
        return different * whole + different[:kept]

    return make


# Messages of a given size whose parts are as small as can be.
BULKS: dict[str, Callable[[int], bytes]] = {
    "unknown-fields": bulk(lambda number: frames.number_field(99, 1)),
    "unknown-numbers": bulk(lambda number: frames.number_field(100 + number % 500_000, 1)),
    "packed": lambda size: frames.field(NUMBERS, b"\x01" * (size - 1000)),
    "not-packed": bulk(lambda number: frames.number_field(NUMBERS, 1)),
    "oneof": bulk(lambda number: frames.field(LEFT, b"a") + frames.field(RIGHT, b"")),
    "map": bulk(lambda number: frames.field(COUNTS, frames.field(1, b"%06d" % number))),
    "empty-nested": bulk(lambda number: frames.field(NESTED, b"")),
    "structure": bulk(lambda number: frames.field(STRUCTURE, frames.field(1, frames.field(1, b"%06d" % number)))),
}


@attack(37, "million-fields", seconds=3, memory=128, short=True, share=101, floor=1500)
def million_fields(stage: Stage) -> str:
    """Each takes processor time in proportion to its length, at most 1 s (20 s in a debug build)."""
    times = {}
    with stage.connect(decodes=True) as peer:
        stream = 1
        for name, make in BULKS.items():
            octets = make(4 * MEBI // stage.pick(1, 16))
            began = processor_seconds(stage.pid)
            answer = peer.call(stream, PARSE, frames.message(octets), 20)
            times[name] = processor_seconds(stage.pid) - began
            stage.expect(answer.is_over, f"{name}: {answer}; {peer.end} {peer.goaways}")
            stage.expect(answer.status in (0, 13, 8), f"{name}: {answer}")
            stream += 2
    slow = {name: round(took, 2) for name, took in times.items() if took > stage.pick(1, 20)}
    stage.expect(not slow, f"seconds: {slow}")
    worst = max(times, key=lambda name: times[name])
    return f"slowest({worst}){times[worst]:.2f}s"


def nest(depth: int, wrap: Callable[[bytes], bytes]) -> bytes:
    octets = b""
    for _ in range(depth):
        octets = wrap(octets)
    return octets


def group_nest(depth: int) -> bytes:
    return frames.tag(99, 3) * depth + frames.tag(99, 4) * depth


@attack(38, "deep-protobuf", seconds=0.5, memory=8, short=True)
def deep_protobuf(stage: Stage) -> str:
    """A few levels are read, more than 64 are refused, whether 70 or 100,000, in each way to nest."""
    ways: dict[str, Callable[[int], bytes]] = {
        "nested": lambda depth: nest(depth, lambda inner: frames.field(NESTED, inner)),
        "oneof": lambda depth: nest(depth, lambda inner: frames.field(RIGHT, inner)),
        "groups": group_nest,
        # Value.list_value.values, within Struct.fields["k"].
        "structure": lambda depth: frames.field(STRUCTURE, frames.field(1, frames.field(1, b"k") + frames.field(2, nest(
            depth // 2, lambda inner: frames.field(6, frames.field(1, inner)))))),
    }  # fmt: skip
    wrong = {}
    with stage.connect(decodes=True) as peer:
        stream = 1
        for name, make in ways.items():
            for depth, wanted in ((20, {0}), (70, {13}), (10_000, {13}), (100_000, {13})):
                if name != "groups" and depth > 10_000:
                    # Their lengths make them slow to build.
                    continue
                status = peer.call(stream, PARSE, frames.message(make(depth)), 5).status
                stream += 2
                if status not in wanted:
                    wrong[f"{name} {depth}"] = status
        stage.expect(peer.is_open, f"{peer.end} {peer.goaways} after {wrong}")
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return "status(13)above-64"


@attack(38, "deep-json", seconds=0.5, memory=16, floor=500, short=True)
def deep_json(stage: Stage) -> str:
    """The same by JSON, in gRPC's framing and by Connect: in known fields, unknown ones, and Struct's free form."""
    depth = 10_000
    documents = {
        "nested": '{"nested":' * depth + "{}" + "}" * depth,
        "unknown": '{"zzz":' + "[" * depth + "]" * depth + "}",
        "unknown objects": '{"a":' * depth + "{}" + "}" * depth,
        "structure": '{"structure":{"k":' + "[" * depth + "]" * depth + "}}",
        "unclosed": "[" * 100_000,
        "unknown, and as deep as a message may be": '{"zzz":' + "[" * 4_000_000,
        "unknown objects, and as deep": '{"zzz":' + '{"a":' * 800_000,
        "long number": '{"numbers":[' + "9" * 100_000 + "]}",
        "escapes": '{"text":"' + "\\u0041" * 100 + "\\ud800" + '"}',
    }
    wrong: dict[str, object] = {}
    with stage.connect(decodes=True) as peer:
        stream = 1
        for name, document in documents.items():
            for kind, wrap in (("application/grpc+json", frames.message), ("application/json", bytes)):
                fields = frames.head(frames.ECHO + "Parse", ("connect-protocol-version", "1"), kind=kind)
                if kind == "application/json":
                    fields = [one for one in fields if one[0] != "te"]
                answer = peer.call(stream, fields, wrap(document.encode()), 5)
                stream += 2
                http, grpc = answer.fields.get(":status"), answer.status
                # What is unknown and an array is skipped by counting brackets: no harm, and no refusal.
                skipped = name == "unknown" and http == "200" and grpc in (0, None)
                if not answer.is_over or (not skipped and (http, grpc) not in {("400", None), ("200", 3), ("200", 13)}):
                    wrong[f"{name} by {kind}"] = (http, grpc, answer.reset, answer.body[:80])
        for kind in ("application/grpc+json", "application/json"):
            text = json.dumps({"text": "x", "nested": {"numbers": [1, 2]}}).encode()
            fields = frames.head(frames.ECHO + "Parse", ("connect-protocol-version", "1"), kind=kind)
            answer = peer.call(stream, fields, text if kind == "application/json" else frames.message(text), 5)
            stream += 2
            if answer.fields.get(":status") != "200" or answer.status not in (0, None):
                wrong[f"good by {kind}"] = (answer.fields.get(":status"), answer.status)
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return f"refused({len(documents)})"
