"""Counts the allocations of a program by a small library in front of the C library."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path


class AllocationCounter:
    """The library, compiled, and the shared file that it counts in."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.library = folder / "allocations.so"
        self.file = folder / "allocations.count"
        self.file.write_bytes(bytes(8))
        source = Path(__file__).with_suffix(".c")
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(self.library), str(source)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    @property
    def environment(self) -> dict[str, str]:
        """What the program must be started with."""
        return {"LD_PRELOAD": str(self.library), "ALLOCATION_COUNTER": str(self.file)}

    @property
    def count(self) -> int:
        return struct.unpack("@Q", self.file.read_bytes())[0]
