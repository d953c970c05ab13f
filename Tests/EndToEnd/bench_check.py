"""Prints what a preference check costs when a loop knows a million users.

    E2E_BINARY=… INTEROP_SERVER=… bench_check.py [--tenants 1000] [--users 1000] [--requests 300000] [--rounds 5]

Users are asked for at random, over TLS, each call with the API key of its tenant, on one loop. Next to it, in turns and with the same
client, the interop server says back 16 octets, also on one loop. Costs are processor time of the servers, by their own clocks;
the client's is not in them. Of each figure the median round counts, and of the budget the median of the rounds' ratios.

A quarter of the users have chosen something, all have an address, and accounts have five users each; ids are UUIDs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import interface
from harness.caller import Called, Caller, Requests
from harness.certificates import Authority
from harness.cluster import Cluster, programs
from harness.echo import MESSAGE, SERVICE, EchoServer
from harness.idle import resident_octets
from harness.interface import v1
from harness.processes import processor_seconds
from harness.server import Carillon
from harness.supplier import Supplier

CHECK = "/carillon.v1.PreferenceService/CheckPreference"
TYPES = ["invoice.created", "payment.processing", "comment.added", "payment.failed", "dispute.closed"]
USERS_OF_AN_ACCOUNT = 5
COLD_RATE = 400
COLD_CALLS = 4_000
BATCH = 100
STREAMED = 100_000

# What one tenant has, $1 users of it. Ids are made from numbers, so that they need not be read back.
FILL = """
INSERT INTO {schema}.account (account_id, display_name, assigned_rep_user_ids, notifications_suppressed, facts_version, revision,
    created_at, updated_at)
SELECT 'account' || n, '', '{{}}', false, 1, 1, now(), now() FROM generate_series(0, {users} / {each}) n;
INSERT INTO {schema}.app_user (user_id, account_id, display_name, state, is_admin, team_member, revision, choices_revision,
    created_at, updated_at)
