"""Two processes on one database: what one of them changes, the other one obeys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.certificates import Authority, Certificate
from harness.interface import v1
from harness.mail import MailServer
from harness.server import Carillon, Session
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "payment.processing"
MANDATORY = "invoice.created"
# What is promised is two seconds; a busy machine may come late to hearing and to asking.
PROMISED, SLACK = 2.0, 3.0


class Pair:
    """A supplier of the first process, and its session with the second one, which knows its people already."""

    def __init__(self, first: Carillon, second: Carillon) -> None:
        self.first, self.second = first, second
        self.supplier = Supplier(first, name="two")
        self.supplier.add_account("acme")
        self.supplier.add_user("dora", "acme", email="")
        self.other: Session = second.session(self.supplier.key)

    def reason(self, session: Session, notification_type: str = TYPE, channel: int | None = None) -> str:
        request = v1.CheckPreferenceRequest(
            user_id="dora", notification_type=notification_type, channel=channel or v1.CHANNEL_IN_APP
        )
        return session.preferences.CheckPreference(request).channels[0].reason

    def obeys(self, reason: str) -> float:
        """Seconds until the other process says so."""
        began = time.monotonic()
        eventually(lambda: self.reason(self.other) == reason, f"the other process says {reason}")
        return time.monotonic() - began


@pytest.fixture(scope="module")
def servers(
    make_server: Callable[..., Carillon], binary: Path, tmp_path_factory: pytest.TempPathFactory,
    authority: Authority, certificate: Certificate,
) -> Iterator[tuple[Carillon, Carillon]]:  # fmt: skip
    first = make_server().start()
    second = Carillon(
        binary, tmp_path_factory.mktemp("second"), first.database, authority, certificate, secrets=first.secrets
    ).start()
    yield first, second
    second.close()


@pytest.fixture
def pair(servers: tuple[Carillon, Carillon]) -> Pair:
    return Pair(*servers)


def test_choices_of_one_process_are_obeyed_by_the_other_in_time(pair: Pair) -> None:
    times = []
    for choice, reason in [(v1.CHOICE_OFF, "opted_out"), (v1.CHOICE_ON, "opted_in")] * 3:
        # It is known there, and asked for again and again: nothing but the change makes it read anew.
        assert pair.reason(pair.other) != reason
        pair.supplier.choose("dora", choice, notification_type=TYPE)
        assert pair.reason(pair.supplier.api) == reason, "the process that took the change obeys it at once"
        times.append(pair.obeys(reason))
    assert max(times) < PROMISED + SLACK, times


def test_whatever_decisions_rest_on_is_obeyed_by_the_other_process(pair: Pair) -> None:
    before = pair.reason(pair.other)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"notifications_suppressed": True}, "customer_suppressed"), ({"notifications_suppressed": False}, before),
    ]  # fmt: skip
    for fields, reason in changes:
        pair.supplier.add_account("acme", **fields)
        assert pair.obeys(reason) < PROMISED + SLACK
    pair.supplier.add_user("dora", "acme", email="", state=v1.USER_STATE_DISABLED)
    assert pair.obeys("recipient_inactive") < PROMISED + SLACK


def test_an_address_that_proves_dead_is_dead_to_all_processes(
    pair: Pair, make_mail_server: Callable[..., MailServer]
) -> None:
    supplier, sessions = pair.supplier, [pair.supplier.api, pair.other]
    supplier.connect_mail(make_mail_server(rules=[{"at": "rcpt", "do": ["550 5.1.1 No such user"]}]))
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")

    def all_say(reason: str) -> bool:
        return all(pair.reason(session, MANDATORY, v1.CHANNEL_EMAIL) == reason for session in sessions)

    # For so long that both have heard of all that was changed until now.
    heard = time.monotonic() + PROMISED
    eventually(lambda: all_say("mandatory_default_user") and time.monotonic() > heard, "the address is good")
    response = supplier.publish(MANDATORY)
    supplier.settled(event_id=response.event_id)
    began = time.monotonic()
    # Asked for again and again: nothing but the bounce makes any of them read anew.
    eventually(lambda: all_say("address_suppressed:hard_bounce"), "both processes know that the address is dead")
    assert time.monotonic() - began < PROMISED + SLACK


def test_a_process_that_is_killed_behind_its_answer_has_told_the_other(
    make_server: Callable[..., Carillon], servers: tuple[Carillon, Carillon], binary: Path, authority: Authority,
    certificate: Certificate, tmp_path: Path,
) -> None:  # fmt: skip
    first, second = servers
    third = Carillon(binary, tmp_path / "third", first.database, authority, certificate, secrets=first.secrets)
    try:
        pair = Pair(third.start(), second)
        assert pair.reason(pair.other) != "opted_out"
        pair.supplier.choose("dora", v1.CHOICE_OFF, notification_type=TYPE)
        third.kill()
        assert pair.obeys("opted_out") < PROMISED + SLACK
    finally:
        third.close()
