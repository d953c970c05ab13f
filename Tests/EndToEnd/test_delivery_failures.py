"""Relays that refuse, stumble or cannot be trusted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from grpc import StatusCode

from harness.certificates import Authority
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.supplier import Supplier
from harness.waiting import eventually

TYPE = "invoice.created"


def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def mail_delivery(supplier: Supplier, response: object) -> object:
    (item,) = supplier.notifications(event_id=response.event_id)
    return supplier.notification(item.notification_id).deliveries[0]


def test_a_temporary_failure_is_tried_again_with_the_same_message_id(
    make_supplier: Callable[..., Supplier], make_mail_server: Callable[..., MailServer]
) -> None:
    relay = make_mail_server(rules=[{"at": "message", "do": ["451 4.3.0 Try again later", "accept"]}])
    supplier = customers(make_supplier())
    supplier.connect_mail(relay)
    response = supplier.publish(TYPE)

    eventually(lambda: relay.mails(), "the first attempt")
    first = eventually(lambda: mail_delivery(supplier, response).attempts, "the first attempt is recorded")[0]
    assert first.outcome == v1.ATTEMPT_OUTCOME_TEMPORARY_FAILURE
    assert first.provider_code.split()[0] == "451"
    delivery = mail_delivery(supplier, response)
    assert delivery.state in (
        v1.DELIVERY_STATE_RETRYING, v1.DELIVERY_STATE_SENDING, v1.DELIVERY_STATE_DELIVERED,
    )  # fmt: skip
    if delivery.state == v1.DELIVERY_STATE_RETRYING:
        assert delivery.HasField("next_attempt_time")


def test_a_permanent_failure_is_final(
    make_supplier: Callable[..., Supplier], make_mail_server: Callable[..., MailServer]
) -> None:
    relay = make_mail_server(rules=[{"at": "rcpt", "match": "dora", "do": ["550 5.1.1 No such user"]}])
    supplier = customers(make_supplier())
    supplier.connect_mail(relay)
    response = supplier.publish(TYPE)

    (notification,) = supplier.settled(event_id=response.event_id)
    email = notification.deliveries[0]
    assert email.state == v1.DELIVERY_STATE_FAILED and email.state_reason
    (attempt,) = email.attempts
    assert attempt.outcome == v1.ATTEMPT_OUTCOME_PERMANENT_FAILURE
    assert attempt.provider_code.split()[0] == "550"
    assert supplier.address("dora") not in attempt.detail
    # The inbox has it all the same.
    assert notification.state == v1.DELIVERY_STATE_DELIVERED
    assert len(supplier.inbox("dora")) == 1


def test_a_relay_with_a_foreign_certificate_hears_nothing(
    make_supplier: Callable[..., Supplier], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger")).issue("server")
    relay = MailServer(tmp_path_factory.mktemp("foreign"), stranger)
    try:
        supplier = customers(make_supplier())
        supplier.connect_mail(relay)
        response = supplier.publish(TYPE)
        attempt = eventually(lambda: mail_delivery(supplier, response).attempts, "an attempt is recorded")[0]
        assert attempt.outcome != v1.ATTEMPT_OUTCOME_ACCEPTED
        assert relay.mails() == []
    finally:
        relay.end()


def test_a_wrong_password_is_no_word_in_the_answer(
    make_supplier: Callable[..., Supplier], make_mail_server: Callable[..., MailServer]
) -> None:
    relay = make_mail_server()
    supplier = customers(make_supplier())
    supplier.connect_mail(relay, password="wrong-password-3f2a")
    response = supplier.publish(TYPE)
    delivery = mail_delivery(supplier, response)
    eventually(lambda: mail_delivery(supplier, response).attempts, "an attempt is recorded")
    delivery = mail_delivery(supplier, response)
    assert delivery.attempts[0].outcome != v1.ATTEMPT_OUTCOME_ACCEPTED
    assert "wrong-password-3f2a" not in str(delivery)
    assert relay.mails() == []


def test_a_password_is_never_given_back_and_kept_when_left_out(supplier: Supplier, mail_server: MailServer) -> None:
    (stored,) = supplier.api.channels.ListProviders(v1.ListProvidersRequest()).providers
    assert stored.smtp.password == "" and stored.smtp.password_set
    answer = supplier.connect_mail(mail_server, password="")
    assert answer.smtp.password == "" and answer.smtp.password_set
    customers(supplier).publish(TYPE)
    assert len(mail_server.expect(supplier.address("dora"))) == 1
    # On disk it is sealed.
    rows = supplier.server.database.execute(f"SELECT t::text FROM {supplier.schema}.provider t")
    assert mail_server.PASSWORD not in rows
    assert mail_server.PASSWORD.encode().hex() not in rows


WRONG_PROVIDERS = {
    "no channel": ("provider.channel", {"channel": 0}),
    "no settings": ("provider.settings", {"smtp": None}),
    "no id": ("provider.provider_id", {"provider_id": ""}),
    "no host": ("provider.smtp.host", {"host": ""}),
    "a host with a line break": ("provider.smtp.host", {"host": "relay.example\r\nQUIT"}),
    "a port out of range": ("provider.smtp.port", {"port": 70000}),
    "no from address": ("provider.smtp.from_address", {"from_address": ""}),
    "a from address with a line break": ("provider.smtp.from_address", {"from_address": "a@b.example\r\nX: y"}),
}


@pytest.mark.parametrize("what", WRONG_PROVIDERS)
def test_a_wrong_provider_is_refused(supplier: Supplier, what: str) -> None:
    field, changes = WRONG_PROVIDERS[what]
    smtp = {"host": "relay.example", "port": 587, "from_address": "a@b.example"}
    provider = {"provider_id": "second", "channel": v1.CHANNEL_EMAIL}
    for name, value in changes.items():
        (smtp if name in ("host", "port", "from_address") else provider)[name] = value
    if "smtp" not in provider:
        provider["smtp"] = v1.SmtpSettings(**smtp)
    request = v1.PutProviderRequest(provider=v1.Provider(**provider))
    refusal = refused(lambda: supplier.api.channels.PutProvider(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == [field]
