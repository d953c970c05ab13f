"""What these tests share: the program interop-server, which the variable INTEROP_SERVER names, and one that runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import run  # noqa: E402


@pytest.fixture(scope="session")
def interop_binary() -> Path:
    named = os.environ.get("INTEROP_SERVER", "")
    if not named:
        pytest.fail("INTEROP_SERVER does not name the program interop-server", pytrace=False)
    path = Path(named).resolve()
    if not os.access(path, os.X_OK):
        pytest.fail(f"INTEROP_SERVER names {path}, which is no program: build it first", pytrace=False)
    return path


@pytest.fixture(scope="module")
def interop_server(interop_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[run.InteropServer]:
    with run.serving(interop_binary, tmp_path_factory.mktemp("interop"), *run.PINGS_AT_WILL) as server:
        yield server


@pytest.fixture(scope="session")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run.describe(tmp_path_factory.mktemp("descriptors") / "descriptors.binpb")
