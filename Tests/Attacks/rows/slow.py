"""Rows 27 and 28: those who take or give so slowly that somebody must wait for them."""

from __future__ import annotations

import ssl
import time

from arena import frames
from arena.stage import Stage, TurnedAway, attack, attackers, await_all

# Seconds that the server `impatient` waits where the usual one waits 5 to 60 s.
PATIENCE = 1.0
# It looks at its streams every 2 s.
SLACK = 4.0


def streaming(size: int, count: int) -> bytes:
    """A PourRequest: so many answers of that size."""
    return frames.message(frames.number_field(1, count) + frames.number_field(2, size))


STREAMING = frames.pack(frames.head(frames.ECHO + "Pour"))
GREEDY = frames.settings((frames.INITIAL_WINDOW_SIZE, frames.LARGEST_WINDOW))
SHUT = frames.settings((frames.INITIAL_WINDOW_SIZE, 0))


@attack(
    27, "slow-readers-1000-connections", server="impatient", seconds=1, memory=160, handlers=1100, settles=8, share=100
)
def slow_readers(stage: Stage) -> str:
    """Each opens no window for the answers that it asked for."""
    peers = attackers(stage, 1000, greeting=SHUT)
    stage.expect(len(peers) > 900, f"only {len(peers)} connections came about")
    for peer in peers:
        peer.send(frames.call(1, STREAMING, streaming(16384, 100)))
    left = await_all(peers, lambda peer: not peer.is_open or bool(peer.resets), PATIENCE + SLACK + 3)
    stage.expect(not left, f"{len(left)} of {len(peers)} wait still after {PATIENCE + SLACK + 3:g} s")
    return f"evicted({len(peers)})"


@attack(27, "slow-readers-1000-streams", server="impatient", seconds=1, memory=96, handlers=1100)
def slow_streams(stage: Stage) -> str:
    """The same on few connections."""
    peers = attackers(stage, 10, greeting=SHUT)
    for peer in peers:
        peer.send(b"".join(frames.call(stream, STREAMING, streaming(16384, 100)) for stream in range(1, 200, 2)))
    left = await_all(peers, lambda peer: not peer.is_open or sum(peer.resets.values()) == 100, PATIENCE + SLACK)
    stage.expect(not left, f"{[(peer.resets, peer.end) for peer in left[:3]]} after {PATIENCE + SLACK:g} s")
    return "evicted(1000)"


@attack(27, "answers-that-are-reset", seconds=1, memory=48, kept=4, clean=True, handlers=210)
def reset_answers(stage: Stage) -> str:
    """Answers that no window is opened for, on streams that are open at once and are then reset: none may stay."""
    peers = attackers(stage, 4, greeting=SHUT)
    block = frames.pack(frames.head(frames.ECHO + "Inline"))
    body = frames.echo(b"x" * 64_000)
    streams = range(1, 100, 2)
    for peer in peers:
        peer.send(b"".join(frames.headers(stream, block) for stream in streams))
    for peer in peers:
        for stream in streams:
            peer.send_body(stream, body, ends=True, within=5)
    left = await_all(peers, lambda peer: peer.kinds[frames.HEADERS] >= len(streams), 20)
    stage.expect(not left, f"{[(peer.kinds[frames.HEADERS], peer.end, peer.goaways) for peer in left]}")
    for peer in peers:
        peer.send(b"".join(frames.rst_stream(stream) for stream in streams))
        # What is answered behind the resets shows that they were taken up.
        stage.expect(peer.call(201, frames.head("/no.such/Method"), b"").ended, f"{peer.end} {peer.goaways}")
        peer.close()
    return f"dropped({len(peers) * len(streams)})"


