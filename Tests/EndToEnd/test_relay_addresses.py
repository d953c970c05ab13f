"""A tenant names its relay, and must not reach into the operator's network with it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually


@pytest.fixture(scope="module")
def guarded(make_server: Callable[..., Carillon]) -> Carillon:
    """A server as it comes: relays have public addresses."""
    return make_server(relay_addresses="public").start()


@pytest.fixture
def customers(guarded: Carillon) -> Supplier:
    supplier = Supplier(guarded, name="inward")
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    return supplier


PRIVATE = ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254"]


@pytest.mark.parametrize("host", [*PRIVATE, "localhost"])
def test_a_relay_inside_is_refused_or_never_called(
    customers: Supplier, make_mail_server: Callable[..., MailServer], host: str
) -> None:
    relay = make_mail_server()
    smtp = v1.SmtpSettings(host=host, port=relay.port, from_address="a@b.example")
    provider = v1.Provider(provider_id="relay", channel=v1.CHANNEL_EMAIL, smtp=smtp)
    try:
        customers.api.channels.PutProvider(v1.PutProviderRequest(provider=provider))
    except Exception as error:  # noqa: BLE001 - its code is looked at next
        assert error.code() == StatusCode.INVALID_ARGUMENT, error
    else:
        response = customers.publish("invoice.created")
        (item,) = customers.notifications(event_id=response.event_id)
        attempts = eventually(
            lambda: customers.notification(item.notification_id).deliveries[0].attempts, "an attempt is recorded"
        )
        assert attempts[0].outcome != v1.ATTEMPT_OUTCOME_ACCEPTED
    assert "connected" not in relay.record.read_text()
    relay.end()


def test_a_folder_is_no_provider_unless_the_operator_says_so(customers: Supplier) -> None:
    provider = v1.Provider(
        provider_id="folder", channel=v1.CHANNEL_EMAIL, maildir=v1.MaildirSettings(directory="/tmp/carillon-no")
    )
    refused(
        lambda: customers.api.channels.PutProvider(v1.PutProviderRequest(provider=provider)),
        StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION, StatusCode.PERMISSION_DENIED,
    )  # fmt: skip
