"""The server of the interop tests, which says back what it gets."""

from __future__ import annotations

import os
from pathlib import Path

from .certificates import Certificate
from .processes import Program
from .server import HOST
from .waiting import eventually

SERVICE = "/carillon.testing.v1.EchoService"
PAYLOAD = b"0123456789abcdef"
# What a message of 16 octets takes as a field.
MESSAGE = b"\x0a\x10" + PAYLOAD
MEBIBYTE = 1 << 20


class EchoServer:
    """The server of the interop tests with one loop."""

    def __init__(self, binary: Path, folder: Path, certificate: Certificate, env: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True)
        port_file = folder / "port"
        self.program = Program(
            [str(binary), "--certificate", str(certificate.certificate), "--key", str(certificate.key),
             "--port-file", str(port_file), "--loops", "1", "--limit", f"messageSize={2 * MEBIBYTE}"],
            folder / "server.log", env={**os.environ, **(env or {})},
        )  # fmt: skip
        eventually(lambda: port_file.exists() and port_file.read_text(), "it listens", seen=self.program.tail)
        self.port = int(port_file.read_text())

    def url(self, method: str) -> str:
        return f"https://{HOST}:{self.port}{SERVICE}/{method}"
