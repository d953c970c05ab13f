"""Runs attacks: starts the servers that they need, each once, and prints a line for each attack."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from .customer import Customers
from .stage import ATTACKS, Attack, Stage, Verdict, attackers, perform
from .target import MEBI, Place, Target

# The server `usual` is as it is delivered. The others differ in what would take too long, or too many, to wait for.
SERVERS: dict[str, Callable[[Place], list[str]]] = {
    "usual": lambda place: [],
    "impatient": lambda place: limits(
        handshakeTime=1000, prefaceTime=1000, settingsTime=1000, headerBlockTime=1000, bodyGrace=1000, outputStall=1000
    ),
    "strict": lambda place: limits(slowHandshakesPerSecond=1),
    "full": lambda place: limits(calls=200),
    "crowded": lambda place: limits(connections=200),
    "mutual": lambda place: ["--client-ca", str(place.authority.file)],
}


def limits(**values: int) -> list[str]:
    return [word for name, value in values.items() for word in ("--limit", f"{name}={value}")]


def binary() -> Path:
    """The server that the variable INTEROP_SERVER names."""
    path = Path(os.environ.get("INTEROP_SERVER", "")).resolve()
    assert path.is_file() and os.access(path, os.X_OK), (
        f"INTEROP_SERVER names {path}, which is no program: build it first"
    )
    return path


class Runner:
    """Runs attacks one after the other, each against the server that it needs. Use it in a `with` statement.

    A server is used again for the next attack as long as it lives and has not grown: what malloc keeps of one attack
    would hide what the next one takes.
    """

    # How much more memory than at first a server may have for the next attack.
    KEPT = 6 * MEBI

    def __enter__(self) -> Runner:
        self.folder = tempfile.TemporaryDirectory(prefix="attacks-")
        self.place = Place.make(Path(self.folder.name))
        self.name = ""
        self.target: Target | None = None
        self.customers: Customers | None = None
        self.fresh = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.folder.cleanup()

    def run(self, attack: Attack, is_short: bool) -> Verdict:
        try:
            target, customers = self.serve(attack.server)
            return perform(attack, target, customers, is_short)
        except AssertionError as error:
            # No server came about, or it was lost.
            tail = self.target.program.tail(300) if self.target else ""
            self.end()
            return Verdict(attack, "not-run", broken=[f"{error} {tail}"])

    def serve(self, name: str) -> tuple[Target, Customers]:
        """A server of that name at rest, with its good clients."""
        if (
            self.target and self.customers and self.name == name and self.target.program.is_running
            and self.target.resident() <= self.fresh + self.KEPT
        ):  # fmt: skip
            return self.target, self.customers
        self.end()
        folder = Path(tempfile.mkdtemp(dir=self.place.folder, prefix=name + "-"))
        self.name = name
        self.target = Target(binary(), self.place, folder, SERVERS[name](self.place))
        self.customers = Customers(self.target.port, self.target.context)
        # The server reaches the size that it has in use, so that an attack's share of its memory is that attack's.
        for peer in attackers(Stage(self.target.port, self.target.pid, self.place, self.target.context, 0, False), 50):
            peer.close()
        self.target.counts()
        self.fresh = self.target.resident()
        return self.target, self.customers

    def end(self) -> None:
        if self.customers:
            self.customers.end()
        if self.target:
            self.target.end()
        self.target = self.customers = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="the short form: those that `make test` runs, with its bounds"
    )
    parser.add_argument("only", nargs="*", help="run those whose titles contain one of these")
    arguments = parser.parse_args()
    chosen = [one for one in ATTACKS if not arguments.short or one.short]
    if arguments.only:
        chosen = [one for one in chosen if any(part in one.title for part in arguments.only)]
    chosen.sort(key=lambda one: (list(SERVERS).index(one.server), one.row))
    failed = 0
    with Runner() as runner:
        for one in chosen:
            verdict = runner.run(one, arguments.short)
            failed += bool(verdict.problems)
            print(verdict, flush=True)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0
