"""The interface, as buf sees it: lint with a comment on every message, field and method, and one format."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).resolve().parents[2] / "Protos"
# buf comes from PyPI, beside the interpreter that runs the tests.
BUF = shutil.which("buf", path=str(Path(sys.executable).parent))


def buf(*arguments: str, folder: Path = PROTOS) -> subprocess.CompletedProcess[str]:
    assert BUF is not None, "buf is not installed: make setup"
    return subprocess.run([BUF, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the interface that may be spoiled."""
    return Path(shutil.copytree(PROTOS, tmp_path / "Protos"))


def test_lint_finds_nothing() -> None:
    result = buf("lint")
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_file_is_formatted() -> None:
    result = buf("format", "--diff", "--exit-code")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("spoiled", "complaint"),
    [
        ("message NoComment {\n  // Said.\n  string a = 1;\n}\n", 'Message "NoComment" should have a non-empty comment'),
        ("// Said.\nmessage NoFieldComment {\n  string a = 1;\n}\n", 'Field "a" should have a non-empty comment'),
        ("// Said.\nmessage Camel {\n  // Said.\n  string someName = 1;\n}\n", "should be lower_snake_case"),
    ],
)
def test_lint_can_fail(copy: Path, spoiled: str, complaint: str) -> None:
    header = 'syntax = "proto3";\n\n// Said.\npackage carillon.v1;\n\n'
    (copy / "carillon" / "v1" / "spoiled.proto").write_text(header + spoiled)
    result = buf("lint", folder=copy)
    assert result.returncode != 0
    assert complaint in result.stdout


def test_format_can_fail(copy: Path) -> None:
    file = copy / "carillon" / "v1" / "tenant_service.proto"
    file.write_text(file.read_text().replace("  rpc ", " rpc "))
    assert buf("format", "--diff", "--exit-code", folder=copy).returncode != 0
