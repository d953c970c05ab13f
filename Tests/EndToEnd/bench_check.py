"""Prints what one CheckPreference costs in processor time, next to nghttpd serving 16 octets with the same TLS files.

    E2E_BINARY=… bench_check.py [--requests 300000] [--rounds 5]

Both servers are measured in turns with the same h2load; of each the median round counts. The time is the server's own,
user and system, by its own clock; the load generator's is not in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from harness import interface
from harness.certificates import Authority
from harness.cluster import Cluster
from harness.http2 import frame
from harness.interface import v1
from harness.load import StaticServer, h2load
from harness.processes import processor_seconds
from harness.server import Carillon
from harness.supplier import Supplier

CHECK = "/carillon.v1.PreferenceService/CheckPreference"


def cost(pid: int, requests: int, **load: object) -> tuple[float, float]:
    """Microseconds of processor time for each request, and requests per second."""
    before = processor_seconds(pid)
    run = h2load(requests=requests, **load)
    assert run.succeeded == run.status_2xx == requests, run.printed
    return (processor_seconds(pid) - before) * 1e6 / requests, run.per_second


def measure(binary: Path, folder: Path, cluster: Cluster, requests: int, rounds: int) -> None:
    interface.load(folder / "interface")
    authority = Authority(folder / "authority")
    certificate = authority.issue("server")
    # One tenant asks as fast as it can: its calls are counted, and none is one too many.
    flags = ["--limits-tenant-call-rate", "1000000"]
    server = Carillon(
        binary, folder / "carillon", cluster.make_database(), authority, certificate, flags=flags
    ).start()  # fmt: skip
    static = StaticServer(folder / "static", certificate)
    try:
        supplier = Supplier(server, name="bench")
        supplier.add_account("acme")
        supplier.add_user("dora", "acme")
        request = v1.CheckPreferenceRequest(user_id="dora", notification_type="invoice.created")
        length = len(frame(supplier.api.preferences.CheckPreference(request).SerializeToString()))
        body = folder / "check"
        body.write_bytes(frame(request.SerializeToString()))
        headers = [
            ("content-type", "application/grpc"), ("te", "trailers"), ("authorization", f"Bearer {supplier.key}"),
        ]  # fmt: skip
        loads = {
            "carillon": (server.running.pid, {"url": f"https://{server.address}{CHECK}", "body": body,
                                              "headers": headers}),
            "nghttpd": (static.program.pid, {"url": static.url}),
        }  # fmt: skip
        for pid, load in loads.values():
            cost(pid, max(requests // 10, 1000), **load)
        costs: dict[str, list[float]] = {name: [] for name in loads}
        rates: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(rounds):
            for name, (pid, load) in loads.items():
                spent, rate = cost(pid, requests, **load)
                costs[name].append(spent)
                rates[name].append(rate)
        check = h2load(f"https://{server.address}{CHECK}", 1000, body=body, headers=headers)
        assert check.body_octets == 1000 * length, "the answers under load are not the right ones"
        medians = {name: statistics.median(values) for name, values in costs.items()}
        for name in loads:
            spread = f"{min(costs[name]):.2f}-{max(costs[name]):.2f}"
            rate = statistics.median(rates[name])
            print(f"bench check {name} {medians[name]:.2f} us/request ({spread}, {rate:,.0f} requests/s)")
        print(f"bench check ratio {medians['carillon'] / medians['nghttpd']:.2f}")
    finally:
        static.end()
        server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    binary = Path(os.environ.get("E2E_BINARY", ""))
    if not os.access(binary, os.X_OK) or binary.is_dir():
        print("E2E_BINARY does not name the binary to measure", file=sys.stderr)
        return 64
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="carillon-bench-") as folder:
            measure(binary.resolve(), Path(folder), cluster, options.requests, options.rounds)
    finally:
        cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
