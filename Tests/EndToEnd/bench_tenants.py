"""Prints what one more tenant costs: onboarding, catalog, memory, calls, start and migration at 1 to 2,000 tenants.

    E2E_BINARY=… bench_tenants.py [--tenants 2000] [--calls 4000] [--rounds 9]

Costs of calls are processor time of the server and of PostgreSQL's backends together, by their own clocks. The same client asks
for one tenant and for all of them at random, in turns of a hundred calls, one call at a time: nothing gathers into batches on
either side, and what else the machine does meets both alike. Before that every tenant has been asked once, so what is compared
is a house in use and not one that wakes up. What waking up costs is printed too: a loop reads a tenant's credential and facts
anew when they are nearly a minute old.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from harness import interface
from harness.certificates import Authority
from harness.cluster import Cluster
from harness.interface import v1
from harness.processes import processor_seconds
from harness.server import Carillon, run
from harness.supplier import Supplier
from harness.version1 import Version1
from harness.waiting import eventually

TYPE = "payment.processing"
TURN = 100
"""Calls for one tenant, or for all, before it is the others' turn."""


def budget(name: str, value: float, limit: float) -> str:
    return f"budget {name} {value:.2f} {limit:g} {'met' if value <= limit else 'missed'}"


class Tenant:
    """A tenant of the bench with one account and one user, and what is sent for it."""

    def __init__(self, server: Carillon, channel: grpc.Channel) -> None:
        began = time.perf_counter()
        self.supplier = Supplier(server, channel, name="bench")
        self.onboarding = time.perf_counter() - began
        self.check = v1.CheckPreferenceRequest(user_id="dora", notification_type=TYPE)

    def furnish(self) -> None:
        self.supplier.add_account("acme")
        self.supplier.add_user("dora", "acme", email="")


