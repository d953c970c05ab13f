"""kill -9 at the worst moment, again and again: what was acknowledged is delivered, and nobody is told of two things
where one happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.ledger import Ledger, Publisher, publishers
from harness.mail import MailServer
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "invoice.created"
ROUNDS = 5
PUBLISHERS = 8
READERS = ("dora", "mike")
# A worker that was killed keeps its lease for up to 30 s; then another takes over.
PATIENCE = 90.0


@pytest.mark.timeout(240)
def test_nothing_is_lost_when_the_server_is_killed(
    make_server: Callable[..., Carillon], make_mail_server: Callable[..., MailServer]
) -> None:
    server, relay = make_server().start(), make_mail_server()
    suppliers = [Supplier(server, name="killed") for _ in range(2)]
    for supplier in suppliers:
        supplier.connect_mail(relay)
        supplier.add_account("acme")
        for user in READERS:
            supplier.add_user(user, "acme")
        supplier.set_default_user("acme", READERS[0])
        supplier.context(TYPE)
    ledgers = {supplier.id: Ledger() for supplier in suppliers}

    def publisher(supplier: Supplier) -> Callable[[str], Publisher]:
        return lambda name: Publisher(name, supplier, ledgers[supplier.id], TYPE, "acme")

    running = [one for supplier in suppliers for one in publishers(PUBLISHERS // 2, publisher(supplier))]
    single = Ledger()
    for number in range(ROUNDS):
        already = sum(ledger.count for ledger in ledgers.values())
        eventually(
            lambda floor=already: sum(ledger.count for ledger in ledgers.values()) >= floor + 20,
            "events are acknowledged", within=30, seen=server.running.tail,
        )  # fmt: skip
        # The one whose answer is followed by the kill at once.
        last = Publisher(f"last-{number}", suppliers[0], single, TYPE, "acme")
        last.publish(suppliers[0].event(TYPE, idempotency_key=f"last-{number}"))
        server.kill()
        server.start()
    for one in running:
        one.stop()
    for one in running:
        one.join(30)
    # Dead connections say UNAVAILABLE; a call that was cut off while it waited for its answer may say so as well.
    assert set().union(*(ledger.codes() for ledger in ledgers.values())) <= {StatusCode.UNAVAILABLE}

    assert sum(ledger.count for ledger in ledgers.values()) >= ROUNDS * 20 and single.count == ROUNDS
    for supplier in suppliers:
        ledger = ledgers[supplier.id]
        acknowledged = dict(ledger.answers)
        if supplier is suppliers[0]:
            acknowledged |= single.answers
        check(supplier, acknowledged, relay)


def check(supplier: Supplier, acknowledged: dict[str, object], relay: MailServer) -> None:
    """Holds ledger, database and relay against each other."""
    notifications = supplier.settled(within=PATIENCE)
    # Each acknowledged event is there with both readers; each key is one event, however often it was sent.
    told = Counter((one.event_id, one.user_id) for one in notifications)
    assert set(told.values()) == {1}
    events = [response.event_id for response in acknowledged.values()]
    assert len(events) == len(set(events)) == len(acknowledged)
    assert {event for event, _ in told} == set(events), "events that nobody was told of, or that nobody published"
    assert len(told) == len(events) * len(READERS)

    # Each mail arrived, and each that arrived twice carries the same Message-ID both times.
    promised = {}
    for one in notifications:
        email = next(way for way in one.deliveries if way.channel == v1.CHANNEL_EMAIL)
        assert email.state == v1.DELIVERY_STATE_DELIVERED, (one.notification_id, email)
        assert [attempt.number for attempt in email.attempts] == list(range(1, len(email.attempts) + 1))
        promised[email.message_id.strip("<>")] = supplier.address(one.user_id)
    assert len(promised) == len(notifications), "two notifications share a Message-ID"
    arrived = Counter((mail.message_id.strip("<>"), mail.recipient) for mail in relay.mails_to(supplier.domain))
    assert set(arrived) == set(promised.items())
    repeats = sum(arrived.values()) - len(arrived)
    # What was under way at each kill may come twice, and no more than that.
    assert repeats <= ROUNDS * 64, repeats

    # The inbox has no second chance: exactly once.
    for user in READERS:
        token, items = "", []
        portal = supplier.portal(user)
        while True:
            page = portal.inbox.ListInbox(v1.ListInboxRequest(page_size=200, page_token=token))
            items += [item.notification_id for item in page.items]
            token = page.next_page_token
            if not token:
                break
        assert sorted(items) == sorted(one.notification_id for one in notifications if one.user_id == user)


@pytest.mark.timeout(240)
def test_a_mail_whose_answer_got_lost_comes_again_as_the_same(
    make_server: Callable[..., Carillon], make_mail_server: Callable[..., MailServer]
) -> None:
    """The relay has the mail but the server dies before it hears so: the one moment in which a repeat is right."""
    relay = make_mail_server(rules=[{"at": "message", "do": ["hang", "accept"]}])
    server = make_server().start()
    supplier = Supplier(server, name="torn")
    supplier.connect_mail(relay)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    response = supplier.publish(TYPE)
    eventually(lambda: len(relay.mails()) == 1, "the relay has the mail", seen=server.running.tail)
    server.kill()
    server.start()

    (notification,) = supplier.settled(event_id=response.event_id, within=PATIENCE)

    first, second = relay.mails()
    assert first.message_id == second.message_id
    assert first.recipients == second.recipients
    assert first.subject == second.subject
    assert [first.body(kind) for kind in ("plain", "html")] == [second.body(kind) for kind in ("plain", "html")]
    email = notification.deliveries[0]
    assert email.state == v1.DELIVERY_STATE_DELIVERED
    assert email.message_id.strip("<>") == first.message_id.strip("<>")
    assert email.attempts[-1].outcome == v1.ATTEMPT_OUTCOME_ACCEPTED
    # The repeat is on record: nobody has to guess why the reader has it twice.
    is_told = any(attempt.outcome == v1.ATTEMPT_OUTCOME_UNKNOWN for attempt in email.attempts)
    is_logged = any(
        notification.notification_id in line and "may be sent twice" in line for line in server.logged().splitlines()
    )
    assert is_told or is_logged, server.running.tail()
