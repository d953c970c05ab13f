"""The same event twice is one event."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode

from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.supplier import Supplier

TYPE = "invoice.created"


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def identifiers(response: Any) -> tuple[str, list[tuple[str, str]]]:
    return response.event_id, sorted((one.user_id, one.notification_id) for one in response.recipients)


def everything_sent(supplier: Supplier, mail_server: MailServer) -> list[str]:
    """The recipients of all mails, once a later event's mail is there too: what was before it has been sent."""
    supplier.settled()
    return sorted(mail.recipient for mail in mail_server.mails_to(supplier.domain))


def test_a_repeat_answers_the_same_and_sends_nothing(customers: Supplier, mail_server: MailServer) -> None:
    event = customers.event(TYPE)
    first = customers.api.delivery.Publish(event)
    again = customers.api.delivery.Publish(event)

    assert (first.replayed, again.replayed) == (False, True)
    assert identifiers(first) == identifiers(again)
    assert [one.channels for one in first.recipients] == [one.channels for one in again.recipients]
    assert uuid.UUID(first.event_id).version == 7
    assert everything_sent(customers, mail_server) == [customers.address("dora"), customers.address("mike")]
    assert len(customers.inbox("dora")) == len(customers.inbox("mike")) == 1
    assert len(customers.notifications()) == 2


def test_a_repeat_after_a_change_of_mind_still_answers_the_same(customers: Supplier) -> None:
    """What was decided stays decided: a repeat is not a second look."""
    event = customers.event(TYPE)
    first = customers.api.delivery.Publish(event)
    customers.choose("mike", v1.CHOICE_OFF, notification_type=TYPE)
    again = customers.api.delivery.Publish(event)
    assert identifiers(first) == identifiers(again)
    assert [one.channels for one in first.recipients] == [one.channels for one in again.recipients]


CHANGES = {
    "another value": lambda event: setattr(event.context[0], "text", "INV-other"),
    "another object": lambda event: setattr(event, "object", "invoice/other"),
    "one value less": lambda event: event.context.pop(),
    "another type": lambda event: setattr(event, "notification_type", "invoice.updated"),
    "another account": lambda event: setattr(event, "account_id", "other"),
    "an actor": lambda event: setattr(event, "actor_user_id", "mike"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_request_with_the_key_is_refused(customers: Supplier, mail_server: MailServer, change: str) -> None:
    customers.add_account("other")
    event = customers.event(TYPE)
    first = customers.api.delivery.Publish(event)
    changed = v1.PublishRequest()
    changed.CopyFrom(event)
    CHANGES[change](changed)
    # A request that is wrong in itself may be said to be wrong; what it never does is publish.
    codes = [StatusCode.ALREADY_EXISTS]
    if change in ("one value less", "another type"):
        codes.append(StatusCode.INVALID_ARGUMENT)

    refusal = refused(lambda: customers.api.delivery.Publish(changed), *codes)

    if refusal.code == StatusCode.ALREADY_EXISTS:
        information = refusal.detail(error_details_pb2.ErrorInfo)
        assert information.reason and information.domain
        assert first.event_id in information.metadata.values(), "it does not say which event has the key"
    assert {one.event_id for one in customers.notifications()} == {first.event_id}
    assert everything_sent(customers, mail_server) == [customers.address("dora"), customers.address("mike")]


def test_many_at_once_are_one(customers: Supplier, mail_server: MailServer) -> None:
    event = customers.event(TYPE)
    sessions = [customers.server.session(customers.key) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: sessions[n % 4].delivery.Publish(event), range(60)))

    assert len({str(identifiers(answer)) for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert everything_sent(customers, mail_server) == [customers.address("dora"), customers.address("mike")]
    assert len(customers.inbox("dora")) == 1


def test_the_key_belongs_to_its_tenant(customers: Supplier, make_supplier: Any) -> None:
    """Two tenants may choose the same key, and neither learns of the other's event."""
    other = make_supplier()
    other.add_account("acme")
    other.add_user("dora", "acme")
    event = customers.event(TYPE)
    first = customers.api.delivery.Publish(event)
    second = other.api.delivery.Publish(event)
    assert not second.replayed
    assert first.event_id != second.event_id


def test_creating_a_tenant_again_answers_the_same(customers: Supplier) -> None:
    operator = customers.server.operator()
    again = operator.tenants.CreateTenant(customers.request)
    assert again.replayed and again.api_key_secret == ""
    assert again.tenant.tenant_id == customers.id
    assert again.api_key.key_id == customers.created.api_key.key_id
    changed = v1.CreateTenantRequest()
    changed.CopyFrom(customers.request)
    changed.tenant.display_name = "Somebody Else"
    refusal = refused(lambda: operator.tenants.CreateTenant(changed), StatusCode.ALREADY_EXISTS)
    assert refusal.reason
    assert operator.tenants.GetTenant(v1.GetTenantRequest(tenant_id=customers.id)).tenant.display_name == (
        customers.request.tenant.display_name
    )
