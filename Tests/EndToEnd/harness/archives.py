"""Tenants as archives, by the commands."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from subprocess import CompletedProcess

from .server import Carillon, run


def command(server: Carillon, *arguments: str) -> CompletedProcess[str]:
    return run(
        server.binary, "tenant", *arguments, "--address", server.address, "--ca", str(server.authority.file),
        "--operator-key-file", str(server.secrets.operator_file),
    )  # fmt: skip


def transfer_key(folder: Path, name: str = "transfer.key") -> Path:
    file = folder / name
    file.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    return file


def exported(server: Carillon, tenant: str, file: Path, *arguments: str) -> bytes:
    result = command(server, "export", tenant, "--output", str(file), *arguments)
    assert result.returncode == 0, result.stderr
    return file.read_bytes()
