"""Prints how late one process obeys what another one has answered, and how old its answers are while it hears of nothing.

    E2E_BINARY=… bench_staleness.py [--changes 10000] [--users 100]

Each user's choice is changed by one process, again and again, as soon as the other one obeys; the other one is asked for all of
them, one batch after the other. A delay counts from when the change was answered. In the middle the second process' way to the
database is cut for some seconds: it must refuse then, rather than answer with what is too old.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from harness import interface
from harness.certificates import Authority
from harness.cluster import Cluster, Database
from harness.interface import v1
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "payment.processing"
BOUND = 2.0
"""Seconds after which no answer may be stale: ServiceLimits.factsHearing."""
PAUSE = 0.005
"""Seconds between two batches of questions."""
CUT = 6.0
"""Seconds for which the second process hears of nothing."""


def budget(name: str, value: float, limit: float) -> str:
    return f"budget {name} {value:.3f} {limit:g} {'met' if value <= limit else 'missed'}"


class Way:
    """A way to the database's socket that can be cut: what is open breaks off, and nothing new comes through."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        folder.mkdir()
        name = f".s.PGSQL.{cluster.port}"
        self.folder, self.target = folder, str(cluster.folder / name)
        self.is_open = True
        self.pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / name))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if not self.is_open:
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self.target)
                self.pairs.add((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while octets := source.recv(1 << 16):
                target.sendall(octets)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self) -> None:
        with self.lock:
            self.is_open = False
            for pair in self.pairs:
                for end in pair:
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
            self.pairs.clear()

    def mend(self) -> None:
        with self.lock:
            self.is_open = True

    def close(self) -> None:
        self.listener.close()
        self.cut()


class Behind(Database):
    """A database at the end of a way."""

    def __init__(self, database: Database, way: Way) -> None:
        super().__init__(database.cluster, database.name)
        self.way = way

    def url(self, user: str) -> str:
        return super().url(user).partition("?")[0] + f"?host={str(self.way.folder).replace('/', '%2F')}"


class Watch:
    """What the second process says of every user, over and over."""

    def __init__(self, supplier: Supplier, second: Carillon, users: list[str]) -> None:
        self.session = second.session(supplier.key)
        self.users = users
        self.request = v1.BatchCheckPreferencesRequest(
            checks=[
                v1.CheckPreferenceRequest(user_id=user, notification_type=TYPE, channel=v1.CHANNEL_IN_APP)
                for user in users
            ]
        )
        self.condition = threading.Condition()
        # The reason that is waited for, and when the change to it was answered.
        self.wanted: dict[str, tuple[str, float]] = {}
        self.delays: list[float] = []
        self.oldest = 0.0
        self.asked = self.refused = 0
        self.ends = False
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            # Some hundred times a second, which is below what a tenant may call.
            while not self.ends:
                self.look()
                time.sleep(PAUSE)
        except BaseException as error:
            with self.condition:
                self.error = error
                self.condition.notify_all()

    def look(self) -> None:
        sent = time.monotonic()
        try:
            results = self.session.preferences.BatchCheckPreferences(self.request).results
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE, error
            self.refused += 1
            return
        self.asked += 1
        seen = time.monotonic()
        with self.condition:
            for user, result in zip(self.users, results, strict=True):
                wanted, answered = self.wanted.get(user, ("", 0.0))
                if not wanted:
                    continue
                if result.response.channels[0].reason == wanted:
                    self.delays.append(seen - answered)
                    del self.wanted[user]
                else:
                    # Whoever asked then was told what had been changed so long before.
                    self.oldest = max(self.oldest, sent - answered)
            self.condition.notify_all()

    def expect(self, user: str, reason: str, answered: float) -> None:
        with self.condition:
            self.wanted[user] = (reason, answered)
            obeyed = self.condition.wait_for(lambda: self.error or user not in self.wanted, 60)
            if self.error:
                raise self.error
            assert obeyed, f"{user} is never {reason}"


def change(supplier: Supplier, user: str, count: int, watch: Watch) -> None:
    session = supplier.api
    for number in range(count):
        choice, reason = [(v1.CHOICE_OFF, "opted_out"), (v1.CHOICE_ON, "opted_in")][number % 2]
        choices = [v1.PreferenceChoice(notification_type=TYPE, choice=choice)]
        session.preferences.UpdatePreferences(v1.UpdatePreferencesRequest(user_id=user, choices=choices))
        watch.expect(user, reason, time.monotonic())


def measure(supplier: Supplier, second: Carillon, way: Way, changes: int, users: int) -> None:
    names = [f"user-{number}" for number in range(users)]
    watch = Watch(supplier, second, names)
    watching = threading.Thread(target=watch.run)
    watching.start()
    try:
        with ThreadPoolExecutor(users) as pool:
            half = changes // users // 2
            list(pool.map(lambda name: change(supplier, name, half, watch), names))
            calm = sorted(watch.delays)
            oldest, asked = watch.oldest, watch.asked
            # The other half goes on while the way is cut and mended.
            rest = pool.map(lambda name: change(supplier, name, half, watch), names)
            time.sleep(2)
            way.cut()
            time.sleep(CUT)
            way.mend()
            list(rest)
    finally:
        watch.ends = True
        watching.join()
    p99 = calm[int(len(calm) * 0.99) - 1]
    print(
        f"bench staleness: {len(calm)} changes of {users} users, {asked} batches asked meanwhile: median"
        f" {statistics.median(calm):.3f} s, p99 {p99:.3f} s, greatest {calm[-1]:.3f} s; oldest answer {oldest:.3f} s"
    )
    print(
        f"bench staleness: {len(watch.delays) - len(calm)} changes with a cut of {CUT:g} s: {watch.refused} batches refused,"
        f" oldest answer {watch.oldest:.3f} s"
    )
    print(budget("staleness-p99", p99, 1))
    print(budget("staleness-oldest", oldest, BOUND))
    print(budget("staleness-oldest-cut", watch.oldest, BOUND))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=100)
    options = parser.parse_args()
    binary = Path(os.environ.get("E2E_BINARY", ""))
    if not os.access(binary, os.X_OK) or binary.is_dir():
        print("E2E_BINARY does not name the binary to measure", file=sys.stderr)
        return 64
    cluster = Cluster()
    try:
        with tempfile.TemporaryDirectory(prefix="carillon-bench-") as name:
            folder = Path(name)
            interface.load(folder / "interface")
            authority = Authority(folder / "authority")
            certificate = authority.issue("server")
            database = cluster.make_database()
            way = Way(folder / "way", cluster)
            first = Carillon(binary.resolve(), folder / "first", database, authority, certificate)
            second = Carillon(
                binary.resolve(), folder / "second", Behind(database, way), authority, certificate,
                secrets=first.secrets,
            )  # fmt: skip
            try:
                supplier = Supplier(first.start(), name="stale")
                supplier.add_account("acme")
                for number in range(options.users):
                    supplier.add_user(f"user-{number}", "acme", email="")
                second.start()
                eventually(lambda: second.session(supplier.key), "the second process serves")
                measure(supplier, second, way, options.changes, options.users)
            finally:
                first.close()
                second.close()
                way.close()
    finally:
        cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
