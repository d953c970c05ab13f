"""The committed code of the interface is what the generators make of the proto files today."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(*variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "check-generated", *variables], cwd=ROOT, capture_output=True, text=True, check=False
    )


# The generators are built first when nobody has yet.
@pytest.mark.timeout(1800)
def test_the_generated_code_is_not_stale() -> None:
    result = check()
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("variable", "folder", "file"),
    [
        ("GENERATED", "Sources/CarillonAPI/Generated", "tenant_service.carillon.swift"),
        ("GENERATED_INTEROP", "Tests/InteropServer/Generated", "echo.carillon.swift"),
    ],
    ids=["product", "interop"],
)
def test_staleness_is_noticed(tmp_path: Path, variable: str, folder: str, file: str) -> None:
    spoiled = Path(shutil.copytree(ROOT / folder, tmp_path / "Generated"))
    changed = spoiled / file
    changed.write_text(changed.read_text().replace("func ", "func old", 1))
    result = check(f"{variable}={spoiled}")
    assert result.returncode != 0
    assert f"{spoiled} is stale" in result.stderr
