"""How a case ended, as a line: `pass CLIENT DIALECT CASE` or `FAIL CLIENT DIALECT CASE why`; the count comes last."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LONGEST_REASON = 400


@dataclass
class Target:
    """Where the server is, and what it speaks."""

    port: int
    authority: Path
    """PEM file of the certificate authority that the client is to trust."""
    descriptors: Path
    """A serialized FileDescriptorSet of the server's services."""
    is_short: bool
    """Whether only the cases of the shorter run are played."""

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"


def target_from(arguments: list[str], program: str) -> Target:
    """Reads the command line that all clients share."""
    parser = argparse.ArgumentParser(prog=f"python -m interop.{program}")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", type=Path, required=True, help="PEM file of the authority to trust")
    parser.add_argument("--descriptors", type=Path, required=True, help="a serialized FileDescriptorSet")
    parser.add_argument("--short", action="store_true", help="leave out what takes long")
    read = parser.parse_args(arguments)
    return Target(read.port, read.ca, read.descriptors, read.short)


class Report:
    """Plays the cases of one client and prints what came of each."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.passed = 0
        self.failed = 0

    def note(self, dialect: str, case: str, reason: str | None = None) -> None:
        """Prints the line of a case; with a reason it failed."""
        line = f"{self.client} {dialect} {case}"
        if reason is None:
            self.passed += 1
            print(f"pass {line}", flush=True)
        else:
            self.failed += 1
            words = " ".join(reason.split())[:LONGEST_REASON]
            print(f"FAIL {line} {words}", flush=True)

    def play(self, dialect: str, case: str, run: Callable[[], None]) -> None:
        """Runs a case; whatever it raises is its failure."""
        try:
            run()
        except Exception as error:  # noqa: BLE001
            frames = traceback.extract_tb(error.__traceback__)
            # The line of the case, wherever below it the error came from.
            where = next((frame for frame in reversed(frames) if frame.name.startswith("case_")), frames[-1])
            place = f"{Path(where.filename).name}:{where.lineno}"
            said = str(error).strip()
            if isinstance(error, AssertionError) and not said:
                said = where.line or "an assertion"
            self.note(dialect, case, f"{type(error).__name__}: {said} ({place})")
        else:
            self.note(dialect, case)

    def finish(self) -> int:
        """Prints the count; the exit status of the program."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def expect(actual: object, wanted: object, what: str) -> None:
    """Fails with both values unless they are equal."""
    if actual != wanted:
        raise AssertionError(f"{what}: got {shown(actual)}, wanted {shown(wanted)}")


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:120]}… ({len(text)} characters)"


def run_as_program(client: str, play: Callable[[Target, Report], None]) -> None:
    """The main function of every client."""
    target = target_from(sys.argv[1:], client)
    report = Report(client)
    play(target, report)
    sys.exit(report.finish())
