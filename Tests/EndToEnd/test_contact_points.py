"""Addresses that people add themselves: asked about by a mail, confirmed by the link in it, and used from then on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest

from harness.interface import v1
from harness.mail import Mail, MailServer
from harness.pages import fetch
from harness.refusals import refused
from harness.server import Carillon, Session
from harness.supplier import Supplier
from harness.waiting import eventually

PUBLIC = "https://notify.example"
TYPE = "invoice.paid_in_full"
QUESTION = "security.email_verification"
# Of Channel and AddressState.
EMAIL, SMS = 1, 4
USABLE, UNVERIFIED = 1, 3


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Carillon]) -> Carillon:
    return make_server(flags=["--public-url", PUBLIC]).start()


@pytest.fixture
def supplier(server: Carillon, mail_server: MailServer) -> Supplier:
    supplier = Supplier(server, name="reach", display_name="Söhne & <Co>")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("ann", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def add(
    supplier: Supplier, *addresses: str, user: str = "ann", channel: int = EMAIL, session: Session | None = None
) -> Any:
    """Makes these the addresses that a user has added, and no others."""
    request = v1.UpdatePreferencesRequest(user_id=user)
    request.settings_mask.paths.append("contact_points")
    for text in addresses:
        request.settings.contact_points.add(channel=channel, address=text)
    return (session or supplier.api).preferences.UpdatePreferences(request)


def states(supplier: Supplier, user: str = "ann") -> list[tuple[str, int]]:
    """The user's addresses with their states, in the order in which they are tried."""
    answer = supplier.api.preferences.GetPreferences(v1.GetPreferencesRequest(user_id=user))
    return [(point.address, point.state) for point in answer.contact_points]


def question(mail_server: MailServer, address: str, count: int = 1) -> Mail:
    """The latest of so many mails that ask about an address."""

    def mails() -> list[Mail]:
        return [mail for mail in mail_server.mails_to(address) if "Confirm your email address" in mail.subject]

    return eventually(lambda: len(mails()) >= count and mails(), f"{address} is asked about", seen=mails)[-1]


def link(mail: Mail) -> str:
    found = re.search(rf"{PUBLIC}/confirm\?token=[\w.-]+", mail.body("plain"))
    assert found, mail.body("plain")
    return found[0]


def token(mail: Mail) -> str:
    return parse_qs(urlsplit(link(mail)).query)["token"][0]


def confirm(session: Session, token: str) -> Any:
    return session.preferences.ConfirmContactPoint(v1.ConfirmContactPointRequest(token=token))


def ask_again(supplier: Supplier, address: str, user: str = "ann") -> Any:
    request = v1.SendConfirmationRequest(user_id=user, address=address)
    return supplier.api.preferences.SendConfirmation(request)


def told(supplier: Supplier, mail_server: MailServer, notification_type: str = TYPE, user: str = "ann") -> list[str]:
    """Where a user's mail of a new event goes."""
    named = {"addressed_user_ids": [user]} if notification_type.startswith("security.") else {}
    event = supplier.publish(notification_type, **named).event_id
    ids = [item.notification_id for item in supplier.settled(event_id=event) if item.user_id == user]
    return [mail.recipient for mail in mail_server.mails() if any(name in mail.message_id for name in ids)]


def test_an_address_is_used_when_its_reader_has_said_yes(supplier: Supplier, mail_server: MailServer) -> None:
    own, portals = supplier.address("own"), supplier.address("ann")
    answer = add(supplier, own)
    assert [(point.address, point.state) for point in answer.settings.contact_points] == [(own, UNVERIFIED)]
    assert not answer.notices
    mail = question(mail_server, own)
    address = link(mail)
    assert mail.message["List-Unsubscribe"] is None and "ann" not in address and "own" not in address
    assert told(supplier, mail_server) == [portals]

    # To open the link changes nothing: scanners do.
    status, page, fields = fetch(supplier.server, address)
    assert status == 200 and "Is this your address?" in page and 'method="post"' in page
    assert "Söhne &amp; &lt;Co&gt;" in page and own not in page and f"o…@{supplier.domain}" in page
    assert fields["cache-control"] == "no-store" and "set-cookie" not in fields
    assert states(supplier) == [(own, UNVERIFIED), (portals, USABLE)]

    # The button does, and once more changes nothing.
    for _ in range(2):
        status, page, _ = fetch(supplier.server, address, b"")
        assert status == 200 and "Your address is confirmed" in page
    assert states(supplier) == [(own, USABLE), (portals, USABLE)]
    assert told(supplier, mail_server) == [own]
    # What is about access goes to the portal's address as before, and so does the word that mails go elsewhere.
    assert told(supplier, mail_server, "security.password_changed") == [portals]
    changes = [mail for mail in mail_server.mails_to(portals) if mail.subject == "Your email address was changed"]
    assert len(changes) == 1 and f"o…@{supplier.domain}" in changes[0].body("plain")
    audit = supplier.server.database.execute(
        f"SELECT string_agg(actor || ' ' || origin || ' ' || before::text || after::text, E'\\n') "
        f"FROM {supplier.schema}.audit WHERE action = 'contact_point.confirm'"
    )
    assert audit.startswith("user/ann confirmation link ") and "\n" not in audit
    assert own not in audit and '"unverified"' in audit and '"usable"' in audit


