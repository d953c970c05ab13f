"""Types of which at least one person must hear: who stands in when the default user cannot be reached."""

from __future__ import annotations

from typing import Any

from harness.interface import v1
from harness.mail import MailServer
from harness.supplier import Supplier, by_user

MANDATORY_ONE = "balance.overdue"


def reasons(response: Any) -> dict[str, str]:
    """The reason on e-mail for each user of the account."""
    decisions = by_user(one for one in response.recipients if one.audience == v1.AUDIENCE_CUSTOMER)
    return {
        user: next(one.reason for one in decision.channels if one.channel == v1.CHANNEL_EMAIL)
        for user, decision in decisions.items()
    }


def opt_out(supplier: Supplier, *users: str) -> None:
    for user in users:
        supplier.choose(user, v1.CHOICE_OFF, notification_type=MANDATORY_ONE)


def mailed(supplier: Supplier, mail_server: MailServer, response: Any) -> list[str]:
    supplier.settled(event_id=response.event_id)
    return sorted(mail.recipient for mail in mail_server.mails_to(supplier.domain))


def test_the_senior_administrator_stands_in(supplier: Supplier, mail_server: MailServer) -> None:
    supplier.add_account("acme", billing_email=supplier.address("billing"))
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    supplier.add_user("anna", "acme", role=v1.USER_ROLE_ADMIN)
    supplier.add_user("abel", "acme", role=v1.USER_ROLE_ADMIN)
    supplier.set_default_user("acme", "dora")
    opt_out(supplier, "mike", "anna", "abel")
    supplier.add_user("dora", "acme", state=v1.USER_STATE_DISABLED)

    response = supplier.publish(MANDATORY_ONE)

    assert reasons(response) == {
        "dora": "recipient_inactive",
        "mike": "opted_out",
        "anna": "mandatory_stand_in",
        "abel": "opted_out",
    }
    assert mailed(supplier, mail_server, response) == [supplier.address("anna")]


def test_any_user_stands_in_when_there_is_no_administrator(supplier: Supplier, mail_server: MailServer) -> None:
    supplier.add_account("acme", billing_email=supplier.address("billing"))
    supplier.add_user("mike", "acme")
    supplier.add_user("olga", "acme")
    opt_out(supplier, "mike", "olga")

    response = supplier.publish(MANDATORY_ONE)

    assert reasons(response) == {"mike": "mandatory_stand_in", "olga": "opted_out"}
    assert mailed(supplier, mail_server, response) == [supplier.address("mike")]


def test_the_billing_mailbox_is_the_last_resort(supplier: Supplier, mail_server: MailServer) -> None:
    supplier.add_account("acme", billing_email=supplier.address("billing"))
    supplier.add_user("nora", "acme", state=v1.USER_STATE_NOT_INVITED)

    response = supplier.publish(MANDATORY_ONE)

    mailboxes = [one for one in response.recipients if one.billing_mailbox]
    assert len(mailboxes) == 1
    assert mailboxes[0].user_id == ""
    assert [one.reason for one in mailboxes[0].channels if one.verdict == v1.VERDICT_DELIVER] == ["mandatory_stand_in"]
    assert mailed(supplier, mail_server, response) == [supplier.address("billing")]


def test_nobody_is_said_and_not_silent(supplier: Supplier, mail_server: MailServer) -> None:
    supplier.add_account("acme")

    response = supplier.publish(MANDATORY_ONE)

    (nobody,) = response.recipients
    assert (nobody.user_id, nobody.billing_mailbox) == ("", False)
    assert {one.reason for one in nobody.channels} == {"no_eligible_recipient"}
    assert mailed(supplier, mail_server, response) == []
    (notification,) = supplier.notifications(event_id=response.event_id)
    assert notification.state == v1.DELIVERY_STATE_SUPPRESSED


def test_without_an_address_the_inbox_is_enough(supplier: Supplier, mail_server: MailServer) -> None:
    """The default user can be reached in the portal, so nobody stands in."""
    supplier.add_account("acme", billing_email=supplier.address("billing"))
    supplier.add_user("dora", "acme", email="")
    supplier.add_user("mike", "acme")
    supplier.set_default_user("acme", "dora")
    opt_out(supplier, "mike")

    response = supplier.publish(MANDATORY_ONE)

    assert reasons(response) == {"dora": "address_suppressed:no_address", "mike": "opted_out"}
    assert mailed(supplier, mail_server, response) == []
    assert len(supplier.inbox("dora")) == 1


def test_the_choice_is_kept_and_said_to_have_no_effect(supplier: Supplier) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")

    answer = supplier.choose("dora", v1.CHOICE_OFF, notification_type=MANDATORY_ONE)

    assert [(one.notification_type, one.choice) for one in answer.choices] == [(MANDATORY_ONE, v1.CHOICE_OFF)]
    assert [(one.notification_type, one.reason) for one in answer.notices] == [
        (MANDATORY_ONE, "choice_kept_while_mandatory")
    ]
    preferences = supplier.api.preferences.GetPreferences(v1.GetPreferencesRequest(user_id="dora")).preferences
    (row,) = [one for one in preferences if one.notification_type == MANDATORY_ONE]
    assert any(one.locked and one.subscribed and one.lock_reason for one in row.channels)


def test_the_representative_is_told_once_with_the_internal_link(supplier: Supplier, mail_server: MailServer) -> None:
    """Who looks after the account hears in person, and not again as one of the team."""
    supplier.add_user("rita")
    supplier.add_user("theo")
    supplier.add_account("acme", assigned_rep_user_ids=["rita"])
    supplier.add_user("dora", "acme")
    # comment.added: customers subscribed, the representative subscribed, the team subscribed.
    response = supplier.publish("comment.added")

    told = {
        (one.user_id, one.audience): {way.reason for way in one.channels}
        for one in response.recipients
    }  # fmt: skip
    assert told == {
        ("dora", v1.AUDIENCE_CUSTOMER): {"subscribed_by_default"},
        ("rita", v1.AUDIENCE_INTERNAL_INDIVIDUAL): {"subscribed_by_default"},
        ("rita", v1.AUDIENCE_INTERNAL_TEAM): {"duplicate"},
        ("theo", v1.AUDIENCE_INTERNAL_TEAM): {"subscribed_by_default"},
    }
    assert mailed(supplier, mail_server, response) == [supplier.address(name) for name in ("dora", "rita", "theo")]
    links = {user: supplier.inbox(user)[0].deep_link for user in ("dora", "rita")}
    assert links["dora"].startswith(f"{supplier.portal_url}/comments/")
    assert links["rita"].startswith(f"{supplier.portal_url}/admin/comments/")
