"""PostgreSQL fails over to a standby under load: nothing that was acknowledged is lost, and writing goes on by itself.

The connection strings name both servers, the standby first. Each test prints what was counted and how long it took from
the end of the fault until an event was acknowledged again.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc import StatusCode

from harness.http2 import once
from harness.ledger import Ledger, Publisher, publishers
from harness.machine import Machine
from harness.mail import MailServer
from harness.replicas import ReplicatedPair
from harness.server import Carillon
from harness.supplier import Supplier
from harness.verdict import judge
from harness.waiting import eventually

TYPE = "invoice.created"
READERS = ("dora", "mike")
PUBLISHERS = 4
# "Writes resume at most 10 s after the promotion."
HEAL = 10.0
# Words wait up to 5 s for their next try, and a lease that was lost is taken anew after 25 s.
PATIENCE = 60.0
# What the ways into the database could hold when it went: 16 sends of a tenant, each to be told once more at worst.
REPEATS = 16
SEED = 20240229


@pytest.fixture(scope="module")
def pair() -> Iterator[ReplicatedPair]:
    pair = ReplicatedPair()
    yield pair
    pair.remove()


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Carillon], pair: ReplicatedPair) -> Carillon:
    """A server that knows both databases. It runs from the first test to the last."""
    return make_server(pair).start()


@pytest.fixture(scope="module")
def relay(make_mail_server: Callable[..., MailServer]) -> MailServer:
    return make_mail_server()


def make_supplier(server: Carillon, relay: MailServer) -> Supplier:
    def make() -> Supplier | None:
        try:
            return Supplier(server, name="failover")
        except grpc.RpcError as error:
            assert error.code() == StatusCode.UNAVAILABLE, error
            return None

    # The test before may have left connections that are being made anew.
    supplier = eventually(make, "tenants can be made", within=30)
    supplier.connect_mail(relay)
    supplier.add_account("acme")
    for user in READERS:
        supplier.add_user(user, "acme")
    supplier.set_default_user("acme", READERS[0])
    supplier.context(TYPE)
    return supplier


class Load:
    """Publishers of one supplier, and what they were told."""

    def __init__(self, supplier: Supplier) -> None:
        self.supplier = supplier
        self.server = supplier.server
        self.ledger = Ledger()
        self.heals: list[float] = []

    def expect_more(self, count: int = 10) -> None:
        floor = self.ledger.count + count
        eventually(lambda: self.ledger.count >= floor, "events are acknowledged", 30, seen=self.server.running.tail)

    def note_heal(self, since: float, failed: float | None = None) -> None:
        """Waits until writing has resumed: after the moment at which it had failed, if that is a later one."""
        first = eventually(
            lambda: self.ledger.first_after(failed or since), "an event is acknowledged again", 30,
            seen=self.server.running.tail,
        )  # fmt: skip
        self.heals.append(first - since)
        self.expect_more()

    def conclude(self, name: str, relay: MailServer) -> None:
        """Repeats what was not answered at first, and holds everything against everything."""
        assert self.ledger.codes() <= {StatusCode.UNAVAILABLE}, self.ledger.codes()
        for key in self.ledger.retried:
            answer = self.supplier.api.delivery.Publish(self.ledger.requests[key])
            assert answer.replayed and answer.event_id == self.ledger.answers[key].event_id, key
        verdict = judge(self.supplier, self.ledger, relay, len(READERS), PATIENCE)
        print(verdict.line(name, max(self.heals)), f"repeated={len(self.ledger.retried)}")
        assert verdict.duplicates <= REPEATS * len(self.heals), verdict
        assert max(self.heals) <= HEAL, self.heals


@contextmanager
def load(server: Carillon, relay: MailServer) -> Iterator[Load]:
    """Publishes as long as the block lasts, and a little before; everything begun is then brought to its end."""
    supplier = make_supplier(server, relay)
    process = server.running.pid
    under = Load(supplier)
    running = publishers(PUBLISHERS, lambda name: Publisher(name, supplier, under.ledger, TYPE, "acme"))
    try:
        under.expect_more()
        yield under
    finally:
        for one in running:
            one.stop()
    for one in running:
        one.join(30)
    assert server.running.pid == process and server.running.is_running, "it was started anew"


def readiness(server: Carillon) -> int:
    return once(server, lambda connection: connection.request("GET", "/readyz")).status


def fail_over(under: Load, pair: ReplicatedPair, leave: Callable[[], None]) -> None:
    """The primary goes, the service says so, the standby is promoted, and all goes on."""
    leave()
    eventually(lambda: readiness(under.server) == 503, "it says that it is not ready")
    promoting = time.monotonic()
    pair.promote()
    under.note_heal(promoting)
    eventually(lambda: readiness(under.server) == 200, "it is ready again", within=HEAL)


@pytest.mark.timeout(120)
def test_sessions_are_killed(server: Carillon, pair: ReplicatedPair, relay: MailServer) -> None:
    """kill -9 of one backend: the server ends all others and recovers from its log."""
    choice = random.Random(SEED)
    with load(server, relay) as under:
        for _ in range(2):
            backends = pair.primary.execute(
                "postgres", "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'carillon%'"
            ).split()
            refusals = len(under.ledger.errors)
            fault = time.monotonic()
            pair.primary.kill_backend(int(choice.choice(backends)))
            eventually(lambda floor=refusals: len(under.ledger.errors) > floor, "the publishers feel it")
            under.note_heal(fault, failed=time.monotonic())
    under.conclude("failover-backend-kill", relay)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_the_primary_is_restarted(
    mode: signal.Signals, server: Carillon, pair: ReplicatedPair, relay: MailServer
) -> None:
    with load(server, relay) as under:
        pair.primary.stop(mode)
        eventually(lambda: readiness(server) == 503, "it says that it is not ready")
        pair.primary.start()
        under.note_heal(time.monotonic())
        eventually(lambda: readiness(server) == 200, "it is ready again", within=HEAL)
    under.conclude(f"failover-restart-{'fast' if mode == signal.SIGINT else 'immediate'}", relay)


def repeat(supplier: Supplier, request: object, within: float) -> object:
    """The answer, or None when there was none in time."""
    try:
        return supplier.api.delivery.Publish(request, timeout=within)
    except grpc.RpcError as error:
        assert error.code() in {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED}, error
        return None


@pytest.mark.timeout(120)
def test_nothing_is_acknowledged_before_the_standby_has_it(
    server: Carillon, pair: ReplicatedPair, relay: MailServer
) -> None:
    """Not by the first answer, and not by a repeat, which finds the event on the primary's disk already."""
    supplier = make_supplier(server, relay)
    event = supplier.event(TYPE)
    assert pair.standby
    pair.standby.stop()
    try:
        assert repeat(supplier, event, 1.5) is None
        # Whoever ends the wait by hand gets no acknowledgement either.
        canceller = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        eventually(lambda: pair.primary.execute("postgres", canceller) or True, "waiting commits are cancelled")
        stored = f"SELECT count(*) FROM {supplier.schema}.idempotency"
        eventually(lambda: server.database.execute(stored) == "1", "it is on the primary")
        assert repeat(supplier, event, 1.5) is None
    finally:
        pair.standby.start()
        pair.expect_following()
    answer = eventually(lambda: repeat(supplier, event, 20), "it is answered", within=40)
    assert answer.replayed
    assert server.database.execute(stored) == "1"
    supplier.settled(within=PATIENCE)
    assert len(relay.expect(*(supplier.address(user) for user in READERS))) == len(READERS)