SELECT md5('{tenant}/' || n)::uuid, 'account' || n / {each}, 'Somebody ' || n, 'active', n % {each} = 0, false, 1, 1, now(), now()
FROM generate_series(0, {users} - 1) n;
INSERT INTO {schema}.contact_point (user_id, channel, address, position, state)
SELECT md5('{tenant}/' || n)::uuid, 'email', n || '@customer.example', 0, 'usable' FROM generate_series(0, {users} - 1) n;
INSERT INTO {schema}.preference (user_id, audience, scope, scope_key, channel, choice, changed_at)
SELECT md5('{tenant}/' || n)::uuid, 'customer', 'type', 'invoice.created', '', true, now() FROM generate_series(0, {users} - 1, 4) n;
"""
# What a program that asks the database by itself would have to find out at least.
QUESTION = """\\set n random(0, {last})
SELECT u.state, u.is_admin, c.state, p.choice
FROM {schema}.app_user u
LEFT JOIN {schema}.contact_point c ON c.user_id = u.user_id AND c.channel = 'email'
LEFT JOIN {schema}.preference p ON p.user_id = u.user_id AND p.audience = 'customer' AND p.scope_key = 'invoice.created'
WHERE u.user_id = md5('{tenant}/' || :n)::uuid::text;
"""


def user_id(tenant: str, number: int) -> str:
    return str(uuid.UUID(hashlib.md5(f"{tenant}/{number}".encode(), usedforsecurity=False).hexdigest()))


def say(line: str) -> None:
    print(f"bench check {line}", flush=True)


class Bench:
    def __init__(self, server: Carillon, echo: EchoServer, folder: Path, options: argparse.Namespace) -> None:
        self.server, self.echo, self.folder, self.options = server, echo, folder, options
        self.caller = Caller(folder / "caller")
        self.echoes = Requests(folder / "echo", [""], [(0, MESSAGE)])
        self.random = random.Random(5)
        self.suppliers: list[Supplier] = []
        self.budgets: list[str] = []

    def budget(self, name: str, value: float, limit: float) -> None:
        self.budgets.append(f"budget {name} {value:.2f} {limit:g} {'met' if value <= limit else 'missed'}")

    # Who there is

    def furnish(self) -> None:
        channel = self.server.channel()
        began = time.perf_counter()
        while len(self.suppliers) < self.options.tenants:
            some = [Supplier(self.server, channel, name="bench") for _ in range(50)][: self.options.tenants]
            self.suppliers += some
            self.server.database.execute(
                "".join(
                    FILL.format(schema=one.schema, tenant=one.id, users=self.options.users, each=USERS_OF_AN_ACCOUNT)
                    for one in some
                )
            )
        self.server.database.execute("VACUUM ANALYZE")
        print(f"bench check furnished in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)

    def requests(self, name: str, places: list[tuple[int, int]]) -> Requests:
        """Checks of these users of these tenants, by their numbers, in this order."""

        def messages() -> Iterator[tuple[int, bytes]]:
            for tenant, user in places:
                yield tenant, self.check(tenant, user).SerializeToString()

        return Requests(self.folder / name, [f"Bearer {one.key}" for one in self.suppliers], messages())

    def check(self, tenant: int, user: int) -> v1.CheckPreferenceRequest:
        return v1.CheckPreferenceRequest(
            user_id=user_id(self.suppliers[tenant].id, user), notification_type=self.random.choice(TYPES)
        )

    # Measuring

    def call(self, requests: Requests, count: int, **load: float) -> Called:
        called = self.caller.call(self.server.port, CHECK, requests, count, **load)
        assert called.succeeded == count, f"{count - called.succeeded} calls failed"
        return called

    def says_back(self, count: int, **load: float) -> Called:
        called = self.caller.call(self.echo.port, f"{SERVICE}/Inline", self.echoes, count, **load)
        assert called.succeeded == count, f"{count - called.succeeded} echoes failed"
        return called

    def cost(self, pid: int, body: Callable[[], Called]) -> tuple[float, Called]:
        """Microseconds of processor time of each call."""
        before = processor_seconds(pid)
        called = body()
        return (processor_seconds(pid) - before) * 1e6 / len(called.latencies), called

    def cold(self, places: list[tuple[int, int]]) -> None:
        """Users whom nobody has asked for, of tenants that are awake."""
        requests = self.requests("cold", places)
        called = self.call(requests, len(places), rate=COLD_RATE)
        say(
            f"cold: {COLD_RATE}/s, p50 {called.percentile(0.5):.2f} ms, p99 {called.percentile(0.99):.2f} ms, "
            f"p99.9 {called.percentile(0.999):.2f} ms"
        )

    def warm(self) -> None:
        """Every user, a thousand in a batch."""
        users = range(self.options.users)
        known = resident_octets(self.server.running.pid)
        before, began = processor_seconds(self.server.running.pid), time.perf_counter()

        def one(tenant: int) -> None:
            checks = [self.check(tenant, user) for user in users]
            session = self.suppliers[tenant].api
            for first in range(0, len(checks), 1000):
                answer = session.preferences.BatchCheckPreferences(
                    v1.BatchCheckPreferencesRequest(checks=checks[first : first + 1000]), timeout=60
                )
                assert all(result.HasField("response") for result in answer.results)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, range(len(self.suppliers))))
        count = len(self.suppliers) * self.options.users
        wall, spent = time.perf_counter() - began, processor_seconds(self.server.running.pid) - before
        each = (resident_octets(self.server.running.pid) - known) / count
        say(
            f"read: {count:,} users in batches, {count / wall:,.0f}/s, {spent * 1e6 / count:.1f} us of the server each; "
            f"{each:.0f} octets of memory each"
        )
        self.budget("check-memory", each, 200)

    def calls(self, requests: Requests) -> float:
        """Checks and echoes in turns, as fast as they go."""
        options = self.options
        costs: dict[str, list[float]] = {"check": [], "echo": []}
        rates: dict[str, list[float]] = {"check": [], "echo": []}
        for number in range(options.rounds + 1):
            bodies = {
                "check": (self.server.running.pid, lambda: self.call(requests, options.requests)),
                "echo": (self.echo.program.pid, lambda: self.says_back(options.requests)),
            }  # fmt: skip
            for name, (pid, body) in bodies.items():
                spent, called = self.cost(pid, body)
                # The first round is for the processor's caches and the connections.
                if number:
                    costs[name].append(spent)
                    rates[name].append(len(called.latencies) / called.seconds)
        for name, values in costs.items():
            say(
                f"{name}: {statistics.median(rates[name]):,.0f}/s, {statistics.median(values):.2f} us of processor time "
                f"({min(values):.2f}-{max(values):.2f})"
            )
        ratios = [check / echo for check, echo in zip(costs["check"], costs["echo"], strict=True)]
        self.budget("check-echo", statistics.median(ratios), 2.5)
        return statistics.median(rates["check"])

    def half(self, requests: Requests, rate: float) -> None:
        """At half the greatest rate, each call due at its time; the echo in turns, at the same rate, shows what the machine adds."""
        taken: dict[str, list[Called]] = {"check": [], "echo": []}
        count = int(rate * 2)
        for _ in range(self.options.rounds):
            taken["check"].append(self.call(requests, count, rate=rate))
            taken["echo"].append(self.says_back(count, rate=rate))
        for name, rounds in taken.items():
            p50, p99, p999 = (
                statistics.median(called.percentile(share) for called in rounds) for share in (0.5, 0.99, 0.999)
            )
            say(f"half load, {rate:,.0f}/s, {name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, p99.9 {p999:.2f} ms")
            if name == "check":
                self.budget("check-p99-ms", p99, 2)

    def items(self, places: list[tuple[int, int]]) -> None:
        """Batches and a stream, by each check in them."""
        pid = self.server.running.pid
        first = self.suppliers[0]
        batch = v1.BatchCheckPreferencesRequest(checks=[self.check(0, user) for _, user in places[:BATCH]])
        requests = Requests(
            self.folder / "batch", [f"Bearer {first.key}"], [(0, batch.SerializeToString())]
        )  # fmt: skip
        path = CHECK.replace("CheckPreference", "BatchCheckPreferences")
        costs = []
        for _ in range(self.options.rounds):
            spent, called = self.cost(pid, lambda: self.caller.call(
                self.server.port, path, requests, max(self.options.requests // BATCH // 4, 10)))  # fmt: skip
            assert called.succeeded == len(called.latencies)
            costs.append(spent / BATCH)
        say(f"batch of {BATCH}: {statistics.median(costs):.2f} us a check")

        def messages() -> Iterator[v1.StreamPreferenceChecksRequest]:
            check = self.check(0, 1)
            for number in range(STREAMED):
                yield v1.StreamPreferenceChecksRequest(number=number, check=check)

        before, began = processor_seconds(pid), time.perf_counter()
        answers = first.api.preferences.StreamPreferenceChecks(messages(), timeout=120)
        count = sum(answer.result.HasField("response") for answer in answers)
        assert count == STREAMED, f"{count} of {STREAMED} checks of a stream were answered"
        wall = time.perf_counter() - began
        say(
            f"stream: {(processor_seconds(pid) - before) * 1e6 / count:.2f} us a check, at the {count / wall:,.0f}/s that "
            "the client makes"
        )

    def by_query(self, rate: float) -> None:
        """The same question as one indexed query, prepared, by pgbench over the socket."""
        script = self.folder / "question.sql"
        one, database = self.suppliers[0], self.server.database
        script.write_text(QUESTION.format(last=self.options.users - 1, schema=one.schema, tenant=one.id))
        command = [
            programs() / "pgbench", "-n", "-M", "prepared", "-f", script, "-c", "8", "-j", "1", "-T", "5",
            "-h", database.cluster.folder, "-p", database.cluster.port, "-U", "postgres", database.name,
        ]  # fmt: skip
        result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
        found = re.search(r"tps = ([\d.]+)", result.stdout)
        assert found, result.stdout + result.stderr
        say(f"pgbench: {float(found[1]):,.0f}/s by one query; a loop answers {rate / float(found[1]):.1f} times as many")

    def run(self) -> None:
        self.furnish()
        places = [(tenant, user) for tenant in range(len(self.suppliers)) for user in range(self.options.users)]
        self.random.shuffle(places)
        awake = self.requests("awake", [(tenant, 0) for tenant in range(len(self.suppliers))])
        self.call(awake, awake.count, connections=4, streams=1)
        self.cold([place for place in places if place[1] > 0][:COLD_CALLS])
        self.warm()
        requests = self.requests("checks", places)
        rate = self.calls(requests)
        self.half(requests, rate / 2)
        self.items(places)
        self.by_query(rate)
        print(*self.budgets, sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    binaries = [Path(os.environ.get(name, "")) for name in ("E2E_BINARY", "INTEROP_SERVER")]
    if not all(os.access(binary, os.X_OK) and not binary.is_dir() for binary in binaries):
        print("E2E_BINARY and INTEROP_SERVER do not name the servers to measure", file=sys.stderr)
        return 64
    cluster = Cluster({"shared_buffers": "1GB", "max_wal_size": "8GB", "autovacuum_naptime": "10min"})
    try:
        with tempfile.TemporaryDirectory(prefix="carillon-bench-") as name:
            folder = Path(name)
            interface.load(folder / "interface")
            authority = Authority(folder / "authority")
            certificate = authority.issue("server")
            # Tenants ask as fast as they can: their calls are counted, and none is one too many.
            flags = ["--loops", "1", "--limits-tenant-call-rate", "1000000", "--limits-facts-memory", "1024"]
            server = Carillon(
                binaries[0].resolve(), folder / "carillon", cluster.make_database(), authority, certificate, flags=flags
            )  # fmt: skip
            echo = EchoServer(binaries[1].resolve(), folder / "echo-server", certificate)
            try:
                Bench(server.start(), echo, folder, options).run()
            finally:
                echo.program.end()
                server.close()
    finally:
        cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
