"""The attacks of faults.md that are quick: rows 29 to 33, 36 to 38 and the floods of 28 and 35.

`make attacks` runs all, at full length.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rows  # noqa: F401
from arena.run import Runner
from arena.stage import ATTACKS, Attack

SHORT = [one for one in ATTACKS if one.short]


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as runner:
        yield runner


@pytest.mark.parametrize("attack", SHORT, ids=[one.title for one in SHORT])
def test_attack(runner: Runner, attack: Attack) -> None:
    verdict = runner.run(attack, is_short=True)
    assert not verdict.problems, str(verdict)
    # The rest of the report is for those who read it: pytest shows it with -rP.
    print(verdict)