@attack(27, "never-reads", server="impatient", seconds=1, memory=64, handlers=1100)
def never_reads(stage: Stage) -> str:
    """CVE-2019-9517: every window is open, but nothing is read from the socket."""
    peers = attackers(stage, 20, greeting=GREEDY, receive_buffer=4096)
    for peer in peers:
        peer.reads = False
        calls = [frames.call(stream, STREAMING, streaming(65536, 100)) for stream in range(1, 40, 2)]
        peer.send(b"".join(calls), 1.0)
    time.sleep(PATIENCE + SLACK)
    left = await_all(peers, lambda peer: not peer.is_open, 0.5)
    stage.expect(not left, f"{len(left)} of 20 connections live after {PATIENCE + SLACK:g} s")
    return "evicted(20)"


@attack(27, "dribbling-reader", server="impatient", seconds=3, memory=48, handlers=120)
def dribbling_reader(stage: Stage) -> str:
    """Opens the window by an octet now and then, to look alive."""
    peers = attackers(stage, 100, greeting=SHUT)
    for peer in peers:
        peer.send(frames.call(1, STREAMING, streaming(16384, 100)))
    end = time.monotonic() + PATIENCE * 2 + SLACK
    while time.monotonic() < end and any(peer.is_open and not peer.resets for peer in peers):
        for peer in peers:
            if peer.is_open:
                peer.send(frames.window_update(1, 1), 0.5)
                peer.drain()
        time.sleep(0.4)
    left = [peer for peer in peers if peer.is_open and not peer.resets]
    stage.expect(not left, f"{len(left)} of 100 read octet by octet for {PATIENCE * 2 + SLACK:g} s")
    return "evicted(100)"


def drip(stage: Stage, octets: bytes, count: int, within: float, *, raw: bool = False, opening: bytes = b"") -> str:
    """Many who send an octet every half second; each must be ended in that time."""
    ended: list[float] = []
    peers = []
    for number in range(count):
        try:
            if raw:
                peers.append(stage.dial(number))
                peers[-1].setblocking(False)
            else:
                peers.append(stage.connect(source=stage.address(number)))
                peers[-1].send(opening)
        except TurnedAway:
            continue
    began = time.monotonic()
    at = 0
    while len(ended) < len(peers) and time.monotonic() < began + within:
        for number, peer in enumerate(peers):
            if peer is not None and (not sends_octet(peer, octets[at : at + 1], raw)):
                ended.append(time.monotonic() - began)
                peers[number] = None
        at += 1
        time.sleep(0.25)
    left = [peer for peer in peers if peer is not None]
    stage.expect(peers, "no connection came about")
    stage.expect(not left, f"{len(left)} of {len(peers)} live after {within:g} s")
    return f"closed({len(peers)})/{max(ended, default=0.0):.1f}s"


def sends_octet(peer, octet: bytes, raw: bool) -> bool:
    """Whether the connection still lives."""
    if not raw:
        peer.drain()
        # A stream that was ended is as good as a connection.
        return peer.is_open and not peer.resets and not peer.over and (not octet or peer.send(octet, 0.5))
    try:
        if octet:
            peer.send(octet)
        while peer.recv(4096):
            pass
        peer.close()
        return False
    except BlockingIOError:
        return True
    except OSError:
        peer.close()
        return False


# The first octets of a ClientHello whose record says that it is 512 octets long.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200


@attack(28, "tls-octet-by-octet", server="impatient", seconds=1, share=40)
def tls_drip(stage: Stage) -> str:
    return drip(stage, HELLO, 200, PATIENCE + SLACK, raw=True)


@attack(28, "tcp-silent", server="impatient", seconds=1, share=40)
def tcp_silent(stage: Stage) -> str:
    return drip(stage, b"", 200, PATIENCE + SLACK, raw=True)


@attack(28, "preface-missing", server="impatient", seconds=1, share=60)
def preface_missing(stage: Stage) -> str:
    """TLS is agreed on, then silence."""
    return silent(stage, b"")


@attack(28, "settings-missing", server="impatient", seconds=1, share=60)
def settings_missing(stage: Stage) -> str:
    """The preface's magic octets, then silence."""
    return silent(stage, frames.PREFACE)


