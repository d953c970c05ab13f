"""`carillon demo --once`: the whole story without a word of set-up, and nothing left running."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.server import run


def processes_of(folder: Path) -> list[str]:
    """The command lines and folders of processes that belong to the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((process / "cwd").readlink())
        except OSError:
            continue
        if str(folder) in command or place.startswith(str(folder)):
            found.append(f"{process.name} {command}")
    return found


@pytest.mark.timeout(180)
def test_the_demo_tells_the_whole_story(binary: Path, tmp_path: Path) -> None:
    for time in ("first", "second"):
        result = run(binary, "demo", "--once", within=80, cwd=tmp_path)
        assert result.returncode == 0, f"the {time} time:\n{result.stdout}\n{result.stderr}"
        told = result.stdout
        assert "Northwind Supply" in told
        # Who got what on which channel, and why the others did not.
        assert "email" in told and "in_app" in told.replace("in-app", "in_app")
        assert any(reason in told for reason in ("opted_out", "not_subscribed", "not_invited"))
        # The mail and the inbox item are shown.
        assert "Subject: " in told and "Message-ID: " in told
        assert "https://" in told
        assert processes_of(tmp_path) == []
