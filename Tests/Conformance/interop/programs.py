"""Clients that are programs of their own, run once for each case."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 20.0


def program(name: str) -> str:
    """A program from PyPI, beside the interpreter, or else the system's."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(name)
    assert found, f"{name} is not installed: make setup"
    return found


def run(
    command: Sequence[str], given: bytes = b"", environment: Mapping[str, str] | None = None, within: float = PATIENCE
) -> subprocess.CompletedProcess[bytes]:
    """Runs a program to its end."""
    return subprocess.run(
        command, input=given, capture_output=True, timeout=within, check=False,
        env={**os.environ, **(environment or {})},
    )  # fmt: skip