@pytest.mark.timeout(120)
def test_the_primary_is_killed(server: Carillon, pair: ReplicatedPair, relay: MailServer) -> None:
    """kill -9 of the postmaster."""
    with load(server, relay) as under:
        fail_over(under, pair, pair.kill_primary)
    under.conclude("failover-kill", relay)


@pytest.mark.timeout(120)
def test_roles_are_switched(server: Carillon, pair: ReplicatedPair, relay: MailServer) -> None:
    """The primary is shut down in good order; it comes after the test before, in which the other one became the primary."""
    pair.rejoin()
    with load(server, relay) as under:
        fail_over(under, pair, lambda: pair.primary.stop(signal.SIGINT))
    under.conclude("failover-switchover", relay)


@pytest.mark.timeout(120)
def test_it_is_the_same_over_tcp(make_server: Callable[..., Carillon], relay: MailServer) -> None:
    pair = ReplicatedPair(over_tcp=True)
    try:
        server = make_server(pair).start()
        with load(server, relay) as under:
            fail_over(under, pair, pair.kill_primary)
        under.conclude("failover-kill-tcp", relay)
        server.close()
    finally:
        pair.remove()


@pytest.mark.timeout(120)
def test_the_primarys_machine_vanishes(
    make_server: Callable[..., Carillon], relay: MailServer, tmp_path: Path
) -> None:
    """No FIN, no RST, no ICMP: what was sent is never acknowledged, and whoever connects hears nothing."""
    if reason := Machine.why_not():
        pytest.skip(reason)
    pair = ReplicatedPair()
    machine = None
    try:
        machine = Machine(tmp_path / "machine.log", pair.primary.folder)
        pair.places[pair.primary.folder] = machine.address
        server = make_server(pair).start()
        with load(server, relay) as under:
            # With the machine its server is gone, and the cluster's manager has noticed.
            machine.vanish()
            pair.kill_primary()
            vanished = time.monotonic()
            pair.promote()
            under.note_heal(vanished)
        under.conclude("failover-vanish", relay)
        server.close()
    finally:
        if machine:
            machine.remove()
        pair.remove()
