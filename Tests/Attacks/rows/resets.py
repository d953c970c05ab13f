"""Rows 29 and 30: streams that are reset as soon as they are opened, by the client or by the server it provokes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from arena import frames
from arena.peer import Peer, TurnedAway
from arena.stage import Stage, attack, attackers, await_all, storm

ECHO = frames.echo()
OPEN = frames.pack(frames.head(frames.ECHO + "Stream"))
HANG = frames.pack(frames.head(frames.ECHO + "Hang"))


def each(make: Callable[[int], bytes], count: int = 200, first: int = 1) -> Callable[[int], bytes | None]:
    """Bursts of `count` new streams each, for which `make` gives the octets; made once for all connections."""
    made: list[bytes] = []

    def burst(number: int) -> bytes | None:
        while len(made) <= number:
            start = first + 2 * count * len(made)
            made.append(b"".join(make(stream) for stream in range(start, start + 2 * count, 2)))
        return made[number]

    return burst


# Two hundred hasty resets are let: so many handlers may have been started.
@attack(29, "rapid-reset", handlers=220, share=25, short=True)
def rapid_reset(stage: Stage) -> str:
    """CVE-2023-44487: HEADERS and RST_STREAM, for streaming calls whose handlers start with the header block."""
    return str(storm(stage, each(lambda stream: frames.headers(stream, OPEN) + frames.rst_stream(stream))))


RESETS = each(lambda stream: frames.headers(stream, OPEN) + frames.rst_stream(stream))


def flood(peer: Peer) -> None:
    """More resets than are let, at once."""
    peer.send((RESETS(0) or b"") + (RESETS(1) or b""), 2.0)


def admitted(stage: Stage, tries: int) -> int:
    """How many of so many clients from the attacker's address are let in, one right behind the other."""
    count = 0
    for _ in range(tries):
        with suppress(TurnedAway), stage.connect():
            count += 1
    return count


# Its server lets one handshake a second begin where somebody was cut off.
@attack(29, "rapid-reset-and-anew", server="strict", handlers=220, short=True)
def rapid_reset_anew(stage: Stage) -> str:
    """Whoever is cut off and connects anew each time costs a signature each time: soon he is hardly let in any more."""
    began = time.monotonic()
    result = storm(stage, RESETS)
    most = 3 + time.monotonic() - began
    stage.expect(len(result.lives) <= most, f"more than {most:.0f} connections: {result}")
    stage.expect(result.turned_away, f"nobody was turned away: {result}")
    return str(result)


@attack(29, "rapid-reset-and-gone", server="strict", handlers=220, seconds=1, short=True)
def rapid_reset_gone(stage: Stage) -> str:
    """He floods and is gone with a reset of TCP before he can be told that he is cut off: it counts all the same."""
    with stage.connect() as peer:
        # Of a client that is gone before its handshake is over nothing is read.
        stage.expect(peer.wait(lambda: frames.MAX_CONCURRENT_STREAMS in peer.settings), "no SETTINGS")
        flood(peer)
        peer.reset()
    # The server reads what was sent when it comes to it.
    end = time.monotonic() + 5 * stage.slowness
    while (count := admitted(stage, 8)) == 8 and time.monotonic() < end:
        pass
    stage.expect(count < 8, "all are let in who come after him")
    return f"admitted({count}of8)"


@attack(29, "rapid-reset-in-parallel", server="strict", handlers=2200, seconds=1, short=True)
def rapid_reset_parallel(stage: Stage) -> str:
    """Ten connections that were open before are cut off at once; others who share their address are let in, if seldom."""
    peers = [stage.connect() for _ in range(10)]
    for peer in peers:
        flood(peer)
    left = await_all(peers, lambda peer: not peer.is_open, 5 * stage.slowness)
    stage.expect(not left, f"{len(left)} of 10 live")
    count = admitted(stage, 8)
    stage.expect(count < 8, "all are let in who come after them")
    end = time.monotonic() + 5 * stage.slowness
    while not admitted(stage, 1) and time.monotonic() < end:
        time.sleep(0.05)
    stage.expect(time.monotonic() < end, "nobody is let in any more")
    return f"GOAWAY(11)/10conns,admitted({count}of8)"


def reset_with(code: int) -> None:
    @attack(29, f"rapid-reset-code-{code}", seconds=1.6, handlers=220, share=25, short=True)
    def coded(stage: Stage) -> str:
        """The same whatever the code says, above all NO_ERROR."""
        return str(storm(stage, each(lambda one: frames.call(one, HANG, ECHO) + frames.rst_stream(one, code))))


for reason in (0, 7, 11):
    reset_with(reason)


