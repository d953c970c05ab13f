"""Addresses that nobody writes to: what providers report is obeyed, by every process, and taken back by whom it belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from harness.certificates import Authority, Certificate
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon, Session
from harness.supplier import Supplier
from harness.waiting import eventually

NUMBER = "+4930123456"
# Goes to everybody by text message too, whether they want or not.
URGENT = "announcement.urgent"
MANDATORY = "invoice.created"
STOPPED = "address_suppressed:sms_stop"
# What is said of a number that can be used, where nothing carries text messages.
FREE = "channel_unavailable"
# What is promised is two seconds; a busy machine may come late to hearing and to asking.
PROMISED, SLACK = 2.0, 3.0


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


def reason(session: Session, user: str, notification_type: str = URGENT, channel: int | None = None) -> str:
    request = v1.CheckPreferenceRequest(
        user_id=user, notification_type=notification_type, channel=channel or v1.CHANNEL_SMS
    )
    return session.preferences.CheckPreference(request).channels[0].reason


def event(kind: str, **fields: Any) -> Any:
    """What is said of the message that is named, else of the number."""
    number = v1.ChannelAddress(channel=v1.CHANNEL_SMS, address=NUMBER)
    subject = {} if "message_id" in fields else {"address": number}
    return v1.ProviderEvent(kind=getattr(v1, f"PROVIDER_EVENT_KIND_{kind}"), **subject, **fields)


def report(session: Session, *events: Any) -> list[str]:
    answer = session.delivery.ReportProviderEvents(v1.ReportProviderEventsRequest(events=events))
    prefix = len("PROVIDER_EVENT_OUTCOME_")
    return [one.error.reason or v1.ProviderEventOutcome.Name(one.outcome)[prefix:] for one in answer.results]


def suppressed(supplier: Supplier) -> dict[str, str]:
    found = supplier.api.accounts.ListSuppressions(v1.ListSuppressionsRequest()).suppressions
    return {one.address: v1.AddressState.Name(one.state) for one in found}


def test_a_stop_is_obeyed_at_once_here_and_soon_elsewhere(servers: tuple[Carillon, Carillon]) -> None:
    first, second = servers
    supplier = Supplier(first, name="stop")
    other = second.session(supplier.key)
    for account, user in (("acme", "ann"), ("other", "otto")):
        supplier.add_account(account)
        supplier.add_user(user, account, phone=NUMBER)
    supplier.add_user("rita", phone="+4930999999")
    people = ("ann", "otto")
    assert [reason(session, user) for session in (supplier.api, other) for user in people] == [FREE] * 4
    assert report(supplier.api, event("STOPPED")) == ["APPLIED"]
    began = time.monotonic()
    assert [reason(supplier.api, user) for user in people] == [STOPPED] * 2, "at once where it was told"
    eventually(lambda: [reason(other, user) for user in people] == [STOPPED] * 2, "the other process obeys")
    assert time.monotonic() - began < PROMISED + SLACK
    assert reason(supplier.api, "rita") == FREE
    # It is mandatory for ann, and it is said why she is not told.
    urgent = supplier.publish(URGENT).recipients
    ann = next(one for one in urgent if one.user_id == "ann")
    said = {v1.Channel.Name(way.channel): way.reason for way in ann.channels}
    assert (said["CHANNEL_SMS"], said["CHANNEL_IN_APP"]) == (STOPPED, "mandatory_all")

    assert report(supplier.api, event("STOPPED"), event("BOUNCED_PERMANENTLY")) == ["UNCHANGED", "UNCHANGED"]
    request = v1.RemoveSuppressionRequest(channel=v1.CHANNEL_SMS, address=NUMBER)
    refusal = refused(lambda: supplier.api.accounts.RemoveSuppression(request), StatusCode.FAILED_PRECONDITION)
    assert refusal.reason == "STOPPED_BY_OWNER" and NUMBER not in refusal.message
    assert suppressed(supplier) == {NUMBER: "ADDRESS_STATE_STOPPED"}

    assert report(other, event("STARTED")) == ["APPLIED"]
    assert [reason(other, user) for user in people] == [FREE] * 2
    eventually(lambda: [reason(supplier.api, user) for user in people] == [FREE] * 2, "the first process obeys")
    assert not suppressed(supplier)
    # What another supplier's people said of the same number is another matter.
    stranger = Supplier(first, name="stranger")
    assert report(stranger.api, event("STOPPED")) == ["APPLIED"]
    assert reason(supplier.api, "ann") == FREE


def test_a_bounce_keeps_the_subscription_and_the_next_channel_is_taken(
    server: Carillon, mail_server: MailServer
) -> None:
    """Trap 22: a threshold of bounces that unsubscribes would break what is mandatory."""
    supplier = Supplier(server, name="bounce")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    (sent,) = supplier.settled(event_id=supplier.publish(MANDATORY).event_id)
    message = sent.deliveries[0]
    assert message.state == v1.DELIVERY_STATE_DELIVERED
    # The relay took it, and says afterwards that it came back.
    bounced = event("BOUNCED_PERMANENTLY", message_id=f"<{message.message_id}>")
    stranger = Supplier(server, name="stranger")
    assert report(stranger.api, bounced) == ["MESSAGE_NOT_FOUND"]
    assert report(supplier.api, event("BOUNCED_TEMPORARILY", message_id=message.message_id)) == ["IGNORED"]
    assert report(supplier.api, bounced, bounced) == ["APPLIED", "UNCHANGED"]
    assert report(supplier.api, bounced) == ["UNCHANGED"]
    assert suppressed(supplier) == {supplier.address("dora"): "ADDRESS_STATE_HARD_BOUNCED"}
    mails = len(mail_server.mails_to(supplier.address("dora")))
    (told,) = supplier.settled(event_id=supplier.publish(MANDATORY).event_id)
    ways = {v1.Channel.Name(way.channel): (way.state, way.decision.reason) for way in told.deliveries}
    assert ways["CHANNEL_EMAIL"] == (v1.DELIVERY_STATE_SUPPRESSED, "address_suppressed:hard_bounce")
    assert ways["CHANNEL_IN_APP"] == (v1.DELIVERY_STATE_DELIVERED, "mandatory_default_user")
    assert len(mail_server.mails_to(supplier.address("dora"))) == mails
    assert not supplier.api.preferences.GetPreferences(v1.GetPreferencesRequest(user_id="dora")).choices
    # Once it is mended she is written to again.
    request = v1.RemoveSuppressionRequest(channel=v1.CHANNEL_EMAIL, address=supplier.address("dora"))
    supplier.api.accounts.RemoveSuppression(request)
    supplier.settled(event_id=supplier.publish(MANDATORY).event_id)
    assert len(mail_server.mails_to(supplier.address("dora"))) == mails + 1
    assert refused(lambda: supplier.api.accounts.RemoveSuppression(request), StatusCode.NOT_FOUND)
    audit = server.database.execute(
        f"SELECT string_agg(action, ' ' ORDER BY seq) FROM {supplier.schema}.audit WHERE object = 'suppressions'"
    )
    assert audit == "address.suppress address.restore"
    lines = server.database.execute(f"SELECT string_agg(after::text, '') FROM {supplier.schema}.audit")
    assert supplier.address("dora") not in lines


def test_what_a_relay_refuses_counts_for_everybody_who_has_the_address(
    server: Carillon, make_mail_server: Callable[..., MailServer]
) -> None:
    relay = make_mail_server(rules=[{"at": "rcpt", "match": "shared", "do": ["550 5.1.1 No such user"]}])
    supplier = Supplier(server, name="shared")
    supplier.connect_mail(relay)
    shared = supplier.address("shared")
    supplier.add_account("acme", billing_email=shared)
    supplier.add_user("dora", "acme", email=shared)
    supplier.set_default_user("acme", "dora")
    supplier.add_account("other")
    supplier.add_user("otto", "other", email=shared)
    supplier.add_user("rita")
    supplier.settled(event_id=supplier.publish(MANDATORY).event_id)
    assert suppressed(supplier) == {shared: "ADDRESS_STATE_HARD_BOUNCED"}
    # The supplier's people hear of it, for each account.
    titles = {f"Contact email address bounced: Customer {account}" for account in ("acme", "other")}
    eventually(lambda: titles <= {item.title for item in supplier.inbox("rita")}, "rita hears of the address")
    assert reason(supplier.api, "otto", MANDATORY, v1.CHANNEL_EMAIL) == "address_suppressed:hard_bounce"
    # Nobody is left but the billing mailbox, and that is the same address.
    supplier.add_user("dora", "acme", email=shared, state=v1.USER_STATE_DISABLED)
    recipients = supplier.publish(MANDATORY).recipients
    customers = [one for one in recipients if one.audience == v1.AUDIENCE_CUSTOMER]
    assert {way.reason for one in customers for way in one.channels} == {"recipient_inactive", "no_eligible_recipient"}
