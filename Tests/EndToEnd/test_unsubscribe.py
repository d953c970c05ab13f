"""Mails that are stopped by the link in them: opened by scanners, posted by mail programs, redeemed by portals."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest

from harness.interface import v1
from harness.mail import MailServer
from harness.pages import fetch
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import Supplier

PUBLIC = "https://notify.example"
TYPE = "invoice.paid_in_full"
MANDATORY = "invoice.created"


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Carillon]) -> Carillon:
    return make_server(flags=["--public-url", PUBLIC + "/"]).start()


@pytest.fixture
def supplier(server: Carillon, mail_server: MailServer) -> Supplier:
    supplier = Supplier(server, name="stop", display_name="Söhne & <Co>")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("ann", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def mail(supplier: Supplier, mail_server: MailServer, user: str, notification_type: str) -> EmailMessage:
    """The mail that a user gets of a type."""
    event = supplier.publish(notification_type).event_id
    supplier.settled(event_id=event)
    return mail_server.mails_to(supplier.address(user))[-1].message


def link(message: EmailMessage) -> str:
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip("<>")
    assert address.startswith(f"{PUBLIC}/unsubscribe?token="), address
    return address


def reason(supplier: Supplier, user: str, channel: int = 1) -> str:
    request = v1.CheckPreferenceRequest(user_id=user, notification_type=TYPE, channel=channel)
    return supplier.api.preferences.CheckPreference(request).channels[0].reason


def test_opening_the_link_changes_nothing_and_one_click_stops_the_mails(
    supplier: Supplier, mail_server: MailServer
) -> None:
    address = link(mail(supplier, mail_server, "ann", TYPE))
    assert supplier.address("ann") not in address and "ann" not in parse_qs(urlsplit(address).query)["token"][0]
    before = reason(supplier, "ann")
    for _ in range(3):
        status, page, headers = fetch(supplier.server, address)
        assert status == 200 and "Stop these mails?" in page and 'method="post"' in page
        assert "Söhne &amp; &lt;Co&gt;" in page and "<Co>" not in page
        assert headers["cache-control"] == "no-store" and "set-cookie" not in headers
    assert reason(supplier, "ann") == before == "subscribed_by_default"
    # As mail programs do it, twice, since some do.
    for _ in range(2):
        status, page, _ = fetch(supplier.server, address, b"List-Unsubscribe=One-Click")
        assert status == 200 and "You will get no more of these mails" in page
    assert reason(supplier, "ann") == "channel_opted_out"
    assert reason(supplier, "ann", v1.CHANNEL_IN_APP) == "subscribed_by_default", "the inbox is another matter"
    assert reason(supplier, "dora") == "subscribed_by_default", "of nobody else"
    audit = supplier.server.database.execute(
        f"SELECT actor || ' ' || origin || ' ' || action FROM {supplier.schema}.audit ORDER BY seq DESC LIMIT 1"
    )
    assert audit == "user/ann unsubscribe link preference.update"
    mails = len(mail_server.mails_to(supplier.address("ann")))
    (told,) = [one for one in supplier.settled(event_id=supplier.publish(TYPE).event_id) if one.user_id == "ann"]
    assert [way.decision.reason for way in told.deliveries] == ["channel_opted_out", "subscribed_by_default"]
    assert len(mail_server.mails_to(supplier.address("ann"))) == mails
    # Signing in takes it back.
    supplier.choose("ann", v1.CHOICE_CLEAR, notification_type=TYPE, channel=v1.CHANNEL_EMAIL)
    assert reason(supplier, "ann") == "subscribed_by_default"


def test_what_must_be_sent_offers_no_way_out_and_says_why(supplier: Supplier, mail_server: MailServer) -> None:
    message = mail(supplier, mail_server, "dora", MANDATORY)
    assert message["List-Unsubscribe"] is None and message["List-Unsubscribe-Post"] is None
    # For others the same type is a choice; who becomes the default user afterwards must be told.
    address = link(mail(supplier, mail_server, "ann", MANDATORY))
    supplier.set_default_user("acme", "ann")
    for body in (None, b"List-Unsubscribe=One-Click"):
        status, page, _ = fetch(supplier.server, address, body)
        assert status == 200 and "These mails cannot be stopped" in page and "Mandatory for at least one user" in page
    token = parse_qs(urlsplit(address).query)["token"][0]
    answer = supplier.api.preferences.RedeemUnsubscribe(v1.RedeemUnsubscribeRequest(token=token))
    assert not answer.unsubscribed and answer.reason == "mandatory_default_user" and answer.explanation


def test_portals_redeem_links_of_their_own(supplier: Supplier, mail_server: MailServer) -> None:
    token = parse_qs(urlsplit(link(mail(supplier, mail_server, "ann", TYPE))).query)["token"][0]
    other = Supplier(supplier.server, name="other")
    request = v1.RedeemUnsubscribeRequest(token=token)
    refusal = refused(lambda: other.api.preferences.RedeemUnsubscribe(request), grpc.StatusCode.NOT_FOUND)
    assert refusal.reason == "UNSUBSCRIBE_TOKEN_UNKNOWN"
    assert reason(supplier, "ann") == "subscribed_by_default"
    answer = supplier.api.preferences.RedeemUnsubscribe(request)
    assert answer.unsubscribed and answer.notification_type == TYPE and answer.display_name
    assert reason(supplier, "ann") == "channel_opted_out"


def test_a_link_that_is_none_changes_nothing(supplier: Supplier, mail_server: MailServer) -> None:
    address = link(mail(supplier, mail_server, "ann", TYPE))
    others = [
        address[:-1], address + "A", f"{PUBLIC}/unsubscribe", f"{PUBLIC}/unsubscribe?token=",
        f"{PUBLIC}/unsubscribe?token=nobody.AAAA", f"{PUBLIC}/unsubscribe?token={'A' * 4000}",
        address + "&token=x", address.replace(supplier.id, "nobody"),
    ]  # fmt: skip
    for other in others:
        for body in (None, b"List-Unsubscribe=One-Click"):
            status, page, _ = fetch(supplier.server, other, body)
            assert status == 404 and "This link does not work" in page, (other, status)
    assert reason(supplier, "ann") == "subscribed_by_default"
    assert fetch(supplier.server, address, b"x" * 5000)[0] == 413


def test_a_suspended_supplier_still_obeys(supplier: Supplier, mail_server: MailServer) -> None:
    address = link(mail(supplier, mail_server, "ann", TYPE))
    tenants = supplier.server.operator().tenants
    tenants.SuspendTenant(v1.SuspendTenantRequest(tenant_id=supplier.id))
    assert "no more of these mails" in fetch(supplier.server, address, b"List-Unsubscribe=One-Click")[1]
    tenants.ResumeTenant(v1.ResumeTenantRequest(tenant_id=supplier.id))
    assert reason(supplier, "ann") == "channel_opted_out"
