"""How many messages one person may get: what is one too many is not sent, whatever comes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from harness.interface import v1
from harness.mail import MailServer
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "invoice.created"


def cap(supplier: Supplier, *caps: v1.FrequencyCap) -> v1.UpdateFrequencyCapsResponse:
    return supplier.api.catalog.UpdateFrequencyCaps(v1.UpdateFrequencyCapsRequest(caps=caps))


def hourly(limit: int, **about: object) -> v1.FrequencyCap:
    return v1.FrequencyCap(limit=limit, period=Duration(seconds=3600), **about)


def publish(supplier: Supplier, count: int) -> None:
    """Publishes events at once, and waits until all that came of them has ended."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: supplier.publish(TYPE), range(count)))
    supplier.settled()


def mails(mail_server: MailServer, supplier: Supplier, user: str) -> int:
    return sum(mail.recipient == supplier.address(user) for mail in mail_server.mails_to(supplier.domain))


def ends(supplier: Supplier, user: str) -> list[str]:
    """How the mails of a user ended."""
    return sorted(
        f"{v1.DeliveryState.Name(way.state).removeprefix('DELIVERY_STATE_')} {way.state_reason}".strip()
        for item in supplier.notifications()
        if item.user_id == user
        for way in item.deliveries
        if way.channel == v1.CHANNEL_EMAIL
    )


def check(supplier: Supplier, user: str, notification_type: str = TYPE) -> str:
    request = v1.CheckPreferenceRequest(
        user_id=user, notification_type=notification_type, channel=v1.CHANNEL_EMAIL
    )  # fmt: skip
    return supplier.api.preferences.CheckPreference(request).channels[0].reason


@pytest.fixture
def people(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def test_nobody_gets_more_than_the_cap(people: Supplier, mail_server: MailServer) -> None:
    cap(people, hourly(2))

    publish(people, 6)

    assert ends(people, "mike") == ["DELIVERED"] * 2 + ["SUPPRESSED throttled"] * 4
    assert mails(mail_server, people, "mike") == 2
    # What is mandatory is sent, and the inbox has all of it.
    assert mails(mail_server, people, "dora") == 6
    assert len(people.inbox("mike")) == 6
    # Programs that ask are told the same, of other types too.
    assert check(people, "mike") == "throttled"
    assert check(people, "mike", "payment.failed") in ("throttled", "not_subscribed", "mandatory_default_user")
    assert check(people, "dora") == "mandatory_default_user"

    cap(people, hourly(3))
    eventually(lambda: check(people, "mike") == "subscribed_by_default", "the greater cap is obeyed")
    publish(people, 2)
    assert mails(mail_server, people, "mike") == 3
    cap(people)
    publish(people, 2)
    assert mails(mail_server, people, "mike") == 5


def test_what_was_sent_before_counts_and_other_types_do_not(people: Supplier, mail_server: MailServer) -> None:
    publish(people, 2)
    assert mails(mail_server, people, "mike") == 2

    cap(people, hourly(2, notification_type=TYPE, channel=v1.CHANNEL_EMAIL), hourly(2, category="Users and accounts"))
    publish(people, 1)

    assert mails(mail_server, people, "mike") == 2
    assert check(people, "mike") == "throttled"


def test_caps_are_told_and_changed_whole(supplier: Supplier) -> None:
    made = cap(supplier, hourly(5), hourly(1, notification_type=TYPE), hourly(2, channel=v1.CHANNEL_SMS))
    told = supplier.api.catalog.GetFrequencyCaps(v1.GetFrequencyCapsRequest())
    assert (list(told.caps), told.etag) == (list(made.caps), made.etag)
    assert [one.limit for one in told.caps] == [5, 1, 2]

    wrong = [
        hourly(0), hourly(1, notification_type="no.such"), hourly(1, category="None"), hourly(1, channel=99),
        hourly(1, channel=v1.CHANNEL_IN_APP), v1.FrequencyCap(limit=1, period=Duration(seconds=59)),
        v1.FrequencyCap(limit=1, period=Duration(seconds=60, nanos=1)), v1.FrequencyCap(limit=1),
    ]  # fmt: skip
    with pytest.raises(grpc.RpcError) as refused:
        cap(supplier, *wrong)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as stale:
        supplier.api.catalog.UpdateFrequencyCaps(v1.UpdateFrequencyCapsRequest(etag=made.etag[:-1] + "x"))
    assert stale.value.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.INVALID_ARGUMENT)
    assert list(supplier.api.catalog.GetFrequencyCaps(v1.GetFrequencyCapsRequest()).caps) == list(made.caps)

    assert not cap(supplier).caps
