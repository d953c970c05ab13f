"""Row 34: stream ids at their end, one stream too many, GOAWAY at a bad time, and ends that are closed by half."""

from __future__ import annotations

import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from arena import frames
from arena.stage import Stage, attack, attackers, await_all
from arena.target import Target

HANG = frames.pack(frames.head(frames.ECHO + "Hang"))
INLINE = frames.head(frames.ECHO + "Inline")
ECHO = frames.echo()


@attack(34, "last-stream-id", seconds=0.5)
def last_stream(stage: Stage) -> str:
    """The largest id at once: it is answered, and then there is nothing left to open."""
    with stage.connect(decodes=True) as peer:
        status = peer.call(frames.LAST_STREAM, INLINE, ECHO).status
        stage.expect(status == 0, f"status {status}; {peer.end} {peer.goaways}")
        # What is below an id that was used is a connection error (RFC 9113 §5.1.1).
        peer.send(frames.call(1, frames.pack(INLINE), ECHO))
        stage.expect(peer.wait_end(3) and peer.code in (0, 1, 5), f"a lower id: {peer.end} {peer.goaways}")
    return f"served,then-GOAWAY({peer.code})"


@attack(34, "high-ids-again-and-again", seconds=2)
def high_ids(stage: Stage) -> str:
    """Three connections whose ids are used up in few steps: each call is answered until none is left."""
    served = 0
    for _ in range(3):
        with stage.connect(decodes=True) as peer:
            for stream in (2**30 + 1, 2**31 - 2**20 + 1, 2**31 - 3, 2**31 - 1):
                served += peer.call(stream, INLINE, ECHO, 3).status == 0
            stage.expect(served % 4 == 0 or peer.code == 0, f"{served}; {peer.end} {peer.goaways}")
    return f"served({served})"


@attack(34, "one-stream-too-many", seconds=1, handlers=1000)
def one_too_many(stage: Stage) -> str:
    """As many calls as SETTINGS allows, and one more."""
    with stage.connect() as peer:
        stage.expect(peer.wait(lambda: frames.MAX_CONCURRENT_STREAMS in peer.settings), "no MAX_CONCURRENT_STREAMS")
        limit = peer.settings[frames.MAX_CONCURRENT_STREAMS]
        stage.expect(limit <= 1000, f"{limit} streams at once are let")
        peer.send(b"".join(frames.call(stream, HANG, ECHO) for stream in range(1, 2 * limit, 2)))
        peer.send(frames.ping(b"are they"))
        stage.expect(peer.wait(lambda: peer.kinds[frames.PING]), f"no PING came back: {peer.end} {peer.goaways}")
        stage.expect(not peer.resets, f"reset below the limit: {peer.resets}")
        peer.send(frames.call(2 * limit + 1, HANG, ECHO))
        refused = peer.wait(lambda: peer.resets or peer.goaways, 3)
        stage.expect(
            refused and (peer.resets[frames.REFUSED_STREAM] == 1 or peer.code in (1, 11)),
            f"{peer.resets} {peer.goaways}",
        )
    return "REFUSED_STREAM" if peer.resets else f"GOAWAY({peer.code})"


@attack(34, "hanging-calls-on-30-connections", seconds=2.5, handlers=20_000, memory=160)
def hanging_calls(stage: Stage) -> str:
    """As many calls as 30 connections let, none of which ends: the server has a limit of its own.

    It lets 17,000 run, and a hundred of each connection beyond that, so that others are served all the while.
    """
    peers = attackers(stage, 30)
    for peer in peers:
        peer.send(b"".join(frames.call(stream, HANG, ECHO) for stream in range(1, 2000, 2)), 2.0)
        peer.send(frames.ping(b"all seen"), 2.0)
    left = await_all(peers, lambda peer: not peer.is_open or peer.kinds[frames.PING] > 0, 5)
    stage.expect(not left, f"{len(left)} connections do not answer a PING")
    refused = sum(peer.resets[frames.REFUSED_STREAM] for peer in peers)
    stage.expect(refused >= 7_000, f"only {refused} of 30,000 calls were refused")
    return f"REFUSED_STREAM({refused}of30000)"


