"""Makes unary calls, each with a message and a credential of its own: caller.c."""

from __future__ import annotations

import array
import struct
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .http2 import frame


@dataclass
class Called:
    """What came of some calls."""

    seconds: float
    succeeded: int
    octets: int
    """Of all answers, with their gRPC prefixes."""
    latencies: Sequence[int]
    """Microseconds of each call, in rising order."""

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the calls was answered."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] / 1000


class Requests:
    """Requests to be sent in turn."""

    def __init__(self, file: Path, credentials: Sequence[str], messages: Iterable[tuple[int, bytes]]) -> None:
        """Of each message the place of its credential is told; an empty one is none."""
        self.file = file
        count = 0
        with file.open("wb") as out:
            out.write(struct.pack("=I", len(credentials)))
            for credential in credentials:
                out.write(struct.pack("=I", len(credential)) + credential.encode())
            place = out.tell()
            out.write(bytes(4))
            for credential, message in messages:
                framed = frame(message)
                out.write(struct.pack("=II", credential, len(framed)) + framed)
                count += 1
            out.seek(place)
            out.write(struct.pack("=I", count))
        self.count = count


class Caller:
    """The program, compiled."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.program = folder / "caller"
        source = Path(__file__).with_suffix(".c")
        command = ["cc", "-O2", "-o", str(self.program), str(source), "-lnghttp2", "-lssl", "-lcrypto"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def call(
        self, port: int, path: str, requests: Requests, count: int, connections: int = 8, streams: int = 16, rate: float = 0
    ) -> Called:
        """Makes calls, as many at once as the streams allow, or at a rate each second."""
        latencies = self.folder / "latencies"
        command = [self.program, port, path, requests.file, connections, streams, count, rate, latencies]
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stderr
        seconds, succeeded, octets = result.stdout.split()
        taken = array.array("I", latencies.read_bytes())
        return Called(float(seconds), int(succeeded), int(octets), sorted(taken))