def test_what_the_portal_stores_is_another_matter(supplier: Supplier, mail_server: MailServer) -> None:
    own = supplier.address("own")
    add(supplier, own)
    confirm(supplier.api, token(question(mail_server, own)))
    # The portal goes on to see and change its own address alone.
    user = supplier.add_user("ann", "acme", email=supplier.address("new"))
    assert (user.email, user.email_state) == (supplier.address("new"), USABLE)
    assert states(supplier) == [(own, USABLE), (supplier.address("new"), USABLE)]
    listed = supplier.api.accounts.ListUsers(v1.ListUsersRequest(account_id="acme")).users
    assert [one.email for one in listed if one.user_id == "ann"] == [supplier.address("new")]
    assert told(supplier, mail_server) == [own]
    # Who gives an address up is reached at the portal's again, and the old link confirms nothing.
    old = link(question(mail_server, own))
    add(supplier)
    assert states(supplier) == [(supplier.address("new"), USABLE)]
    assert told(supplier, mail_server) == [supplier.address("new")]
    assert fetch(supplier.server, old, b"")[0] == 404
    # An address that the portal gives needs no question.
    answer = add(supplier, supplier.address("new"))
    assert [(point.state, point.from_portal) for point in answer.settings.contact_points] == [(USABLE, True)]
    assert mail_server.mails_to(supplier.address("new"))[-1].subject != "Confirm your email address"


def test_portals_confirm_on_pages_of_their_own(supplier: Supplier, mail_server: MailServer) -> None:
    own = supplier.address("own")
    ann = supplier.portal("ann")
    add(supplier, own, session=ann)
    text = token(question(mail_server, own))
    other = Supplier(supplier.server, name="other")
    for stranger in (other.api, supplier.portal("dora")):
        refusal = refused(lambda s=stranger: confirm(s, text), grpc.StatusCode.NOT_FOUND)
        assert refusal.reason == "CONFIRMATION_TOKEN_UNKNOWN"
    assert states(supplier)[0] == (own, UNVERIFIED)
    answer = confirm(ann, text)
    assert (answer.user_id, answer.contact_point.address, answer.contact_point.state) == ("ann", own, USABLE)
    assert confirm(supplier.api, text).contact_point == answer.contact_point
    refusal = refused(lambda: ask_again(supplier, own), grpc.StatusCode.FAILED_PRECONDITION)
    assert refusal.reason == "ADDRESS_CONFIRMED"


def test_a_link_that_is_none_changes_nothing(supplier: Supplier, mail_server: MailServer) -> None:
    own = supplier.address("own")
    add(supplier, own)
    address = link(question(mail_server, own))
    others = [
        address[:-1], address + "A", f"{PUBLIC}/confirm", f"{PUBLIC}/confirm?token=",
        f"{PUBLIC}/confirm?token=nobody.AAAA", f"{PUBLIC}/confirm?token={'A' * 4000}", address + "&token=x",
        address.replace(supplier.id, "nobody"), address.replace("/confirm", "/unsubscribe"),
    ]  # fmt: skip
    for other in others:
        for body in (None, b""):
            status, page, _ = fetch(supplier.server, other, body)
            assert status == 404 and "This link does not work" in page, (other, status)
    assert states(supplier)[0] == (own, UNVERIFIED)
    assert fetch(supplier.server, address, b"x" * 5000)[0] == 413


