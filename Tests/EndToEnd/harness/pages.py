"""Pages of the service, as a browser or a mail program gets them that has no cookie and no credential."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

from .server import Carillon


def fetch(server: Carillon, address: str, body: bytes | None = None) -> tuple[int, str, dict[str, str]]:
    """Status, page and header fields; with a body by POST. Only path and query of the address count."""
    parts = urlsplit(address)
    command = [
        "curl", "--silent", "--show-error", "--http2", "--max-time", "20", "--include",
        "--cacert", str(server.authority.file),
        "--connect-to", f"localhost:{server.port}:127.0.0.1:{server.port}",
    ]  # fmt: skip
    if body is not None:
        command += ["--data-binary", "@-"]
    here = f"https://localhost:{server.port}{parts.path}?{parts.query}"
    result = subprocess.run([*command, here], input=body or b"", capture_output=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    head, _, page = result.stdout.decode().partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    return int(status.split()[1]), page, dict(field.split(": ", 1) for field in fields)
