"""Events of which people are told later, and such as are called off meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

TYPE = "invoice.created"
READERS = ("dora", "mike")


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    for user in READERS:
        supplier.add_user(user, "acme")
    supplier.set_default_user("acme", READERS[0])
    return supplier


def moment(ahead: float) -> Timestamp:
    """So many seconds from now, in whole milliseconds."""
    found = Timestamp()
    found.FromMilliseconds(int((time.time() + ahead) * 1000))
    return found


def test_nobody_hears_of_it_before_its_time(customers: Supplier, mail_server: MailServer) -> None:
    with InboxWatch(customers.portal("dora")) as watch:
        at = moment(3)
        event = customers.publish(TYPE, deliver_time=at)
        for recipient in event.recipients:
            for way in recipient.channels:
                assert way.verdict in (v1.VERDICT_DEFER, v1.VERDICT_SUPPRESS), way
                assert way.verdict == v1.VERDICT_SUPPRESS or way.deliver_time == at
        plain = customers.publish(TYPE)
        watch.expect(lambda seen: seen.items(), "the other event is in the inbox")
        # The other one has gone all the way, and this one nowhere.
        settled = customers.settled(event_id=plain.event_id)
        assert {item.notification_id for item in customers.inbox("dora")} <= {one.notification_id for one in settled}

        def items() -> list[Any]:
            return [item for item in watch.items() if item.notification_id == event.recipients[0].notification_id]

        eventually(items, "its time has come")
        assert time.time() >= at.ToMilliseconds() / 1000
    told = customers.settled(event_id=event.event_id)
    for one in told:
        for way in one.deliveries:
            if way.state != v1.DELIVERY_STATE_SUPPRESSED:
                assert way.state == v1.DELIVERY_STATE_DELIVERED, way
                assert way.update_time.ToNanoseconds() >= at.ToNanoseconds()
    mails = mail_server.mails_to(customers.domain)
    assert len([mail for mail in mails if mail.recipient == customers.address("dora")]) == 2


def test_what_happened_long_ago_is_told_all_the_same(customers: Supplier, mail_server: MailServer) -> None:
    """Trap 10: a backlog loses no mail. What is too late to be sent ends as expired, by its type's time from when it was due."""
    event = customers.publish(TYPE, occur_time=moment(-90 * 86_400)).event_id
    states = {
        (item.user_id, way.channel): way.state
        for item in customers.settled(event_id=event)
        for way in item.deliveries
    }
    assert set(states.values()) == {v1.DELIVERY_STATE_DELIVERED} and {user for user, _ in states} == set(READERS)
    assert all(mail_server.mails_to(customers.address(user)) for user in READERS)


def test_an_event_that_was_called_off_is_not_told(customers: Supplier, mail_server: MailServer) -> None:
    request = customers.event(TYPE, deliver_time=moment(1))
    event = customers.api.delivery.Publish(request)
    off = v1.CancelEventRequest(idempotency_key=request.idempotency_key)
    answer = customers.api.delivery.CancelEvent(off)
    assert answer.event_id == event.event_id
    assert (answer.cancelled_count, answer.finished_count, answer.under_way_count) == (4, 0, 0)
    assert customers.api.delivery.CancelEvent(off) == answer
    again = customers.api.delivery.Publish(request)
    assert again.replayed and again.recipients == event.recipients
    refused(
        lambda: customers.api.delivery.CancelEvent(v1.CancelEventRequest(idempotency_key="never")),
        StatusCode.NOT_FOUND,
    )
    # One that is told at the same time shows that the time has come.
    other = customers.publish(TYPE, deliver_time=request.deliver_time)
    assert all(one.state == v1.DELIVERY_STATE_DELIVERED for one in told(customers, other))
    assert all(one.state == v1.DELIVERY_STATE_CANCELLED for one in told(customers, event))
    ids = {way.message_id for one in told(customers, event) for way in one.deliveries}
    assert not {mail.message_id.strip("<>") for mail in mail_server.mails_to(customers.domain)} & ids
    assert len(customers.inbox("dora")) == 1


def test_who_has_to_hear_of_it_may_be_gone_by_then(customers: Supplier) -> None:
    customers.add_user("rita")
    event = customers.publish(TYPE, deliver_time=moment(2))
    assert event.recipients[0].user_id == READERS[0]
    for user in READERS:
        customers.add_user(user, "acme", state=v1.USER_STATE_DISABLED)
    assert all(one.state == v1.DELIVERY_STATE_SUPPRESSED for one in told(customers, event))
    # The supplier's people hear that nobody does.
    unreachable = "account.default_contact_unreachable"

    def items() -> list[Any]:
        return [item for item in customers.inbox("rita") if item.notification_type == unreachable]

    eventually(items, "rita hears that nobody was told")
    assert len(items()) == 1


