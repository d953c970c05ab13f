"""Programs that the tests start. None outlives the test process, however that ends."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from .waiting import eventually


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as what refuses to run as root; None if we are not root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("we are root, and there is neither a user postgres nor nobody")


def bound(command: Sequence[str], user: pwd.struct_passwd | None = None, death: str = "KILL") -> list[str]:
    """The command, to be ended by the kernel when the thread that starts it ends; as another user, if one is given."""
    prefix = ["setpriv", "--pdeathsig", death]
    if user is not None:
        prefix += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
    return [*prefix, *command]


class Program:
    """A program that runs until it is told to end. What it prints goes to a file."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        user: pwd.struct_passwd | None = None,
        death: str = "KILL",
        keeps_input: bool = False,
    ) -> None:
        self.log = log
        self.name = Path(command[0]).name
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                bound(command, user, death),
                stdin=subprocess.PIPE if keeps_input else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            self.process.send_signal(number)

    def wait(self, within: float = 30.0) -> int:
        """The exit status, once the program has ended; negative for a signal."""
        eventually(lambda: not self.is_running, f"{self.name} ends", within, seen=lambda: self.tail())
        return self.process.returncode

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal and returns when the program is gone."""
        self.send(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def tail(self, count: int = 3000) -> str:
        return self.printed()[-count:]


def processor_seconds(pid: int) -> float:
    """How much processor time a process has used, user and system: its own clock (clock_getcpuclockid(3) on Linux), which
    counts nanoseconds where /proc/PID/stat counts ticks."""
    return time.clock_gettime((~pid << 3) | 2)