class Bench:
    def __init__(self, server: Carillon, cluster: Cluster, tenants: int, calls: int, rounds: int) -> None:
        self.server, self.cluster = server, cluster
        self.count, self.calls, self.rounds = tenants, calls, rounds
        self.channel = server.channel()
        self.tenants: list[Tenant] = []
        self.random = random.Random(4)
        self.budgets: list[str] = []
        self.context: list[Any] = []

    # What runs

    def backends(self) -> list[int]:
        query = "SELECT pid FROM pg_stat_activity WHERE usename IN ('carillon_serve', 'carillon_work', 'carillon_owner')"
        return [int(pid) for pid in self.server.database.execute(query).split()]

    def processes(self) -> list[int]:
        """The server and its backends, whose clocks are read."""
        return [self.server.running.pid, *sorted(self.backends())]

    def octets(self) -> int:
        return int(self.server.database.execute("SELECT pg_database_size(current_database())"))

    def catalog_octets(self) -> int:
        query = (
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace"
            " AND c.relkind = 'r'"
        )
        return int(self.server.database.execute(query))

    # Onboarding

    def onboard(self, until: int) -> None:
        while len(self.tenants) < until:
            self.tenants.append(Tenant(self.server, self.channel))
            if len(self.tenants) % 250 == 0:
                print(f"bench tenants onboarded {len(self.tenants)}", file=sys.stderr, flush=True)

    def onboarding(self) -> None:
        """The median of 20 that are made when there are so many."""
        empty, catalog = self.octets(), self.catalog_octets()
        for level in [level for level in (1, 100, 1000, 2000) if level <= self.count]:
            self.onboard(level)
            made = [Tenant(self.server, self.channel) for _ in range(20)]
            self.tenants += made
            times = sorted(one.onboarding * 1000 for one in made)
            median = statistics.median(times)
            print(
                f"bench tenants onboarding at {level}: median {median:.1f} ms, {times[0]:.1f} to {times[-1]:.1f}", flush=True
            )
            self.budgets.append(budget(f"onboarding-{level}", median, 100))
        count = len(self.tenants)
        each = (self.octets() - empty) / count
        rows = self.server.database.execute(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname LIKE 't\\_%' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') GROUP BY n.oid) x"
        )
        in_catalog = (self.catalog_octets() - catalog) / count
        print(
            f"bench tenants disk: {each / 1024:.0f} KiB a tenant, {in_catalog / 1024:.0f} KiB of it in the catalog,"
            f" {rows} tables",
            flush=True,
        )
        self.budgets.append(budget("tables-per-tenant", float(rows), 40))

    def settle(self) -> None:
        """Waits until maintenance has made the next month of all that were onboarded: its work is not a call's.

        A tenant that is to be erased at once begins a round, which would come by itself within ten minutes.
        """
        asked = self.server.database.execute("SELECT now()")
        last = self.tenants.pop().supplier.id
        operator = self.server.operator().tenants
        etag = operator.GetTenant(v1.GetTenantRequest(tenant_id=last)).tenant.etag
        request = v1.DeleteTenantRequest(tenant_id=last, etag=etag)
        request.grace_period.seconds = 0
        operator.DeleteTenant(request)
        is_done = (
            f"SELECT (SELECT done_at > '{asked}' FROM carillon.chore WHERE name = 'maintenance')"
            " AND NOT EXISTS (SELECT FROM carillon.erased_tenant WHERE NOT is_swept)"
        )
        began = time.perf_counter()
        eventually(lambda: self.server.database.execute(is_done) == "t", "maintenance is done", 600)
        wall = time.perf_counter() - began
        print(f"bench tenants maintenance: {wall:.0f} s until all have their next month and one is erased", flush=True)

    # Calls

    def check(self, tenant: Tenant) -> None:
        tenant.supplier.api.preferences.CheckPreference(tenant.check)

    def publish(self, tenant: Tenant) -> None:
        event = v1.PublishRequest(
            idempotency_key=f"bench-{self.random.getrandbits(64):x}", notification_type=TYPE, account_id="acme",
            object="invoice/1", context=self.context,
        )  # fmt: skip
        tenant.supplier.api.delivery.Publish(event)

    def cost(self, processes: Sequence[int], call: Callable[[Tenant], None], order: Sequence[Tenant]) -> float:
        """Seconds of processor time that the calls take together."""

        def clocks() -> float:
            return sum(processor_seconds(pid) for pid in processes)

        before = clocks()
        for tenant in order:
            call(tenant)
        return clocks() - before

    def turns(self, call: Callable[[Tenant], None], count: int) -> tuple[float, float]:
        """Microseconds for a call of one tenant, and of all at random."""
        for _ in range(5):
            processes = self.processes()
            one = many = 0.0
            for _ in range(count // TURN):
                one += self.cost(processes, call, self.tenants[:1] * TURN)
                many += self.cost(processes, call, self.random.choices(self.tenants, k=TURN))
            # A backend that was replaced meanwhile takes its clock with it.
            if self.processes() == processes:
                return one * 1e6 / count, many * 1e6 / count
        raise AssertionError("backends come and go all the time")

    def compare(self, name: str, call: Callable[[Tenant], None], count: int) -> None:
        # What is known of all tenants is then of one age: that some of it is read anew falls on no call at random.
        self.server.kill()
        self.server.start()
        processes = self.processes()
        anew = self.cost(processes, call, self.tenants) * 1e6 / len(self.tenants)
        rounds = [self.turns(call, count) for _ in range(self.rounds)]
        ratio = statistics.median(many / one for one, many in rounds)
        print(
            f"bench tenants {name}: {statistics.median(one for one, _ in rounds):.0f} us for one tenant,"
            f" {statistics.median(many for _, many in rounds):.0f} us for {len(self.tenants)} at random,"
            f" {anew:.0f} us the first time for each",
            flush=True,
        )
        self.budgets.append(budget(f"{name}-{self.count}", ratio, 1.25))

    def memory(self) -> None:
        """What the backends and the server hold for each tenant that was published for."""
        before = {pid: private_octets(pid) for pid in self.backends()}
        mine = private_octets(self.server.running.pid)
        for tenant in self.tenants:
            self.publish(tenant)
        grown = sum(private_octets(pid) - octets for pid, octets in before.items() if Path(f"/proc/{pid}").exists())
        each = (private_octets(self.server.running.pid) - mine) / len(self.tenants)
        print(
            f"bench tenants memory: backends {grown / len(self.tenants) / 1024:.0f} KiB a tenant in {len(before)} together,"
            f" server {each / 1024:.1f} KiB a tenant",
            flush=True,
        )

    # The whole house

    def start_again(self) -> None:
        """How long until it takes calls, and until it is ready."""
        times = []
        for _ in range(3):
            self.server.kill()
            began = time.perf_counter()
            self.server.start()
            session = self.server.session(self.tenants[0].supplier.key)
            session.preferences.CheckPreference(self.tenants[0].check)
            times.append(time.perf_counter() - began)
        median = statistics.median(times)
        print(f"bench tenants start: {median:.2f} s until the first call is answered", flush=True)
        self.budgets.append(budget(f"start-{self.count}", median, 2))

    def migration(self) -> None:
        self.server.kill()
        old = Version1(self.cluster, self.count, prefix="bench")
        began = time.perf_counter()
        result = run(self.server.binary, "migrate", "--database-owner-url", old.database.owner_url, within=600)
        assert result.returncode == 0, result.stderr
        wall = time.perf_counter() - began
        print(f"bench tenants migration of {self.count} from version 1: {wall:.1f} s", flush=True)

    def run(self) -> None:
        self.onboarding()
        for tenant in self.tenants:
            tenant.furnish()
        self.context = self.tenants[0].supplier.context(TYPE)
        self.settle()
        self.memory()
        self.compare("check", self.check, self.calls)
        self.compare("publish", self.publish, self.calls // 4)
        self.start_again()
        self.migration()
        print(*self.budgets, sep="\n")


def private_octets(pid: int) -> int:
    """Memory that is this process' alone: shared buffers are counted nowhere."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(fields[name].split()[0]) * 1024 for name in ("Private_Clean", "Private_Dirty"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    binary = Path(os.environ.get("E2E_BINARY", ""))
    if not os.access(binary, os.X_OK) or binary.is_dir():
        print("E2E_BINARY does not name the binary to measure", file=sys.stderr)
        return 64
    cluster = Cluster({"shared_buffers": "512MB", "max_wal_size": "4GB", "autovacuum_naptime": "10min"})
    try:
        with tempfile.TemporaryDirectory(prefix="carillon-bench-") as folder:
            interface.load(Path(folder) / "interface")
            authority = Authority(Path(folder) / "authority")
            server = Carillon(
                binary.resolve(), Path(folder) / "carillon", cluster.make_database(), authority,
                authority.issue("server"),
            )  # fmt: skip
            try:
                Bench(server.start(), cluster, options.tenants, options.calls, options.rounds).run()
            finally:
                server.close()
    finally:
        cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
