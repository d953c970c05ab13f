"""Digests: what waited for one of a person's is one mail, however many came at once, and nothing when nothing is left."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.interface import v1
from harness.mail import Mail, MailServer
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "invoice.created"
SHOWN = 20
# A worker that was killed keeps its lease for up to 30 s; then another takes over.
PATIENCE = 90.0


def make_daily(supplier: Supplier, *users: str) -> None:
    """An account whose users hear of everything once a day; its default user is another one."""
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    for user in users:
        supplier.add_user(user, "acme")
        choose_cadence(supplier, user, v1.CADENCE_DAILY)
    supplier.set_default_user("acme", "dora")


def choose_cadence(supplier: Supplier, user: str, cadence: int) -> None:
    choice = v1.PreferenceChoice(all=True, cadence=cadence)
    supplier.api.preferences.UpdatePreferences(v1.UpdatePreferencesRequest(user_id=user, choices=[choice]))


def publish_together(supplier: Supplier, count: int) -> None:
    supplier.context(TYPE)
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: supplier.publish(TYPE), range(count)))


def close_windows(server: Carillon, supplier: Supplier, *users: str) -> None:
    """Lets all digests of the supplier be due now, long before their time.

    Their readers go back to hearing of things at once, or what came today would wait for the end of the day once more. What
    waits for a digest stays in it.
    """
    for user in users:
        choose_cadence(supplier, user, v1.CADENCE_IMMEDIATELY)
    server.database.execute(
        f"UPDATE {supplier.schema}.queue SET due_at = now() - interval '1 s' WHERE digest_of IS NOT NULL"
    )


def emails(supplier: Supplier, user: str) -> list[object]:
    return [
        way
        for item in supplier.notifications(user_id=user)
        for way in item.deliveries
        if way.channel == v1.CHANNEL_EMAIL
    ]


def states(supplier: Supplier, user: str) -> set[str]:
    return {
        f"{v1.DeliveryState.Name(way.state).removeprefix('DELIVERY_STATE_')} {way.state_reason}".strip()
        for way in emails(supplier, user)
    }


def mails(mail_server: MailServer, supplier: Supplier, user: str) -> list[Mail]:
    return [mail for mail in mail_server.mails_to(supplier.domain) if mail.recipient == supplier.address(user)]


def test_a_hundred_at_once_are_one_mail(server: Carillon, supplier: Supplier, mail_server: MailServer) -> None:
    make_daily(supplier, "mike")
    publish_together(supplier, 100)
    assert states(supplier, "mike") == {"DIGESTING"}

    close_windows(server, supplier, "mike")
    eventually(lambda: states(supplier, "mike") == {"DELIVERED digested"}, "all is told", within=30)

    (mail,) = mails(mail_server, supplier, "mike")
    assert mail.subject == f"100 notifications from {supplier.request.tenant.display_name}"
    lines = re.findall(r"^- New invoice .+$", mail.body("plain"), re.MULTILINE)
    assert len(lines) == SHOWN
    assert f"and {100 - SHOWN} more in the portal" in mail.body("plain")
    assert len(re.findall(rf'href="{re.escape(supplier.portal_url)}/invoices/', mail.body("html"))) == SHOWN
    # Each of them tells in which mail it was, and the inbox has all of them.
    assert {way.message_id.strip("<>") for way in emails(supplier, "mike")} == {mail.message_id.strip("<>")}
    assert len(supplier.inbox("mike")) == 100
    # Whoever hears of it at once has a mail for each.
    eventually(lambda: len(mails(mail_server, supplier, "dora")) == 100, "the others are told at once", within=30)


def test_a_digest_of_nothing_is_not_sent(server: Carillon, supplier: Supplier, mail_server: MailServer) -> None:
    make_daily(supplier, "mike", "nora")
    publish_together(supplier, 30)
    supplier.choose("mike", v1.CHOICE_OFF, notification_type=TYPE)

    close_windows(server, supplier, "mike", "nora")
    eventually(lambda: states(supplier, "mike") == {"SUPPRESSED opted_out"}, "nothing is told", within=30)
    eventually(lambda: states(supplier, "nora") == {"DELIVERED digested"}, "the other digest is sent", within=30)

    assert not mails(mail_server, supplier, "mike")
    assert len(mails(mail_server, supplier, "nora")) == 1


@pytest.mark.timeout(240)
def test_a_digest_survives_kill_9(
    make_server: Callable[..., Carillon], make_mail_server: Callable[..., MailServer]
) -> None:
    """The server is killed when the relay has the mail and has not answered: it is sent again, as the same message."""
    server, relay = make_server().start(), make_mail_server(rules=[{"at": "message", "do": ["hang", "accept"]}])
    supplier = Supplier(server, name="gathered")
    supplier.connect_mail(relay)
    make_daily(supplier, "mike")
    # For those who hear of everything at once this would be other mails.
    supplier.choose("dora", v1.CHOICE_OFF, notification_type="invoice.updated")
    supplier.context("invoice.updated")
    for _ in range(30):
        supplier.publish("invoice.updated")
    close_windows(server, supplier, "mike")
    eventually(lambda: mails(relay, supplier, "mike"), "the relay has it", within=30, seen=server.running.tail)

    server.kill()
    assert states_in_database(server, supplier) == {"digesting"}
    server.start()
    eventually(lambda: states(supplier, "mike") == {"DELIVERED digested"}, "all is told", within=PATIENCE)

    first, second = mails(relay, supplier, "mike")
    assert first.message_id == second.message_id and first.subject == second.subject
    assert first.subject.startswith("30 notifications from ")


def states_in_database(server: Carillon, supplier: Supplier) -> set[str]:
    rows = f"""
        SELECT DISTINCT d.state FROM {supplier.schema}.delivery d
        JOIN {supplier.schema}.queue q ON q.notification_id = d.notification_id AND q.channel = d.channel
    """
    return set(server.database.execute(rows).split())
