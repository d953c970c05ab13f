"""SIGTERM under load: no new work, all begun work finished, and the process ends well."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from harness.interface import health, v1
from harness.ledger import Ledger, Publisher, publishers
from harness.mail import MailServer
from harness.server import Carillon
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually, stays

TYPE = "invoice.created"
SERVING, NOT_SERVING = 1, 2
GRACE = 10


@pytest.fixture
def customers(make_server: Callable[..., Carillon], make_mail_server: Callable[..., MailServer]) -> Any:
    server, relay = make_server(flags=["--drain-grace", str(GRACE)]).start(), make_mail_server()
    supplier = Supplier(server, name="drained")
    supplier.connect_mail(relay)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    supplier.context(TYPE)
    return supplier, relay


class HealthWatch:
    """The statuses that Watch told, in their order, and how it ended."""

    def __init__(self, server: Carillon) -> None:
        self.stream = server.session().health.Watch(health.HealthCheckRequest(), timeout=120)
        self.statuses: list[int] = []
        self.error: grpc.RpcError | None = None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        try:
            for answer in self.stream:
                self.statuses.append(answer.status)
        except grpc.RpcError as error:
            self.error = error


def test_sigterm_under_load(customers: Any) -> None:
    supplier, relay = customers
    server: Carillon = supplier.server
    ledger = Ledger()
    watch = HealthWatch(server)
    eventually(lambda: watch.statuses == [SERVING], "the watch says that it serves")
    running = publishers(8, lambda name: Publisher(name, supplier, ledger, TYPE, "acme", ends_at_refusal=True))
    eventually(lambda: ledger.count >= 100, "load is on", within=30)

    begun = time.monotonic()
    server.running.send(signal.SIGTERM)
    code = server.running.wait(GRACE + 5)
    took = time.monotonic() - begun

    assert code == 0, server.running.tail()
    assert took <= GRACE + 2
    for one in running:
        one.stop()
        one.join(20)
    assert ledger.codes() == {StatusCode.UNAVAILABLE}, [str(error) for error in ledger.errors]
    eventually(lambda: watch.error, "the watch ends")
    assert watch.statuses == [SERVING, NOT_SERVING]
    assert watch.error.code() == StatusCode.UNAVAILABLE

    # Who was answered is served by the next process, at once: a drained worker leaves no lease behind.
    server.start()
    supplier.api = server.session(supplier.key)
    notifications = supplier.settled(within=15)
    assert {one.event_id for one in notifications} >= {answer.event_id for answer in ledger.answers.values()}
    assert {one.state for one in notifications} == {v1.DELIVERY_STATE_DELIVERED}
    mails = relay.mails_to(supplier.domain)
    assert len(mails) == len({mail.message_id for mail in mails}) == len(notifications), "duplicates after a drain"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_an_idle_server_ends_at_once(customers: Any, number: signal.Signals) -> None:
    supplier, _ = customers
    supplier.publish(TYPE)
    begun = time.monotonic()
    supplier.server.running.send(number)
    assert supplier.server.running.wait(5) == 0
    assert time.monotonic() - begun < 3


def test_an_open_watch_does_not_hold_the_server(customers: Any) -> None:
    """A stream without an end is told to come back, long before the grace is over."""
    supplier, _ = customers
    watch = InboxWatch(supplier.portal("dora"))
    watch.expect(lambda one: one.counts(), "the watch begins")
    begun = time.monotonic()
    supplier.server.running.send(signal.SIGTERM)
    assert supplier.server.running.wait(GRACE + 5) == 0
    assert time.monotonic() - begun < GRACE
    eventually(lambda: watch.error, "the stream ends")
    assert watch.error.code() == StatusCode.UNAVAILABLE


def test_a_second_signal_ends_it_now(customers: Any, make_mail_server: Callable[..., MailServer]) -> None:
    """While a relay hangs, draining waits for it; a second signal does not."""
    supplier, _ = customers
    hanging = make_mail_server(rules=[{"at": "data", "do": ["hang"]}])
    supplier.connect_mail(hanging)
    supplier.publish(TYPE)
    eventually(lambda: "connected" in hanging.record.read_text(), "the relay is called")
    server = supplier.server
    server.running.send(signal.SIGTERM)
    # Signals of a kind that come before the first was taken are one.
    eventually(lambda: "draining" in server.logged(), "draining begins", seen=server.running.tail)
    stays(lambda: server.running.is_running, "it waits for the relay", over=0.5)
    server.running.send(signal.SIGTERM)
    assert server.running.wait(2) != 0, "what was broken off is no success"
