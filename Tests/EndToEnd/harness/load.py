"""h2load and nghttpd, nghttp2's own client and server."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .certificates import Certificate
from .processes import Program
from .server import HOST
from .waiting import eventually


@dataclass
class Run:
    """What h2load counted."""

    total: int
    succeeded: int
    failed: int
    errored: int
    status_2xx: int
    per_second: float
    body_octets: int
    printed: str
    latencies: list[int]
    """Microseconds of each request, in rising order; empty unless a log was asked for."""

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] / 1000


def h2load(
    url: str, requests: int, clients: int = 8, streams: int = 16, body: Path | None = None,
    headers: Sequence[tuple[str, str]] = (), log: Path | None = None, flags: Sequence[str] = (),
) -> Run:  # fmt: skip
    assert shutil.which("h2load"), "h2load is missing: install nghttp2-client"
    command = ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams), "-t", "1"]
    if body:
        command += ["-d", str(body)]
    for name, value in headers:
        command += ["-H", f"{name}: {value}"]
    if log:
        log.unlink(missing_ok=True)
        command += [f"--log-file={log}"]
    command += flags
    result = subprocess.run([*command, url], capture_output=True, text=True, timeout=120, check=False)
    printed = result.stdout + result.stderr
    assert result.returncode == 0, printed

    def number(pattern: str) -> str:
        found = re.search(pattern, printed)
        assert found, f"{pattern} is not in\n{printed}"
        return found[1]

    return Run(
        total=int(number(r"requests: (\d+) total")),
        succeeded=int(number(r"(\d+) succeeded")),
        failed=int(number(r"(\d+) failed")),
        errored=int(number(r"(\d+) errored")),
        status_2xx=int(number(r"status codes: (\d+) 2xx")),
        per_second=float(number(r"([\d.]+) req/s")),
        body_octets=int(number(r"\((\d+)\) data")),
        printed=printed,
        # Each line: when it began, the status, how long it took; the last two columns in microseconds.
        latencies=sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines()) if log else [],
    )


class StaticServer:
    """nghttpd with one file of 16 octets: about the least that HTTP/2 over TLS can cost."""

    NAME = "sixteen"

    def __init__(self, folder: Path, certificate: Certificate) -> None:
        assert shutil.which("nghttpd"), "nghttpd is missing: install nghttp2-server"
        root = folder / "root"
        root.mkdir(parents=True)
        (root / self.NAME).write_bytes(b"0123456789abcdef")
        self.port = free_port()
        self.program = Program(
            ["nghttpd", "--address", HOST, "--htdocs", str(root), str(self.port), str(certificate.key),
             str(certificate.certificate)],
            folder / "nghttpd.log",
        )  # fmt: skip
        eventually(lambda: is_open(self.port), "nghttpd listens", seen=self.program.tail)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/{self.NAME}"

    def end(self) -> None:
        self.program.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
