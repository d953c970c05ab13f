"""A machine that can vanish without a word: a network namespace of its own, at the end of a virtual cable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .processes import Program
from .server import environment
from .waiting import eventually

RELAY = """
import asyncio, sys

async def pump(reader, writer):
    try:
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    finally:
        writer.close()

async def take(reader, writer):
    there = await asyncio.open_unix_connection(sys.argv[3])
    await asyncio.gather(pump(reader, there[1]), pump(there[0], writer), return_exceptions=True)

async def main():
    server = await asyncio.start_server(take, sys.argv[1], int(sys.argv[2]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


PREFIX = "carillon-e2e-"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def remove_orphans() -> None:
    """Removes the machines of test processes that were killed; their cables go with them."""
    for line in run("ip", "netns", "list").stdout.splitlines():
        owner = line.split()[0].removeprefix(PREFIX) if line.startswith(PREFIX) else ""
        if owner.isdigit() and not Path("/proc", owner).exists():
            run("ip", "netns", "delete", f"{PREFIX}{owner}")


class Machine:
    """Takes connections at `address` and PostgreSQL's usual port, and hands them on to the socket in a server's folder."""

    address = "10.213.77.2"
    near = "10.213.77.1"
    port = "5432"

    def __init__(self, log: Path, server: Path) -> None:
        self.name = f"{PREFIX}{os.getpid()}"
        self.cable = f"cbl{os.getpid() % 100000}"
        self.program: Program | None = None
        remove_orphans()
        inside = ["ip", "netns", "exec", self.name]
        commands = [
            ["ip", "netns", "add", self.name],
            ["ip", "link", "add", f"{self.cable}a", "type", "veth", "peer", "name", f"{self.cable}b", "netns", self.name],
            ["ip", "addr", "add", f"{self.near}/30", "dev", f"{self.cable}a"],
            ["ip", "link", "set", f"{self.cable}a", "up"],
            [*inside, "ip", "addr", "add", f"{self.address}/30", "dev", f"{self.cable}b"],
            [*inside, "ip", "link", "set", f"{self.cable}b", "up"],
        ]
        try:
            for command in commands:
                result = run(*command)
                assert result.returncode == 0, f"{command}: {result.stderr}"
            self.program = Program(
                [*inside, sys.executable, "-c", RELAY, self.address, self.port, str(server / f".s.PGSQL.{self.port}")], log
            )
            eventually(lambda: "ready" in self.program.printed(), "the machine listens", seen=self.program.tail)
        except BaseException:
            self.remove()
            raise

    @staticmethod
    def why_not() -> str:
        """Why there can be no such machine here; empty if there can."""
        if os.getuid() != 0 or not shutil.which("ip"):
            return "only root can lay cables, with iproute2"
        name = f"{PREFIX}try-{os.getpid()}"
        made = run("ip", "netns", "add", name)
        run("ip", "netns", "delete", name)
        return "" if made.returncode == 0 else f"no network namespaces here: {made.stderr}"

    def begin(self, command: list[str], log: Path) -> Program:
        """Starts a program there, which reaches us at `near`."""
        return Program(["ip", "netns", "exec", self.name, *command], log, env=environment())

    def vanish(self) -> None:
        """Pulls the cable at the far end: nothing arrives, nothing is answered, and nobody says so."""
        run("ip", "netns", "exec", self.name, "ip", "link", "set", f"{self.cable}b", "down")

    def remove(self) -> None:
        if self.program:
            self.program.end()
        run("ip", "netns", "delete", self.name)
        run("ip", "link", "delete", f"{self.cable}a")
