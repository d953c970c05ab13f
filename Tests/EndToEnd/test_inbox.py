"""The portal user's inbox: the list, the counts, and the stream that misses nothing."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.refusals import refused
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

TYPE = "invoice.created"


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def test_the_item_is_there_when_publish_has_answered(customers: Supplier) -> None:
    response = customers.publish(TYPE)
    listed = customers.portal("dora").inbox.ListInbox(v1.ListInboxRequest())
    (item,) = listed.items
    mine = next(one for one in response.recipients if one.user_id == "dora")
    assert item.notification_id == mine.notification_id
    assert (item.notification_type, item.category) == (TYPE, "Invoices")
    assert item.title and item.body
    assert item.deep_link.startswith(f"{customers.portal_url}/invoices/")
    assert (item.seen, item.read, item.HasField("read_time")) == (False, False, False)
    assert item.HasField("create_time")
    assert item.sequence == listed.sequence > 0
    assert (listed.counts.unread, listed.counts.unseen, listed.counts.total) == (1, 1, 1)


def test_the_inbox_is_the_users_own(customers: Supplier) -> None:
    customers.choose("mike", v1.CHOICE_OFF, notification_type=TYPE)
    customers.publish(TYPE)
    assert len(customers.inbox("dora")) == 1
    assert customers.inbox("mike") == []


def test_pages_hold_everything_once_and_newest_first(customers: Supplier) -> None:
    for _ in range(7):
        customers.publish(TYPE)
    portal = customers.portal("dora")
    sequences, token = [], ""
    while True:
        page = portal.inbox.ListInbox(v1.ListInboxRequest(page_size=3, page_token=token))
        assert len(page.items) <= 3
        sequences += [item.sequence for item in page.items]
        token = page.next_page_token
        if not token:
            break
    assert len(sequences) == len(set(sequences)) == 7
    assert sequences == sorted(sequences, reverse=True)


def test_a_negative_page_size_is_refused(customers: Supplier) -> None:
    request = v1.ListInboxRequest(page_size=-1)
    refusal = refused(lambda: customers.portal("dora").inbox.ListInbox(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == ["page_size"]


def test_read_items_are_counted_and_left_out(customers: Supplier) -> None:
    for _ in range(3):
        customers.publish(TYPE)
    portal = customers.portal("dora")
    newest, middle, oldest = (item.sequence for item in customers.inbox("dora"))

    answer = portal.inbox.MarkRead(v1.MarkReadRequest(sequences=[middle, middle, 987654321]))
    assert answer.changed == 1
    assert (answer.counts.unread, answer.counts.total) == (2, 3)
    assert portal.inbox.MarkRead(v1.MarkReadRequest(sequences=[middle])).changed == 0

    unread = portal.inbox.ListInbox(v1.ListInboxRequest(unread_only=True)).items
    assert [item.sequence for item in unread] == [newest, oldest]
    read = next(item for item in customers.inbox("dora") if item.sequence == middle)
    assert read.read and read.seen and read.HasField("read_time")
    counts = portal.inbox.GetCounts(v1.GetCountsRequest()).counts
    assert (counts.unread, counts.unseen, counts.total) == (2, 2, 3)


def test_marking_touches_the_own_inbox_only(customers: Supplier) -> None:
    customers.publish(TYPE)
    (item,) = customers.inbox("dora")
    answer = customers.portal("mike").inbox.MarkRead(v1.MarkReadRequest(sequences=[item.sequence]))
    # Each inbox has its own sequence: mike's item of the same number may be read, dora's must not be.
    assert answer.counts.total == 1
    assert not customers.inbox("dora")[0].read


@pytest.mark.parametrize("sequences", [[], list(range(1, 1002))], ids=["none", "too many"])
def test_a_wrong_number_of_sequences_is_refused(customers: Supplier, sequences: list[int]) -> None:
    request = v1.MarkReadRequest(sequences=sequences)
    refusal = refused(lambda: customers.portal("dora").inbox.MarkRead(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == ["sequences"]


def test_a_watch_begins_with_the_counts_and_shows_what_comes(customers: Supplier) -> None:
    customers.publish(TYPE)
    with InboxWatch(customers.portal("dora")) as watch:
        first = watch.collect()[0]
        assert first.WhichOneof("update") == "counts" and first.counts.total == 1
        response = customers.publish(TYPE)
        watch.expect(lambda open_watch: open_watch.items(), "the item is streamed")
        (item,) = watch.items()
        assert item.notification_id in [one.notification_id for one in response.recipients]
        assert item == customers.inbox("dora")[0]
        watch.expect(lambda open_watch: open_watch.counts()[-1].total == 2, "the counts follow")


def test_a_watch_shows_that_something_was_read(customers: Supplier) -> None:
    customers.publish(TYPE)
    (item,) = customers.inbox("dora")
    with InboxWatch(customers.portal("dora")) as watch:
        customers.portal("dora").inbox.MarkRead(v1.MarkReadRequest(sequences=[item.sequence]))
        watch.expect(
            lambda open_watch: any(one.sequence == item.sequence and one.read for one in open_watch.items()),
            "the read item is streamed",
        )
        watch.expect(lambda open_watch: open_watch.counts()[-1].unread == 0, "the counts follow")


def test_a_watch_resumes_where_it_broke_off(customers: Supplier) -> None:
    customers.publish(TYPE)
    with InboxWatch(customers.portal("dora")) as watch:
        position = watch.collect()[-1].sequence
    missed = [customers.publish(TYPE) for _ in range(5)]
    with InboxWatch(customers.portal("dora"), after=position) as watch:
        watch.expect(lambda open_watch: len(open_watch.items()) >= 5, "what was missed is sent")
        came = [item.notification_id for item in watch.items()]
        published = [
            one.notification_id for response in missed for one in response.recipients if one.user_id == "dora"
        ]
        assert came == published


def test_a_watch_from_the_start_shows_all(customers: Supplier) -> None:
    for _ in range(3):
        customers.publish(TYPE)
    with InboxWatch(customers.portal("dora"), after=0) as watch:
        watch.expect(lambda open_watch: len(open_watch.items()) >= 3, "all items are sent")
        sequences = [item.sequence for item in watch.items()]
        assert sequences == sorted(sequences) and len(sequences) == 3


def test_many_items_come_in_order_and_once(customers: Supplier) -> None:
    with InboxWatch(customers.portal("dora")) as watch:
        published = [customers.publish(TYPE) for _ in range(40)]
        watch.expect(lambda open_watch: len(open_watch.items()) >= 40, "all items are streamed")
        wanted = [one.notification_id for answer in published for one in answer.recipients if one.user_id == "dora"]
        assert [item.notification_id for item in watch.items()] == wanted


def test_two_watches_of_one_user_see_the_same(customers: Supplier) -> None:
    with InboxWatch(customers.portal("dora")) as first, InboxWatch(customers.portal("dora")) as second:
        customers.publish(TYPE)
        for watch in (first, second):
            watch.expect(lambda open_watch: open_watch.items(), "the item is streamed")
        assert first.items() == second.items()


def test_a_watch_ends_with_its_token(customers: Supplier) -> None:
    # A minute is allowed for clocks that differ, so this one has three seconds to live.
    watch = InboxWatch(customers.portal("dora", lifetime=-57))
    watch.expect(lambda one: one.counts(), "the watch begins")
    eventually(lambda: watch.error, "the stream ends when the token does", within=10, seen=watch.collect)
    assert watch.error.code() == StatusCode.UNAUTHENTICATED
