"""Prints what the transport costs: calls, messages, large bodies and idle connections, next to nghttpd.

    INTEROP_SERVER=… bench_transport.py [--requests 100000] [--rounds 9]

The servers are measured in turns with the same h2load, the same certificate and the same cipher, each with one thread;
of each figure the median round counts, and of each budget the median of the rounds' ratios, as what the machine does beside
changes from round to round. Processor time is the server's own, user and system, by its own clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from harness.allocations import AllocationCounter
from harness.certificates import Authority
from harness.echo import MEBIBYTE, MESSAGE, SERVICE, EchoServer
from harness.http2 import frame
from harness.idle import hold_idle_connections, resident_octets
from harness.load import StaticServer, h2load
from harness.pingpong import echo_messages
from harness.processes import processor_seconds

SHAPES = [(1, 1), (8, 1), (8, 16), (32, 32)]
BUDGETS = {"inline": 1.3, "async": 1.8}
HEADERS = [("content-type", "application/grpc"), ("te", "trailers")]
SAME_CIPHER = ["--tls13-ciphers=TLS_AES_128_GCM_SHA256"]
IDLE_CONNECTIONS = 1000


@dataclass
class Figures:
    """What the rounds of one server in one shape gave."""

    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)

    def ratio(self, other: Figures) -> float:
        """How many times the other's cost, round by round."""
        return statistics.median(own / its for own, its in zip(self.costs, other.costs, strict=True))

    def __str__(self) -> str:
        middle = statistics.median
        return (
            f"{middle(self.rates):,.0f} requests/s, {self.cost:.2f} us/request "
            f"({min(self.costs):.2f}-{max(self.costs):.2f}), p50 {middle(self.p50):.2f} ms, p99 {middle(self.p99):.2f} ms"
        )


class Bench:
    def __init__(self, binary: Path, folder: Path, requests: int, rounds: int) -> None:
        self.binary, self.folder, self.requests, self.rounds = binary, folder, requests, rounds
        self.authority = Authority(folder / "authority")
        self.certificate = self.authority.issue("server")
        self.body = folder / "body"
        self.body.write_bytes(frame(MESSAGE))
        self.budgets: list[str] = []

    def budget(self, name: str, value: float, limit: float) -> None:
        self.budgets.append(f"budget {name} {value:.2f} {limit} {'met' if value <= limit else 'missed'}")

    def calls(self) -> None:
        echo = EchoServer(self.binary, self.folder / "echo", self.certificate)
        static = StaticServer(self.folder / "static", self.certificate)
        rpc = {"body": self.body, "headers": HEADERS}
        loads = {
            "nghttpd": (static.program.pid, {"url": static.url}),
            "inline": (echo.program.pid, {"url": echo.url("Inline"), **rpc}),
            "async": (echo.program.pid, {"url": echo.url("Async"), **rpc}),
        }
        try:
            for clients, streams in SHAPES:
                figures = {name: Figures() for name in loads}
                requests = self.requests if streams > 1 else self.requests // 4
                for _ in range(self.rounds):
                    for name, (pid, load) in loads.items():
                        self.measure(figures[name], pid, requests, clients=clients, streams=streams, **load)
                shape = f"{clients}x{streams}"
                for name in loads:
                    print(f"bench transport {shape} {name}: {figures[name]}", flush=True)
                for name, limit in BUDGETS.items():
                    self.budget(f"echo-{name}-{shape}", figures[name].ratio(figures["nghttpd"]), limit)
        finally:
            static.end()
            echo.program.end()

    def measure(self, figures: Figures, pid: int, requests: int, **load: object) -> None:
        before = processor_seconds(pid)
        run = h2load(requests=requests, log=self.folder / "latencies", flags=SAME_CIPHER, **load)
        assert run.succeeded == run.status_2xx == requests, run.printed
        figures.costs.append((processor_seconds(pid) - before) * 1e6 / requests)
        figures.rates.append(run.per_second)
        figures.p50.append(run.percentile(0.5))
        figures.p99.append(run.percentile(0.99))

    def allocations(self) -> None:
        counter = AllocationCounter(self.folder / "counter")
        echo = EchoServer(self.binary, self.folder / "counted", self.certificate, counter.environment)
        try:
            for method in ("Inline", "Async"):
                load = {"url": echo.url(method), "body": self.body, "headers": HEADERS, "flags": SAME_CIPHER}
                h2load(requests=2000, **load)
                counts = []
                for requests in (1000, 11000):
                    before = counter.count
                    h2load(requests=requests, **load)
                    counts.append(counter.count - before)
                # What the connections themselves allocate is in both.
                each = (counts[1] - counts[0]) / 10000
                print(f"bench transport allocations {method.lower()}: {each:.2f} a request", flush=True)
        finally:
            echo.program.end()

    def idle(self) -> None:
        echo = EchoServer(self.binary, self.folder / "idle", self.certificate)
        try:
            h2load(echo.url("Inline"), 2000, body=self.body, headers=HEADERS)
            before = resident_octets(echo.program.pid)
            with hold_idle_connections(echo.port, self.authority.file, IDLE_CONNECTIONS):
                each = (resident_octets(echo.program.pid) - before) / IDLE_CONNECTIONS
            print(f"bench transport idle: {each / 1024:.1f} KiB a connection ({IDLE_CONNECTIONS} open)", flush=True)
        finally:
            echo.program.end()

    def streams(self) -> None:
        echo = EchoServer(self.binary, self.folder / "stream", self.certificate)
        try:
            rates, costs = [], []
            for _ in range(self.rounds):
                before = processor_seconds(echo.program.pid)
                count, seconds = echo_messages(echo.port, self.authority.file, f"{SERVICE}/Stream", frame(MESSAGE))
                costs.append((processor_seconds(echo.program.pid) - before) * 1e6 / count)
                rates.append(count / seconds)
            print(
                f"bench transport bidi stream: {statistics.median(rates):,.0f} messages/s each way on one stream, "
                f"{statistics.median(costs):.2f} us/message", flush=True,
            )  # fmt: skip
        finally:
            echo.program.end()

    def large(self) -> None:
        echo = EchoServer(self.binary, self.folder / "large", self.certificate)
        body = self.folder / "large-body"
        # A length of 1 MiB takes three octets.
        body.write_bytes(frame(b"\x0a\x80\x80\x40" + bytes(MEBIBYTE)))
        try:
            rates = []
            for _ in range(self.rounds):
                run = h2load(echo.url("Inline"), 300, clients=1, streams=1, body=body, headers=HEADERS,
                             flags=[*SAME_CIPHER, "-w24", "-W24"])  # fmt: skip
                assert run.succeeded == run.status_2xx == 300, run.printed
                rates.append(run.per_second)
            print(f"bench transport 1 MiB messages: {statistics.median(rates):,.0f} MiB/s each way", flush=True)
        finally:
            echo.program.end()

    def run(self) -> None:
        self.calls()
        self.allocations()
        self.idle()
        self.streams()
        self.large()
        print(*self.budgets, sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    binary = Path(os.environ.get("INTEROP_SERVER", ""))
    if not os.access(binary, os.X_OK) or binary.is_dir():
        print("INTEROP_SERVER does not name the server to measure", file=sys.stderr)
        return 64
    with tempfile.TemporaryDirectory(prefix="carillon-bench-") as folder:
        Bench(binary.resolve(), Path(folder), options.requests, options.rounds).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