# Two hundred are reset together, while those of the connection before may still be ending.
@attack(29, "rapid-reset-in-two-segments", seconds=1.6, handlers=420, share=25, short=True)
def rapid_reset_later(stage: Stage) -> str:
    """The same with a few milliseconds between HEADERS and RST_STREAM, so that no read of the server has both."""
    opens = each(lambda stream: frames.call(stream, HANG, ECHO))
    resets = each(lambda stream: frames.rst_stream(stream))

    def burst(number: int) -> bytes | None:
        time.sleep(0.004)
        return (resets if number % 2 else opens)(number // 2)

    return str(storm(stage, burst))


@attack(29, "rapid-reset-calls", handlers=220, share=25, short=True)
def rapid_reset_calls(stage: Stage) -> str:
    """The same with whole requests, whose handlers run until they are cancelled."""
    return str(storm(stage, each(lambda stream: frames.call(stream, HANG, ECHO) + frames.rst_stream(stream))))


@attack(29, "rapid-reset-20-connections", seconds=3)
def rapid_reset_many(stage: Stage) -> str:
    """From many connections at once, each below the limit for one."""
    peers = attackers(stage, 20)
    burst = each(lambda stream: frames.call(stream, HANG, ECHO) + frames.rst_stream(stream), 10)
    number = 0
    while stage.goes_on and any(peer.is_open for peer in peers):
        for peer in peers:
            if peer.is_open:
                peer.send(burst(number) or b"", 1.0)
        number += 1
    left = await_all(peers, lambda peer: not peer.is_open, 1.0)
    stage.expect(not left, f"{len(left)} of 20 connections live after {number * 10} resets each")
    stage.expect({peer.code for peer in peers} <= {11}, f"ended with {[peer.code for peer in peers]}")
    return f"GOAWAY(11)/20conns/{max(peer.life for peer in peers):.1f}s"


def opened(*more: Callable[[int], bytes]) -> Callable[[int], bytes | None]:
    return each(lambda stream: frames.headers(stream, OPEN) + b"".join(one(stream) for one in more))


# What makes the server reset a stream. With the GOAWAY codes that will do where HTTP/2 knows a better one than 11.
PROVOCATIONS = {
    "window-overflow": (opened(lambda one: frames.window_update(one, frames.LARGEST_WINDOW)), (11,)),
    "window-of-zero": (opened(lambda one: frames.window_update(one, 0)), (11, 1)),
    "content-length": (
        each(lambda one, block=frames.pack(frames.head(frames.ECHO + "Hang", ("content-length", "1"))): frames.call(
            one, block, ECHO)),
        (11,),
    ),
    "trailers-that-do-not-end": (opened(lambda one: frames.headers(one, frames.pack([("x", "y")]))), (11,)),
    # libnghttp2 counts them as open until it has sent its resets, and may find that there are too many (1).
    "malformed-heads": (
        each(lambda one, block=frames.pack([(":method", "POST")]): frames.headers(one, block)),
        (11, 1),
    ),
    "upper-case-names": (
        each(lambda one, block=frames.pack(frames.head(frames.ECHO + "Hang", ("X-Upper", "1"))): frames.headers(
            one, block)),
        (11,),
    ),
    "data-after-the-end": (each(lambda one: frames.call(one, HANG, ECHO) + frames.data(one, b"more")), (11, 5)),
    "headers-after-the-end": (each(lambda one: frames.call(one, HANG, ECHO) + frames.headers(one, HANG)), (11, 5)),
    "priority-of-itself": (each(lambda one: frames.priority(one, one)), (11, 1)),
}  # fmt: skip


def provoke(name: str) -> None:
    bursts, codes = PROVOCATIONS[name]

    # Two hundred abandoned handlers are let on each connection, and one connection follows the other.
    @attack(30, name, seconds=1.6, handlers=600, short=True)
    def made_you_reset(stage: Stage) -> str:
        return str(storm(stage, bursts, codes=codes))


for provocation in PROVOCATIONS:
    provoke(provocation)


@attack(30, "early-answers", seconds=1.6, short=True)
def early_answers(stage: Stage) -> str:
    """Calls that are answered before they end, and reset with NO_ERROR behind the answer (RFC 9113 §8.1).

    No handler runs for them, and a good client may meet this too, so each is answered.
    """
    block = frames.pack(frames.head("/no.such/Method"))
    with stage.connect() as peer:
        number = 0
        while stage.goes_on and peer.is_open:
            peer.send(b"".join(frames.headers(2 * one + 1, block) for one in range(number, number + 100)))
            number += 100
            stage.expect(
                peer.wait(lambda: peer.over >= number, 5), f"{peer.over} of {number}; {peer.end} {peer.goaways}"
            )
        stage.expect(peer.resets.keys() <= {0}, f"reset with {peer.resets}")
    return f"answered({number})"


@attack(30, "refused-streams", seconds=1.6, handlers=1100, short=True)
def refused_streams(stage: Stage) -> str:
    """Streams above the limit by one who never acknowledges it: each is reset with REFUSED_STREAM."""
    full = each(lambda stream: frames.headers(stream, OPEN), 1000)(0)
    bursts = each(lambda stream: frames.headers(stream, OPEN), 200, first=2001)
    return str(storm(stage, bursts, prelude=full or b"", acknowledges=False, codes=(11, 1, 4)))


# Requests of 16 MiB and answers of 16 MiB may be held for one connection, and one message of each stream that runs.
@attack(30, "more-than-the-window", seconds=2.5, memory=48, handlers=1100)
def more_than_the_window(stage: Stage) -> str:
    """DATA beyond the window: echoes that are not read hold the window shut, then more comes all the same."""
    body = frames.echo(b"x" * 600_000)
    bursts = each(lambda stream: frames.headers(stream, OPEN) + frames.data(stream, body), 1)
    greeting = frames.settings((frames.INITIAL_WINDOW_SIZE, 0))
    return str(storm(stage, bursts, greeting=greeting, codes=(11, 3), within=4.0))
