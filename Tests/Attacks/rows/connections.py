"""Connections as such, row 28: idle ones, floods of them, and what comes when there are as many as there may be."""

from __future__ import annotations

import time

from arena import frames
from arena.stage import Stage, TurnedAway, attack, attackers, await_all

from .tls import client_hello


@attack(28, "idle-2000-connections", seconds=1, memory=80, settles=8, share=100)
def idle_connections(stage: Stage) -> str:
    """Connections that say nothing cost little: at most 40 KiB each, and nothing while they are idle."""
    began = time.monotonic()
    peers = attackers(stage, 2000)
    # Some may be turned away, where handshakes of one address are limited.
    stage.expect(len(peers) >= 200, f"only {len(peers)} connections came about")
    took = time.monotonic() - began
    time.sleep(0.5)
    for peer in peers:
        peer.close()
    return f"held({len(peers)})/{took:.1f}s"


@attack(28, "connection-flood", seconds=3, share=80)
def connection_flood(stage: Stage) -> str:
    """Whole connections at full speed, each left by a reset."""
    made = away = 0
    while stage.goes_on:
        try:
            stage.connect().reset()
            made += 1
        except TurnedAway:
            away += 1
    return f"made({made})turned-away({away})"


@attack(28, "tcp-flood", seconds=2, share=80, short=True)
def tcp_flood(stage: Stage) -> str:
    """Connections without a word of TLS, in batches that are reset."""
    count = 0
    while stage.goes_on:
        batch = []
        for _ in range(100):
            try:
                batch.append(stage.dial())
            except TurnedAway:
                pass
        count += len(batch)
        for one in batch:
            one.close()
    return f"made({count})"


@attack(28, "handshakes-held", seconds=3, memory=64, settles=10, share=100)
def handshakes_held(stage: Stage) -> str:
    """More handshakes than there is room for, none of which goes on: the oldest have to go, for new clients as well."""
    hello = client_hello(stage)
    held = []
    # As many from one address as there is room for from one, and a crowd's.
    for number in [0] * 600 + list(range(20, 1020)):
        held.append(stage.dial(number))
        held[-1].send(hello)
    for _ in range(10):
        with stage.connect(decodes=True) as peer:
            status = peer.call(1, frames.head(frames.ECHO + "Inline"), frames.echo(), 3).status
            stage.expect(status == 0, f"a new client from the attackers' address got {status}, {peer.end}")
    open_yet = 0
    for one in held:
        one.setblocking(False)
        try:
            while one.recv(65536):
                pass
        except BlockingIOError:
            open_yet += 1
        except OSError:
            pass
        one.close()
    stage.expect(open_yet <= 1024, f"{open_yet} handshakes are under way")
    return f"held({open_yet}of{len(held)})"


@attack(28, "above-the-limit-of-connections", server="crowded", seconds=2, arrivals=False, memory=24)
def above_the_limit(stage: Stage) -> str:
    """The server takes 200 connections and closes the rest at once; who is in stays in."""
    peers = attackers(stage, 180)
    away = 0
    for number in range(180, 480):
        try:
            peers.append(stage.connect(source=stage.address(number)))
        except TurnedAway:
            away += 1
    await_all(peers, lambda peer: False, 0.2)
    held = sum(peer.is_open for peer in peers)
    stage.expect(held <= 200, f"{held} connections at once")
    stage.expect(away > 50, f"only {away} were turned away")
    answers = [peer for peer in peers if peer.is_open][:20]
    for peer in answers:
        peer.send(frames.call(1, frames.pack(frames.head(frames.ECHO + "Inline")), frames.echo()))
    left = await_all(answers, lambda peer: peer.over == 1, 3)
    stage.expect(not left, f"{len(left)} of those who were let in are not served")
    return f"held({held})turned-away({away})"
