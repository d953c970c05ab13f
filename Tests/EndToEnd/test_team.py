"""The mailbox of the supplier's team: one mail for each event, however many members the team has."""

from __future__ import annotations

from typing import Any

from harness.interface import v1
from harness.mail import MailServer
from harness.supplier import Supplier

TYPE = "invoice.created"


def put_team(supplier: Supplier, mailbox: str, *choices: Any) -> Any:
    team = v1.Team(display_name="Receivables", mailbox=mailbox, choices=choices)
    return supplier.api.accounts.UpsertTeam(v1.UpsertTeamRequest(team=team)).team


def test_the_team_has_one_mail_for_each_event(supplier: Supplier, mail_server: MailServer) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    for member in ("rita", "sam"):
        supplier.add_user(member)
        supplier.choose(member, v1.CHOICE_ON, notification_type=TYPE, channel=v1.CHANNEL_EMAIL)
    mailbox = f"receivables@{supplier.domain}"
    team = put_team(supplier, mailbox, v1.PreferenceChoice(notification_type=TYPE, choice=v1.CHOICE_ON))
    assert supplier.api.accounts.GetTeam(v1.GetTeamRequest()).team == team

    told = [supplier.publish(TYPE) for _ in range(3)]
    # What is chosen by the time of sending counts, so these go first.
    for event in told:
        supplier.settled(event_id=event.event_id)
    put_team(supplier, mailbox, v1.PreferenceChoice(all=True, choice=v1.CHOICE_OFF))
    refused = supplier.publish(TYPE)
    put_team(supplier, "")
    without = supplier.publish(TYPE)
    for event in (refused, without):
        supplier.settled(event_id=event.event_id)

    mails = [mail for mail in mail_server.mails_to(supplier.domain) if mail.recipient == mailbox]
    assert len(mails) == len(told)
    assert {mail.message["To"].addresses[0].display_name for mail in mails} == {"Receivables"}
    # What stops a reader's mail is no link in a mailbox that several people read.
    assert all(mail.message["List-Unsubscribe"] is None for mail in mails)
    for event in told:
        (entry,) = [one for one in event.recipients if one.team_mailbox]
        record = supplier.notification(entry.notification_id)
        assert record.team_mailbox and not record.user_id and record.state == v1.DELIVERY_STATE_DELIVERED
    (entry,) = [one for one in refused.recipients if one.team_mailbox]
    assert {way.reason for way in entry.channels} == {"opted_out"}
    assert not [one for one in without.recipients if one.team_mailbox]


def test_a_mailbox_that_went_meanwhile_is_not_written_to(supplier: Supplier, mail_server: MailServer) -> None:
    """The second look goes by the team of then; an address that is new since gets the mail."""
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    on = v1.PreferenceChoice(notification_type=TYPE, choice=v1.CHOICE_ON)
    old, new = f"old@{supplier.domain}", f"new@{supplier.domain}"
    put_team(supplier, old, on)
    supplier.context(TYPE)
    event = supplier.event(TYPE)
    event.deliver_time.GetCurrentTime()
    event.deliver_time.seconds += 3
    later = supplier.api.delivery.Publish(event)
    put_team(supplier, new, on)
    supplier.settled(event_id=later.event_id)
    recipients = {mail.recipient for mail in mail_server.mails_to(supplier.domain)}
    assert new in recipients and old not in recipients
