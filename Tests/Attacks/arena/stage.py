"""An attack and its run: quiet, attack, aftermath, judgement."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import signal
import socket
import ssl
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from .customer import Account, Customers
from .peer import Peer, TurnedAway, dial
from .target import MEBI, Place, Target


class Unmet(Exception):
    """The server did not do what it has to."""


@dataclass
class Stage:
    """What an attacker gets. He runs in a process of his own, and is done when the time is over."""

    port: int
    pid: int
    place: Place
    context: ssl.SSLContext
    until: float
    is_short: bool
    # Each attack has a /16 of its own, so that what the server remembers of one does not meet the next.
    network: int = 2
    # How many times more than usual the machine needs for things, where that is allowed for; at least one.
    slowness: float = 1.0

    def address(self, number: int = 0) -> str:
        """An attacker's address; a crowd has twenty connections from each."""
        host = number // 20
        return f"127.{self.network}.{host // 250}.{host % 250 + 1}"

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    def pick(self, full: int, short: int) -> int:
        """How many of something: in a full run, and in the short form."""
        return short if self.is_short else full

    def connect(self, **options: object) -> Peer:
        options.setdefault("source", self.address())
        options.setdefault("slowness", self.slowness)
        return Peer(self.port, options.pop("context", self.context), **options)

    def dial(self, number: int = 0) -> socket.socket:
        """A TCP connection without a word of TLS."""
        return dial(self.port, self.address(number))

    def expect(self, holds: object, what: str) -> None:
        if not holds:
            raise Unmet(what)


@dataclass(frozen=True)
class Attack:
    """An attack of faults.md with what the server may spend on it."""

    row: int
    name: str
    run: Callable[[Stage], str]
    # Which server: a key of SERVERS.
    server: str = "usual"
    # Seconds for attackers that go on as long as they are let.
    seconds: float = 2.5
    # How much the resident memory may grow, in MiB.
    memory: float = 16.0
    # How much of it may stay when the attack is over, in MiB: what malloc keeps for itself. More, and the attack is run
    # again, when no more may stay; with `clean`, no more may stay the first time either.
    kept: float = 6.0
    clean: bool = False
    # How much of one processor the server may use on average, in percent; the good clients take a few of them.
    share: float = 70.0
    # How many handlers may run at once.
    handlers: int = 100
    # The good client's p99 may grow so many times, or to so many milliseconds where it was less.
    ratio: float = 3.0
    floor: float = 25.0
    # Seconds after which descriptors and handlers are as before.
    settles: float = 6.0
    # Whether new clients are served meanwhile.
    arrivals: bool = True
    # Whether it belongs to the short form.
    short: bool = False

    @property
    def title(self) -> str:
        return f"{self.row}-{self.name}"


ATTACKS: list[Attack] = []


def attack(row: int, name: str, **options: object) -> Callable[[Callable[[Stage], str]], Callable[[Stage], str]]:
    """Registers a function as an attack. It returns what the server did, or raises what it did not."""

    def register(run: Callable[[Stage], str]) -> Callable[[Stage], str]:
        ATTACKS.append(Attack(row, name, run, **options))
        return run

    return register


@dataclass
class Verdict:
    """What came of it."""

    attack: Attack
    outcome: str
    memory: float = 0.0
    share: float = 0.0
    handlers: int = 0
    # MiB that were in use more than before when all was over.
    kept: float = math.nan
    # Milliseconds: a new client's pace before the attack, the good client's p99 at rest and during the attack.
    pace: float = math.nan
    quiet: float = math.nan
    good: float = math.nan
    # What is wrong for certain, and what another process on the machine may be to blame for.
    broken: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return self.broken + self.late

    def __str__(self) -> str:
        line = (
            f"attack {self.attack.title} outcome={self.outcome} rss=+{self.memory:.1f}MiB "
            f"kept={self.kept:+.1f}MiB cpu={self.share:.0f}% handlers={self.handlers} good_p99={self.good:.1f}ms "
            f"(quiet {self.quiet:.1f}ms) "
        )
        if not math.isnan(self.pace):
            line += f"pace={self.pace:.1f}ms "
        return line + ("FAIL: " + "; ".join(self.problems) if self.problems else "pass")


networks = itertools.count()
# How long the good clients are watched before an attack, and again after it, in seconds.
QUIET = 0.6
# How often an attack is repeated that only took too long; the median counts.
REPEATS = 3
# Seconds that a new client needs on an idle machine, when the server was built for debugging. What the short form waits
# for may take so many times longer as a new client needs more just before.
USUAL_PACE = 0.006
# How many times as long as that the good client's p99 may be in the short form. What takes longer is no server that is
# busy, but one that serves nobody else.
SHORT_PACES = 100
# How long an attacker may take beyond his time before he is cut off: he waits for the server's limits.
PATIENCE = 30.0