def told(supplier: Supplier, event: Any) -> list[Any]:
    """The notifications of an event to the account's users, when all has ended."""
    return [one for one in supplier.settled(event_id=event.event_id) if one.audience == v1.AUDIENCE_CUSTOMER]


def in_threads(count: int, work: Iterator[Callable[[], None]]) -> None:
    """Runs pieces of work by several threads; what one of them raises is raised."""
    lock, failures = threading.Lock(), []

    def run() -> None:
        try:
            while True:
                with lock:
                    piece = next(work, None)
                if piece is None:
                    return
                piece()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


EVENTS = 250


@pytest.mark.timeout(180)
def test_cancels_race_the_worker(customers: Supplier, mail_server: MailServer) -> None:
    """Trap 13, at the moment at which it hurts: all events are due, the worker is at them, and all are called off."""
    at = moment(8)
    requests = [customers.event(TYPE, deliver_time=at, idempotency_key=f"race-{number}") for number in range(EVENTS)]
    events: dict[str, Any] = {}
    answers: dict[str, Any] = {}

    def publish(request: Any) -> None:
        events[request.idempotency_key] = customers.api.delivery.Publish(request)

    def cancel(key: str) -> None:
        answers[key] = customers.api.delivery.CancelEvent(v1.CancelEventRequest(idempotency_key=key))

    in_threads(8, (lambda request=request: publish(request) for request in requests))
    assert time.time() < at.ToMilliseconds() / 1000, "they are published before their time"
    eventually(lambda: mail_server.mails_to(customers.domain), "the worker has begun")
    in_threads(8, (lambda key=request.idempotency_key: cancel(key) for request in reversed(requests)))

    mails = Counter(mail.message_id.strip("<>") for mail in settled_mails(customers, mail_server))
    notifications: dict[str, list[Any]] = {}
    for one in customers.notifications():
        if one.audience == v1.AUDIENCE_CUSTOMER:
            notifications.setdefault(one.event_id, []).append(one)
    placed = Counter(item for user in READERS for item in inbox_of(customers, user))
    ends: Counter[str] = Counter()
    for key, event in events.items():
        answer, count = answers[key], Counter()
        assert answer.event_id == event.event_id
        assert answer.cancelled_count + answer.finished_count + answer.under_way_count == 2 * len(READERS), answer
        for one in notifications[event.event_id]:
            for way in one.deliveries:
                count[v1.DeliveryState.Name(way.state)] += 1
                is_sent = way.state == v1.DELIVERY_STATE_DELIVERED
                assert is_sent or way.state == v1.DELIVERY_STATE_CANCELLED, way
                if way.channel == v1.CHANNEL_EMAIL:
                    assert mails[way.message_id.strip("<>")] == is_sent, (way, answer)
                else:
                    assert placed[one.notification_id] == is_sent, (way, answer)
        # What was said to be called off is; what was under way went either way.
        cancelled = count["DELIVERY_STATE_CANCELLED"]
        assert answer.cancelled_count <= cancelled <= answer.cancelled_count + answer.under_way_count, (count, answer)
        ends.update(count)
        ends["under way"] += answer.under_way_count
    assert sum(mails.values()) + sum(placed.values()) == ends["DELIVERY_STATE_DELIVERED"]
    assert ends["DELIVERY_STATE_CANCELLED"] and ends["DELIVERY_STATE_DELIVERED"], ends
    print(dict(ends))


def settled_mails(supplier: Supplier, mail_server: MailServer) -> list[Any]:
    """All mails, when nothing waits any more."""
    waiting = (v1.DELIVERY_STATE_PENDING, v1.DELIVERY_STATE_DEFERRED)
    eventually(
        lambda: not any(one.state in waiting for one in supplier.notifications()), "all has ended", within=60,
        seen=lambda: list(islice((one for one in supplier.notifications() if one.state in waiting), 3)),
    )  # fmt: skip
    return mail_server.mails_to(supplier.domain)


def inbox_of(supplier: Supplier, user: str) -> list[str]:
    """The notifications in a user's inbox, over all pages."""
    portal, token, items = supplier.portal(user), "", []
    while True:
        page = portal.inbox.ListInbox(v1.ListInboxRequest(page_size=200, page_token=token))
        items += [item.notification_id for item in page.items]
        token = page.next_page_token
        if not token:
            return items