def test_mails_cannot_be_led_away_in_silence(supplier: Supplier, mail_server: MailServer) -> None:
    own, portals = supplier.address("own"), supplier.address("ann")

    def warnings() -> int:
        supplier.settled(user_id="ann")
        return sum(mail.subject == "Your email address was changed" for mail in mail_server.mails_to(portals))

    add(supplier, portals, own)
    confirm(supplier.api, token(question(mail_server, own)))
    assert told(supplier, mail_server) == [portals] and warnings() == 0
    add(supplier, own)
    assert told(supplier, mail_server) == [own] and warnings() == 1
    # Codes go to no number that somebody has added, whoever said START.
    add(supplier, "+4930123457", channel=SMS)
    event = v1.ProviderEvent(
        kind=v1.PROVIDER_EVENT_KIND_STARTED, address=v1.ChannelAddress(channel=SMS, address="+4930123457")
    )
    supplier.api.delivery.ReportProviderEvents(v1.ReportProviderEventsRequest(events=[event]))
    assert states(supplier)[-1] == ("+4930123457", USABLE)
    request = v1.CheckPreferenceRequest(user_id="ann", notification_type="security.one_time_code", channel=SMS)
    assert supplier.api.preferences.CheckPreference(request).channels[0].reason == "address_suppressed:no_address"


def test_settings_are_saved_again_when_the_name_has_changed(supplier: Supplier, mail_server: MailServer) -> None:
    own = supplier.address("own")
    add(supplier, own)
    question(mail_server, own)
    supplier.add_user("ann", "acme", display_name="Ann Another")
    assert not add(supplier, own).notices
    supplier.settled(user_id="ann")
    assert len(mail_server.mails_to(own)) == 1


def test_what_is_refused_does_not_count(supplier: Supplier, mail_server: MailServer) -> None:
    request = v1.UpdatePreferencesRequest(user_id="ann")
    request.etag = supplier.api.preferences.GetPreferences(v1.GetPreferencesRequest(user_id="ann")).etag
    request.settings.contact_points.add(channel=EMAIL, address=supplier.address("own"))
    supplier.choose("ann", v1.CHOICE_ON, notification_type=TYPE)
    for _ in range(6):
        refused(lambda: supplier.api.preferences.UpdatePreferences(request), grpc.StatusCode.ABORTED)
    add(supplier, supplier.address("own"))
    question(mail_server, supplier.address("own"))