def silent(stage: Stage, octets: bytes) -> str:
    sockets = []
    for number in range(100):
        plain = stage.dial(number)
        try:
            sockets.append(stage.context.wrap_socket(plain, server_hostname="localhost"))
            sockets[-1].send(octets)
            sockets[-1].setblocking(False)
        except OSError:
            plain.close()
    began = time.monotonic()
    count = len(sockets)
    while sockets and time.monotonic() < began + PATIENCE + SLACK:
        sockets = [one for one in sockets if is_silent(one)]
        time.sleep(0.1)
    stage.expect(count > 0, "no connection came about")
    stage.expect(not sockets, f"{len(sockets)} of {count} live after {PATIENCE + SLACK:g} s")
    return f"closed({count})/{time.monotonic() - began:.1f}s"


def is_silent(one: ssl.SSLSocket) -> bool:
    try:
        while one.recv(4096):
            pass
    except (ssl.SSLWantReadError, BlockingIOError):
        return True
    except OSError:
        pass
    one.close()
    return False


@attack(28, "preface-octet-by-octet", server="impatient", seconds=1, share=60)
def preface_drip(stage: Stage) -> str:
    sockets = []
    for number in range(50):
        try:
            plain = stage.dial(number)
            sockets.append(stage.context.wrap_socket(plain, server_hostname="localhost"))
            sockets[-1].setblocking(False)
        except (TurnedAway, OSError):
            continue
    began = time.monotonic()
    at = 0
    count = len(sockets)
    while sockets and time.monotonic() < began + PATIENCE + SLACK:
        sockets = [one for one in sockets if is_silent(one)]
        for one in sockets:
            try:
                one.send(frames.PREFACE[at : at + 1])
            except OSError:
                pass
        at += 1
        time.sleep(0.25)
    stage.expect(not sockets, f"{len(sockets)} of {count} live after {PATIENCE + SLACK:g} s")
    return f"closed({count})"


@attack(28, "headers-never-end", server="impatient", seconds=1)
def headers_never_end(stage: Stage) -> str:
    """A frame of HEADERS that comes octet by octet."""
    opening = frames.frame(frames.HEADERS, 0, 1, b"x" * 8192)[:20]
    return drip(stage, b"x" * 100, 100, PATIENCE + SLACK, opening=opening)


@attack(28, "header-block-never-ends", server="impatient", seconds=1)
def block_never_ends(stage: Stage) -> str:
    """A whole HEADERS frame, but not the last of its block."""
    opening = frames.headers(1, STREAMING, complete=False)
    return drip(stage, b"", 100, PATIENCE + SLACK, opening=opening)


@attack(28, "body-octet-by-octet", server="impatient", seconds=1, handlers=200)
def body_drip(stage: Stage) -> str:
    """A unary call's message that never gets complete."""
    block = frames.pack(frames.head(frames.ECHO + "Async"))
    opening = frames.headers(1, block) + frames.frame(frames.DATA, 0, 1, frames.message(b"x" * 10_000))[:20]
    return drip(stage, b"x" * 100, 100, PATIENCE * 2 + SLACK, opening=opening)


@attack(28, "body-never-comes", server="impatient", seconds=1, handlers=200)
def body_never_comes(stage: Stage) -> str:
    """A unary call without a message and without an end."""
    opening = frames.headers(1, frames.pack(frames.head(frames.ECHO + "Async")))
    return drip(stage, b"", 100, PATIENCE + SLACK, opening=opening)


@attack(28, "settings-unacknowledged", server="impatient", seconds=1)
def settings_unacknowledged(stage: Stage) -> str:
    """Keeps the server waiting for the acknowledgement of its settings (RFC 9113 §6.5.3)."""
    peers = attackers(stage, 50, acknowledges=False)
    left = await_all(peers, lambda peer: not peer.is_open, PATIENCE + SLACK)
    stage.expect(not left, f"{len(left)} of 50 live after {PATIENCE + SLACK:g} s")
    stage.expect({peer.code for peer in peers} <= {4, None}, f"ended with {[peer.code for peer in peers]}")
    return f"closed({len(peers)})"