def perform(one: Attack, target: Target, customers: Customers, is_short: bool) -> Verdict:
    """Runs an attack, and again if it was only slow: then the median of the good client's p99 decides."""
    verdicts = [perform_once(one, target, customers, is_short)]
    if verdicts[0].kept > one.kept and not verdicts[0].broken and not one.clean:
        # What a server needed once it may keep for the next time, but each time as much again is a leak.
        verdicts = [perform_once(one, target, customers, is_short)]
    if verdicts[0].kept > one.kept:
        verdicts[0].broken.append(f"more than {one.kept:g} MiB are not given back")
    while verdicts[-1].late and not verdicts[-1].broken and len(verdicts) < REPEATS:
        verdicts.append(perform_once(one, target, customers, is_short))
    if verdicts[-1].broken:
        return verdicts[-1]
    passed = [verdict for verdict in verdicts if not verdict.problems]
    # The first that passes after one that did not asks for a third.
    if len(verdicts) == 2 and passed:
        verdicts.append(perform_once(one, target, customers, is_short))
    return sorted(verdicts, key=lambda verdict: (len(verdict.problems) > 0, verdict.good))[len(verdicts) // 2]


def perform_once(one: Attack, target: Target, customers: Customers, is_short: bool) -> Verdict:
    """Runs one attack against a server that is at rest."""
    customers.account()
    time.sleep(0 if is_short else QUIET)
    before = customers.account()
    counts = target.counts()
    memory, descriptors = target.resident(), target.descriptors()
    # The short form runs on busy machines: what they need for a known piece of work is measured each time.
    pace = target.pace() if is_short else math.nan
    slowness = max(1.0, pace / USUAL_PACE) if is_short else 1.0
    began, processor = time.monotonic(), target.processor_seconds()
    verdict = Verdict(one, "?", quiet=before.p99(), pace=pace * 1000)
    seconds = min(one.seconds, 0.6) if is_short else one.seconds
    stage = Stage(
        target.port, target.pid, target.place, target.context, began + seconds, is_short, next(networks) % 250 + 3,
        slowness,
    )  # fmt: skip

    processes = multiprocessing.get_context("fork")
    ours, theirs = processes.Pipe()
    child = processes.Process(target=play, args=(one, stage, theirs), daemon=True)
    child.start()
    theirs.close()
    peak, running, asked = memory, counts.running, 0.0
    try:
        while not ours.poll(0.02) and time.monotonic() < stage.until + PATIENCE * slowness:
            peak = max(peak, target.resident())
            if time.monotonic() - asked > 0.2:
                running = max(running, target.counts().running)
                asked = time.monotonic()
        took = time.monotonic() - began
        verdict.share = (target.processor_seconds() - processor) / took * 100
        peak = max(peak, target.resident())
        during = customers.account()
        done, verdict.outcome = ours.recv() if ours.poll() else (False, "the attacker hangs")
    except (EOFError, AssertionError, OSError) as error:
        during = Account()
        done, verdict.outcome = False, f"{type(error).__name__}: {error}"
    finally:
        ours.close()
        child.kill()
        child.join()
    if not done:
        verdict.broken.append("outcome")
    verdict.memory = (peak - memory) / MEBI
    verdict.handlers = running - counts.running
    verdict.good = during.p99()
    if target.program.is_running:
        judge_aftermath(verdict, target, counts.running, descriptors, one.settles * slowness)
        verdict.kept = memory_kept(one, target, memory, slowness)
        if not is_short:
            customers.account()
            # The machine may have become busy meanwhile, with others' work.
            time.sleep(QUIET)
            after = customers.account().p99()
            verdict.quiet = after if math.isnan(verdict.quiet) else max(verdict.quiet, after)
    else:
        verdict.broken.append(f"the server ended with {target.program.process.returncode}")
    judge(verdict, during, is_short)
    return verdict


def judge(verdict: Verdict, during: Account, is_short: bool) -> None:
    one = verdict.attack
    if verdict.memory > one.memory:
        verdict.broken.append(f"memory above {one.memory:g} MiB")
    if verdict.handlers > one.handlers:
        verdict.broken.append(f"more than {one.handlers} handlers")
    if one.arrivals:
        verdict.broken.extend(during.failures[:2])
    # A loaded machine's timing says little; in the short form only a client that is hardly served at all counts.
    bound = max(SHORT_PACES * verdict.pace if is_short else one.ratio * verdict.quiet, one.floor)
    if verdict.good > bound:
        verdict.late.append(f"good client's p99 above {bound:.0f} ms")
    if not is_short and verdict.share > one.share:
        verdict.late.append(f"more than {one.share:g} % of a processor")
    if not is_short and one.arrivals and during.slowest_arrival() > max(1000, 3 * one.floor):
        verdict.late.append(f"a new client waited {during.slowest_arrival():.0f} ms")


def judge_aftermath(verdict: Verdict, target: Target, running: int, descriptors: int, within: float) -> None:
    """Whether all is as before soon afterwards."""
    end = time.monotonic() + within
    # A new client may be there, or have been.
    while (now := target.counts().running) > running or target.descriptors() > descriptors + 2:
        if time.monotonic() > end:
            verdict.broken.append(
                f"{within:g} s later {now - running} handlers run and "
                f"{target.descriptors() - descriptors} descriptors are open"
            )
            return
        time.sleep(0.05)


def memory_kept(one: Attack, target: Target, memory: int, slowness: float) -> float:
    """How many MiB are in use more than before, as soon as they are few or when it should be over."""
    end = time.monotonic() + one.settles * slowness
    while (kept := (target.resident() - memory) / MEBI) > one.kept and time.monotonic() < end:
        time.sleep(0.05)
    return kept


def play(one: Attack, stage: Stage, pipe: Pipe) -> None:
    """The attacker's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError):
        os.nice(5)
    try:
        pipe.send((True, one.run(stage)))
    except Unmet as unmet:
        pipe.send((False, str(unmet)))
    except BaseException:
        pipe.send((False, traceback.format_exc().strip().replace("\n", " | ")))


# What attackers share


@dataclass
class Storm:
    """How a flood over one connection after the other went."""

    lives: list[Peer] = field(default_factory=list)
    turned_away: int = 0
    sent: int = 0

    @property
    def codes(self) -> set[int | None]:
        return {peer.code for peer in self.lives if not peer.is_open and peer.end != "closed by us"}

    @property
    def longest(self) -> float:
        return max((peer.life for peer in self.lives), default=0.0)

    def __str__(self) -> str:
        codes = ",".join(sorted({"closed" if code is None else f"GOAWAY({code})" for code in self.codes})) or "none"
        away = f"+{self.turned_away}away" if self.turned_away else ""
        return f"{codes}/{len(self.lives)}conns{away}/{self.longest:.2f}s"


def storm(
    stage: Stage, bursts: Sequence[bytes] | Callable[[int], bytes | None], *, prelude: bytes = b"", within: float = 1.5,
    codes: Sequence[int | None] = (11,), least: float = 0.0, **options: object,
) -> Storm:  # fmt: skip
    """Floods, and connects anew as often as the server ends it.

    - bursts: sent one after the other, round and round; or made by number, `None` for "no more".
    - within: seconds after which the server must have ended a connection.
    - codes: those of GOAWAY that will do; `None` stands for a close without one.
    """
    result = Storm()
    within *= stage.slowness
    give_up = time.monotonic() + max(within, stage.until - time.monotonic())
    while time.monotonic() < give_up and (stage.goes_on or not result.lives):
        try:
            peer = stage.connect(**options)
        except TurnedAway:
            result.turned_away += 1
            time.sleep(0.01)
            continue
        with peer:
            result.lives.append(peer)
            peer.send(prelude)
            number = 0
            while peer.is_open and peer.life < within + 1:
                burst = bursts(number) if callable(bursts) else bursts[number % len(bursts)]
                if burst is None or not peer.send(burst, 1.0):
                    peer.wait_end(within)
                    break
                number += 1
                result.sent += len(burst)
                if not stage.goes_on and peer.life > within:
                    break
            peer.drain()
            stage.expect(
                not peer.is_open, f"after {peer.life:.1f} s and {number} bursts the connection is open; {result}"
            )
    stage.expect(result.lives, f"no connection came about, {result.turned_away} were turned away")
    stage.expect(result.codes <= set(codes), f"ended otherwise than with {list(codes)}: {result}")
    stage.expect(result.longest <= within + 0.5, f"lived longer than {within:g} s: {result}")
    return result


def attackers(stage: Stage, count: int, **options: object) -> list[Peer]:
    """Many connections at once, from many addresses; fewer where the server turns some away."""
    made = []
    for number in range(count):
        with suppress(TurnedAway):
            made.append(stage.connect(source=stage.address(number), **options))
    return made


def drain_all(peers: Sequence[Peer]) -> None:
    for peer in peers:
        if peer.is_open:
            peer.drain()


def await_all(peers: Sequence[Peer], done: Callable[[Peer], bool], within: float) -> list[Peer]:
    """Reads from all until each is done or the time is over; returns those that are not."""
    end = time.monotonic() + within
    left = list(peers)
    while left and time.monotonic() < end:
        drain_all(left)
        left = [peer for peer in left if not done(peer)]
        time.sleep(0.02)
    return left


__all__ = [
    "ATTACKS", "Attack", "Peer", "Stage", "Storm", "TurnedAway", "Unmet", "Verdict", "attack", "attackers",
    "await_all", "drain_all", "perform", "storm",
]  # fmt: skip