def test_questions_are_bounded(supplier: Supplier, mail_server: MailServer) -> None:
    own = supplier.address("own")
    for _ in range(3):
        add(supplier, own)
    question(mail_server, own)
    assert ask_again(supplier, own).expire_time.seconds > 0
    question(mail_server, own, 2)
    # With the first and the one that was asked for again, these are five.
    for number in range(3):
        add(supplier, *[supplier.address(f"more{place}") for place in range(number + 1)], own)
    refusal = refused(lambda: ask_again(supplier, own), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert refusal.reason == "CONFIRMATION_RATE" and refusal.retry_delay == 3600
    added = [own, *[supplier.address(f"x{place}") for place in range(4)]]
    refusal = refused(lambda: add(supplier, *added), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert refusal.reason == "CONFIRMATION_RATE"
    assert len(states(supplier)) == 5, "nothing of it was stored"
    # Nor does another user's wish go to an address that was asked about so often.
    supplier.add_user("mallory", "acme")
    for _ in range(3):
        add(supplier, own, user="mallory")
        add(supplier, user="mallory")
    refusal = refused(lambda: add(supplier, own, user="mallory"), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert refusal.reason == "CONFIRMATION_RATE"
    # Others are not bound by that.
    supplier.add_user("eve", "acme")
    add(supplier, supplier.address("eves"), user="eve")
    question(mail_server, supplier.address("eves"))
    supplier.settled(user_id="ann")
    supplier.settled(user_id="mallory")
    assert len(mail_server.mails_to(own)) <= 5


def test_what_cannot_be_is_refused_with_its_places(supplier: Supplier) -> None:
    wrong = v1.UpdatePreferencesRequest(user_id="ann")
    for channel, address in [(EMAIL, "none"), (SMS, "110"), (v1.CHANNEL_PUSH, "x"), (0, "a@b.example"), (EMAIL, "")]:
        wrong.settings.contact_points.add(channel=channel, address=address)
    refusal = refused(lambda: supplier.api.preferences.UpdatePreferences(wrong), grpc.StatusCode.INVALID_ARGUMENT)
    at = "settings.contact_points"
    places = [f"{at}[0].address", f"{at}[1].address", f"{at}[2].channel", f"{at}[3].channel", f"{at}[4].address"]
    assert list(refusal.fields) == places
    twice = lambda: add(supplier, *[supplier.address("own")] * 2)  # noqa: E731
    assert refused(twice, grpc.StatusCode.INVALID_ARGUMENT).fields.keys() == {f"{at}[1]"}
    many = lambda: add(supplier, *[supplier.address(f"own{number}") for number in range(6)])  # noqa: E731
    assert refused(many, grpc.StatusCode.INVALID_ARGUMENT).fields.keys() == {at}
    row = v1.ImportPreferencesRequest(user_id="ann", settings=wrong.settings)
    (answer,) = supplier.api.preferences.ImportPreferences(iter([row]))
    assert at in answer.error.fields
    assert states(supplier) == [(supplier.address("ann"), USABLE)]
    refusal = refused(lambda: ask_again(supplier, supplier.address("ann")), grpc.StatusCode.NOT_FOUND)
    assert refusal.reason == "CONTACT_POINT_NOT_FOUND"


def test_addresses_that_nobody_writes_to_are_not_asked_about(supplier: Supplier, mail_server: MailServer) -> None:
    gone = supplier.address("gone")
    event = v1.ProviderEvent(kind=v1.PROVIDER_EVENT_KIND_BOUNCED_PERMANENTLY, address=v1.ChannelAddress(channel=EMAIL, address=gone))
    report = v1.ReportProviderEventsRequest(events=[event])
    (result,) = supplier.api.delivery.ReportProviderEvents(report).results
    assert not result.HasField("error")
    answer = add(supplier, gone)
    # It waits to be confirmed: that the supplier writes there again says nothing of whose it is.
    assert [point.state for point in answer.settings.contact_points] == [UNVERIFIED]
    assert [notice.reason for notice in answer.notices] == ["confirmation_not_sent"] and gone in answer.notices[0].explanation
    refusal = refused(lambda: ask_again(supplier, gone), grpc.StatusCode.FAILED_PRECONDITION)
    assert refusal.reason == "ADDRESS_SUPPRESSED"
    assert told(supplier, mail_server) == [supplier.address("ann")]
    assert not mail_server.mails_to(gone)
    supplier.api.accounts.RemoveSuppression(v1.RemoveSuppressionRequest(channel=EMAIL, address=gone))
    assert states(supplier)[0] == (gone, UNVERIFIED)
    ask_again(supplier, gone)
    confirm(supplier.api, token(question(mail_server, gone)))
    assert states(supplier)[0] == (gone, USABLE)


def test_a_number_is_confirmed_by_its_owners_start(supplier: Supplier) -> None:
    number = "+4930123456"
    add(supplier, number, channel=SMS)
    assert states(supplier) == [(supplier.address("ann"), USABLE), (number, UNVERIFIED)]
    event = v1.ProviderEvent(kind=v1.PROVIDER_EVENT_KIND_STARTED, address=v1.ChannelAddress(channel=SMS, address=number))
    supplier.api.delivery.ReportProviderEvents(v1.ReportProviderEventsRequest(events=[event]))
    assert states(supplier)[-1] == (number, USABLE)


def test_supplier_staff_add_theirs_and_hear_when_no_mail_can_ask(server: Carillon, mail_server: MailServer) -> None:
    supplier = Supplier(server, name="staff")
    supplier.add_user("rita")
    own = supplier.address("own")
    answer = add(supplier, own, user="rita")
    assert [(notice.reason, notice.notification_type) for notice in answer.notices] == [
        ("confirmation_not_sent", QUESTION)
    ]
    refusal = refused(lambda: ask_again(supplier, own, "rita"), grpc.StatusCode.FAILED_PRECONDITION)
    assert refusal.reason == "CONFIRMATION_NOT_SENT" and refusal.metadata["reason"] == "channel_unavailable"
    supplier.connect_mail(mail_server)
    ask_again(supplier, own, "rita")
    confirm(supplier.portal("rita"), token(question(mail_server, own)))
    assert states(supplier, "rita") == [(own, USABLE), (supplier.address("rita"), USABLE)]
