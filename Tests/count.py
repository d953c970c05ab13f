"""Adds up the JUnit reports of all runners: names what failed, and prints the one line that says how the whole run went.

usage: count.py REPORT...

A report that is missing or empty counts as one failure: its runner died, or ran nothing.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


# What is told of each failure here; its runner has told the rest.
REASON_LENGTH = 600


def name_of(case: ElementTree.Element) -> str:
    """The class or file of a test and its own name."""
    return ".".join(filter(None, (case.get("classname"), case.get("name"))))


def reason_of(case: ElementTree.Element) -> str:
    """Why a test failed, on one line."""
    words = " ".join(child.get("message") or child.text or "" for child in case if child.tag in ("failure", "error"))
    return " ".join(words.split())[:REASON_LENGTH]


def count(report: Path) -> tuple[int, int, int]:
    """Tests passed, failed and skipped in one report."""
    try:
        root = ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError) as error:
        print(f"no report of a runner: {error}")
        return 0, 1, 0
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            failed += 1
            print(f"failed: {name_of(case)}: {reason_of(case)}")
        elif "skipped" in outcomes:
            skipped += 1
        else:
            passed += 1
    if passed + failed == 0:
        print(f"{report.name}: no test ran")
        failed = 1
    return passed, failed, skipped


def main(arguments: list[str]) -> int:
    counts = [count(Path(argument)) for argument in arguments]
    passed, failed, skipped = (sum(column) for column in zip(*counts)) if counts else (0, 1, 0)
    if skipped:
        print(f"({skipped} skipped)")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
