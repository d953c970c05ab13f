"""Waiting for something to become true, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

STEP = 0.02
USUAL = 15.0


def eventually(
    look: Callable[[], Answer], what: str, within: float = USUAL, seen: Callable[[], Any] | None = None
) -> Answer:
    """Asks `look` every 20 ms until its answer is true, and returns that answer.

    When the time is over the test fails and says `what` was waited for and what was seen last (`seen`, or the answer).
    """
    end = time.monotonic() + within
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() >= end:
            last = seen() if seen else answer
            raise AssertionError(f"waited {within:g} s in vain: {what}; seen last: {last!r}")
        time.sleep(STEP)


def stays(look: Callable[[], bool], what: str, over: float) -> None:
    """Fails as soon as `look` answers false within the given seconds."""
    end = time.monotonic() + over
    while time.monotonic() < end:
        assert look(), f"did not last {over:g} s: {what}"
        time.sleep(STEP)