@attack(34, "refused-before-settings", server="full", seconds=1, handlers=220, short=True)
def refused_before_settings(stage: Stage) -> str:
    """A client that asks a lot before it has seen our SETTINGS, when the server is full: refused, and no offence."""
    with stage.connect(acknowledges=False) as peer:
        peer.send(b"".join(frames.call(stream, HANG, ECHO) for stream in range(1, 1600, 2)), 2.0)
        stage.expect(peer.wait(lambda: peer.resets[frames.REFUSED_STREAM] >= 600, 5), f"{peer.resets} {peer.goaways}")
        stage.expect(peer.is_open and not peer.goaways, f"{peer.end} {peer.goaways}")
    return f"REFUSED_STREAM({peer.resets[frames.REFUSED_STREAM]}of800)"


@attack(34, "goaway-then-streams", seconds=1)
def goaway_then_streams(stage: Stage) -> str:
    """A client that says goodbye and goes on asking is still bound by all limits, and may be served."""
    with stage.connect(decodes=True) as peer:
        peer.send(frames.goaway())
        for stream in range(1, 200, 2):
            peer.send(frames.call(stream, frames.pack(INLINE), ECHO))
        peer.wait(lambda: peer.over == 100 or not peer.is_open, 3)
        stage.expect(peer.over == 100 or not peer.is_open, f"{peer.over} of 100 answered, and it is open")
        ended = "closed" if not peer.is_open else "open"
    return f"answered({peer.over}),{ended}"


@attack(34, "drain-against-a-flood", seconds=3)
def drain_against_a_flood(stage: Stage) -> str:
    """SIGTERM while streams are opened all the time: the server takes no more, and ends in time."""
    binary = Path(f"/proc/{stage.pid}/exe").resolve()
    with tempfile.TemporaryDirectory() as folder:
        target = Target(binary, stage.place, Path(folder), ["--grace", "1500"])
        try:
            own = replace(stage, port=target.port, pid=target.pid)
            peers = attackers(own, 5)
            began, number = 0.0, 0
            while target.program.is_running and number < 10_000:
                if number == 20:
                    target.program.send(signal.SIGTERM)
                    began = time.monotonic()
                for peer in peers:
                    block = frames.pack(INLINE) if number % 10 else HANG
                    if peer.is_open:
                        peer.send(frames.call(2 * number + 1, block, ECHO), 0.5)
                        peer.drain()
                number += 1
                time.sleep(0.002)
                stage.expect(not began or time.monotonic() < began + 5, "it did not end within 5 s of SIGTERM")
            took = time.monotonic() - began
            code = target.program.wait(5)
            stage.expect(code == 0, f"it ended with {code}: {target.program.tail(300)}")
            stage.expect(all(peer.goaways for peer in peers), "some connection heard of no GOAWAY")
        finally:
            target.end()
    return f"drained/{took:.1f}s/{number}streams"


@attack(34, "half-closed", seconds=1, handlers=400)
def half_closed(stage: Stage) -> str:
    """Who ends his side of TCP will hear nothing more in HTTP/2's sense: his calls are cancelled."""
    peers = attackers(stage, 200)
    for peer in peers:
        peer.send(frames.call(1, HANG, ECHO) + frames.headers(3, frames.pack(frames.head(frames.ECHO + "Stream"))))
        peer.finish_sending()
    left = await_all(peers, lambda peer: not peer.is_open, 5)
    stage.expect(not left, f"{len(left)} of {len(peers)} are open 5 s later")
    return f"closed({len(peers)})"


@attack(34, "half-closed-with-answers-unread", server="impatient", seconds=1, handlers=100, memory=32)
def half_closed_unread(stage: Stage) -> str:
    """The same while answers wait for a window that will not open."""
    block = frames.pack(frames.head(frames.ECHO + "Pour"))
    pour = frames.message(frames.number_field(1, 1000) + frames.number_field(2, 16384))
    peers = attackers(stage, 50, greeting=frames.settings((frames.INITIAL_WINDOW_SIZE, 0)))
    for peer in peers:
        peer.send(frames.call(1, block, pour))
        peer.finish_sending()
    left = await_all(peers, lambda peer: not peer.is_open, 5)
    stage.expect(not left, f"{len(left)} of {len(peers)} are open 5 s later")
    return f"closed({len(peers)})"
