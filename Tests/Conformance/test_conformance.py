"""The shorter form of `make conformance`: every client plays its cases, a failure names them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import run

@pytest.mark.timeout(90)
@pytest.mark.parametrize("client", [*run.CLIENTS, "prober"])
def test_client(interop_server: run.InteropServer, descriptors: Path, client: str) -> None:
    command = run.commands(interop_server, descriptors, is_short=True)[client]
    lines = run.lines_of(command, client, run.PATIENCE[True])
    failed = [line for line in lines if line.startswith("FAIL ")]
    assert lines and not failed, "\n".join(failed)


def test_a_failure_is_counted(interop_binary: Path, tmp_path: Path) -> None:
    """A server that is not there: every client says so, and the run fails."""
    lines = run.lines_of(
        [sys.executable, "-m", "interop.on_h2", "--port", "1", "--ca", os.devnull, "--descriptors",
         str(run.describe(tmp_path / "descriptors.binpb"))],
        "h2", 30,
    )  # fmt: skip
    assert lines and all(line.startswith("FAIL h2 ") for line in lines), lines


def test_a_client_that_dies_is_a_failure() -> None:
    (line,) = run.lines_of([sys.executable, "-c", "import os; os._exit(3)"], "dying", 10)
    assert line.startswith("FAIL dying - comes_to_its_end exit status 3"), line


def test_a_client_that_hangs_is_a_failure() -> None:
    waits = "import threading; print('pass waiting - one', flush=True); threading.Event().wait()"
    passed, failed = run.lines_of([sys.executable, "-c", waits], "waiting", 1)
    assert passed == "pass waiting - one"
    assert "did not end within 1 s" in failed, failed


def test_every_limit_can_be_set(interop_binary: Path) -> None:
    """Whoever adds a limit adds it to LimitTable.swift, so that attacks can move it."""
    refused = subprocess.run([interop_binary, "--limit", "none=1"], capture_output=True, text=True, check=False)
    assert refused.returncode == os.EX_USAGE, refused
    settable = set(re.search(r"there are (.*)$", refused.stderr, re.MULTILINE).group(1).split(", "))
    sources = ("CarillonNet/HTTP2/HTTP2Limits.swift", "CarillonGRPC/Server/ServerLimits.swift")
    declared = {
        name
        for source in sources
        for name in re.findall(r"^    package var (\w+)", (run.ROOT / "Sources" / source).read_text(), re.MULTILINE)
    }
    assert declared - {"http2"} == settable
