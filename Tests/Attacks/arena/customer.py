"""The good client, in a process of its own: asks at a fixed rate, whatever happens, and says how long each answer took.

The time of an answer counts from when its question was due, not from when it could be sent: a server that holds the
client up makes all questions behind it late as well.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import select
import signal
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from . import frames
from .peer import CUSTOMER, Peer, TurnedAway

RATE = 200
# A new client comes so often, in seconds, and gives up after so long.
ARRIVALS = 0.5
GIVES_UP = 5.0
# Seconds of samples over which a p99 is taken; the median of these is what counts.
WINDOW = 0.5


@dataclass
class Account:
    """How the good clients fared over some time. Seconds; (when the question was due, how long it took)."""

    steady: list[tuple[float, float]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def p99(self) -> float:
        """The median over half seconds of the 99th percentile, in milliseconds."""
        windows: dict[int, list[float]] = {}
        for due, took in self.steady:
            windows.setdefault(int(due / WINDOW), []).append(took)
        full = [sorted(one) for one in windows.values() if len(one) >= RATE * WINDOW / 2]
        if not full and self.steady:
            # It was soon over.
            full = [sorted(took for _, took in self.steady)]
        worst = sorted(one[min(len(one) - 1, int(len(one) * 0.99))] for one in full)
        return worst[len(worst) // 2] * 1000 if worst else float("nan")

    def slowest_arrival(self) -> float:
        """Of the new clients, in milliseconds."""
        return max(self.arrivals, default=0.0) * 1000


class Customers:
    """Runs the good clients. Fork before anything else holds threads."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        processes = multiprocessing.get_context("fork")
        self.pipes = []
        self.children = []
        for client in (steady, newcomer):
            ours, theirs = processes.Pipe()
            child = processes.Process(target=alone, args=(client, port, context, theirs), daemon=True)
            child.start()
            theirs.close()
            self.pipes.append(ours)
            self.children.append(child)

    def account(self) -> Account:
        """How they fared since this was asked last."""
        total = Account()
        for pipe in self.pipes:
            pipe.send_bytes(b"?")
        for pipe in self.pipes:
            assert pipe.poll(GIVES_UP + 10), "a good client hangs"
            part = Account(**json.loads(pipe.recv_bytes()))
            total.steady += part.steady
            total.arrivals += part.arrivals
            total.failures += part.failures
        return total

    def end(self) -> None:
        for pipe in self.pipes:
            pipe.close()
        for child in self.children:
            child.kill()
            child.join()


def alone(client, port: int, context: ssl.SSLContext, pipe: Pipe) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        # What is measured is the server, not how soon a loaded machine runs the client.
        os.nice(-5)
    gc.disable()
    # The pipe's other end is gone: so are we.
    with suppress(EOFError, BrokenPipeError, ConnectionError):
        client(port, context, pipe)


def report(pipe: Pipe, account: Account) -> None:
    pipe.recv_bytes()
    pipe.send_bytes(json.dumps(account.__dict__).encode())


def book(account: Account, peer: Peer, waiting: dict[int, float]) -> None:
    """Enters the answers that have come."""
    now = time.monotonic()
    for number in [one for one in waiting if one in peer.answers and peer.answers[one].is_over]:
        answer = peer.answers.pop(number)
        account.steady.append((waiting[number], now - waiting.pop(number)))
        if answer.status != 0:
            account.failures.append(repr(answer))


def steady(port: int, context: ssl.SSLContext, pipe: Pipe) -> None:
    """Asks on one connection that stays."""
    block = frames.pack(frames.head(frames.ECHO + "Async"))
    body = frames.echo()
    account = Account()
    peer: Peer | None = None
    waiting: dict[int, float] = {}
    stream = 1
    due = time.monotonic()
    while True:
        if peer is None:
            try:
                peer = Peer(port, context, source=CUSTOMER, decodes=True)
            except TurnedAway as error:
                account.failures.append(f"no connection: {error}")
                if pipe.poll(0.1):
                    report(pipe, account)
                    account = Account()
                continue
            waiting, stream, due = {}, 1, time.monotonic()
        now = time.monotonic()
        while due <= now:
            peer.send(frames.call(stream, block, body))
            waiting[stream] = due
            stream += 2
            due += 1 / RATE
        # A quick server's answer is read by `send` already.
        book(account, peer, waiting)
        poll = select.poll()
        poll.register(peer.socket, select.POLLIN)
        poll.register(pipe, select.POLLIN)
        events = dict(poll.poll(max(0.0, (due - time.monotonic()) * 1000)))
        if peer.socket.fileno() in events:
            peer.drain()
            book(account, peer, waiting)
        if not peer.is_open:
            account.failures.append(f"the connection ended: {peer.end}, {peer.goaways}; {len(waiting)} calls were open")
            peer.close()
            peer = None
        if pipe.fileno() in events:
            # What was not answered yet took at least so long.
            now = time.monotonic()
            late = [(due, now - due) for due in waiting.values() if now - due > 0.05]
            account.steady += late
            report(pipe, account)
            account = Account()


def newcomer(port: int, context: ssl.SSLContext, pipe: Pipe) -> None:
    """Connects, asks once and leaves, again and again."""
    fields = frames.head(frames.ECHO + "Inline")
    account = Account()
    while True:
        began = time.monotonic()
        try:
            with Peer(port, context, source=CUSTOMER, decodes=True) as peer:
                answer = peer.call(1, fields, frames.echo(), GIVES_UP)
                if answer.status == 0:
                    account.arrivals.append(time.monotonic() - began)
                else:
                    account.failures.append(f"a new client got {answer}, {peer.end}")
        except TurnedAway as error:
            account.failures.append(f"a new client was turned away: {error}")
        left = began + ARRIVALS - time.monotonic()
        while pipe.poll(max(0.0, left)):
            report(pipe, account)
            account = Account()
            left = began + ARRIVALS - time.monotonic()
