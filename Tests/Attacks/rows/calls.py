"""Row 39: gRPC's own oddities: headers that cannot be, cancellation by the thousand, deadlines of a nanosecond."""

from __future__ import annotations

import time

from arena import frames
from arena.stage import Stage, attack, storm

ECHO = frames.echo()
INLINE = frames.ECHO + "Inline"

# What is asked, and the gRPC status that answers it.
TIMEOUTS = {
    "0S": 4, "1n": 4, "0n": 4, "99999999H": 0, "00000010S": 0,
    "S": 13, "1": 13, "1x": 13, "-1S": 13, "1.5S": 13, "": 13, "100000000S": 13, "+1S": 13, "1s": 13, "0x1S": 13,
}  # fmt: skip


@attack(39, "timeouts", seconds=0.5)
def timeouts(stage: Stage) -> str:
    """Every form of grpc-timeout."""
    with stage.connect(decodes=True) as peer:
        got = {
            text: peer.call(2 * number + 1, frames.head(INLINE, ("grpc-timeout", text)), ECHO, 3).status
            for number, text in enumerate(TIMEOUTS)
        }
    wrong = {text: status for text, status in got.items() if status != TIMEOUTS[text]}
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return f"as-specified({len(got)})"


# name: fields, body, HTTP status, gRPC status or None
ODDITIES = {
    "te missing": ([one for one in frames.head(INLINE) if one[0] != "te"], ECHO, 200, 0),
    "content type of another protocol": (frames.head(INLINE, kind="text/plain"), ECHO, 415, None),
    "content type that only begins well": (frames.head(INLINE, kind="application/grpcx"), ECHO, 415, None),
    "unknown codec": (frames.head(INLINE, kind="application/grpc+foo"), ECHO, 415, None),
    "GET": (frames.head(INLINE, method="GET"), b"", 405, None),
    "trailers only": (frames.head(INLINE), None, 200, 12),
    "no message": (frames.head(INLINE), b"", 200, 12),
    "two messages": (frames.head(INLINE), ECHO + ECHO, 200, 12),
    "half a prefix": (frames.head(INLINE), b"\x00\x00", 200, 13),
    "half a message": (frames.head(INLINE), ECHO[:-1], 200, 13),
    "unknown flag": (frames.head(INLINE), b"\x02" + ECHO[1:], 200, 13),
    "compressed without an encoding": (frames.head(INLINE), b"\x01" + ECHO[1:], 200, 13),
    "unknown encoding": (frames.head(INLINE, ("grpc-encoding", "foo")), ECHO, 200, 12),
    "bad base64": (frames.head(INLINE, ("x-bin", "a!b")), ECHO, 200, 13),
    "unknown method": (frames.head(frames.ECHO + "Nope"), ECHO, 200, 12),
    "unknown service": (frames.head("/no.such/Nope"), ECHO, 200, 12),
    # libnghttp2 resets it as malformed (RFC 9113 §8.3.1).
    "path without a slash": (frames.head("carillon.testing.v1.EchoService/Inline"), ECHO, 0, None),
    "path of dots": (frames.head("/carillon.testing.v1.EchoService/../EchoService/Inline"), ECHO, 200, 12),
}  # fmt: skip


@attack(39, "oddities", seconds=0.5)
def oddities(stage: Stage) -> str:
    """Each is answered as wire.md §1 has it, on one connection, which serves on."""
    wrong = {}
    with stage.connect(decodes=True) as peer:
        for number, (name, (fields, body, http, grpc)) in enumerate(ODDITIES.items()):
            stream = 2 * number + 1
            block = frames.pack(fields)
            peer.send(frames.headers(stream, block, ends=True) if body is None else frames.call(stream, block, body))
            answer = peer.wait_answer(stream, 3)
            got = (int(answer.fields.get(":status", 0)), answer.status)
            if got != (http, grpc):
                wrong[name] = (*got, answer.reset)
        served = peer.call(1001, frames.head(INLINE), ECHO).status
        stage.expect(served == 0, f"afterwards {served}; {peer.end} {peer.goaways}; {wrong}")
    stage.expect(not wrong, f"answered otherwise: {wrong}")
    return f"as-specified({len(ODDITIES)})"


def until_over(stage: Stage, block: bytes, total: int) -> str:
    """Calls that all end of themselves: everybody is answered, and nothing is left."""
    with stage.connect() as peer:
        for start in range(0, total, 100):
            peer.send(b"".join(frames.call(2 * number + 1, block, ECHO) for number in range(start, start + 100)))
            peer.wait(lambda: peer.over + sum(peer.resets.values()) >= start - 400)
        done = peer.wait(lambda: peer.over + sum(peer.resets.values()) >= total, 5)
        stage.expect(done or peer.code == 11, f"{peer.over} of {total}, {peer.resets}; {peer.end} {peer.goaways}")
    return f"answered({peer.over})"


@attack(39, "deadlines-of-1ns", seconds=2, share=80)
def nanosecond_deadlines(stage: Stage) -> str:
    """Calls that are too late before they begin: no handler starts."""
    return until_over(stage, frames.pack(frames.head(frames.ECHO + "Hang", ("grpc-timeout", "1n"))), 10_000)


@attack(39, "deadlines-of-1ms", seconds=2, handlers=1300, share=80)
def millisecond_deadlines(stage: Stage) -> str:
    """Handlers that are all overtaken by their deadlines."""
    return until_over(stage, frames.pack(frames.head(frames.ECHO + "Hang", ("grpc-timeout", "1m"))), 10_000)


@attack(39, "cancel-storm", seconds=3, handlers=400)
def cancel_storm(stage: Stage) -> str:
    """A client that cancels a lot, but no more than a busy one may (20 a second), is not thrown out."""
    block = frames.pack(frames.head(frames.ECHO + "Hang"))
    peers = [stage.connect() for _ in range(10)]
    stream = 1
    while stage.goes_on:
        for peer in peers:
            peer.send(frames.call(stream, block, ECHO))
        time.sleep(0.05)
        for peer in peers:
            peer.send(frames.rst_stream(stream))
        stream += 2
    ended = [(peer.end, peer.goaways) for peer in peers if not peer.is_open]
    stage.expect(not ended, f"{len(ended)} were thrown out, such as {ended[:1]}")
    return f"served({10 * stream // 2})"


@attack(39, "cancelled-while-answered", seconds=2)
def cancelled_while_answered(stage: Stage) -> str:
    """Cancellation that crosses the answer, at full speed."""
    block = frames.pack(frames.head(frames.ECHO + "Async"))

    def burst(number: int) -> bytes:
        streams = range(400 * number + 1, 400 * number + 401, 2)
        calls = b"".join(frames.call(stream, block, ECHO) for stream in streams)
        return calls + b"".join(frames.rst_stream(stream) for stream in streams)

    return str(storm(stage, burst))
