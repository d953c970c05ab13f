"""What a mail looks like, and what stays out of it."""

from __future__ import annotations

import re

import pytest

from harness.interface import v1
from harness.mail import Mail, MailServer
from harness.supplier import Supplier
from harness.values import SECRET_DIGITS, SECRET_WORDS


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme", display_name="Dora Nováková")
    supplier.set_default_user("acme", "dora")
    return supplier


def mail_of(supplier: Supplier, mail_server: MailServer, notification_type: str, **event: object) -> Mail:
    supplier.publish(notification_type, **event)
    (mail,) = mail_server.expect(supplier.address("dora"))
    return mail


def digits(text: str) -> str:
    """Only the digits, so that an amount is found however it is written."""
    return re.sub(r"\D", "", text)


def test_the_mail_is_a_whole_message(customers: Supplier, mail_server: MailServer) -> None:
    mail = mail_of(customers, mail_server, "invoice.created")
    message = mail.message

    assert mail.was_encrypted and mail.user == mail_server.USER
    assert mail.sender == f"news@{customers.domain}"
    assert str(message["From"]) == f"Supplier News <news@{customers.domain}>"
    assert message["To"].addresses[0].addr_spec == customers.address("dora")
    assert message["To"].addresses[0].display_name == "Dora Nováková"
    assert message["Date"].datetime is not None
    assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", mail.message_id)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert all(part.get_content_charset() == "utf-8" for part in message.iter_parts())
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        assert len(message.get_all(name)) == 1, name
    # RFC 5322 §2.1: lines end with CRLF and have at most 998 octets; no bare CR or LF that a relay could misread.
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")
    assert b"\r" not in mail.raw.replace(b"\r\n", b"")
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998


def test_the_subject_is_the_catalogs(customers: Supplier, mail_server: MailServer) -> None:
    mail = mail_of(customers, mail_server, "invoice.created")
    number = next(value.text for value in customers.context("invoice.created") if value.name == "invoice_number")
    assert mail.subject.startswith(f"New invoice {number}, due ")
    assert "2031" in mail.subject


def test_the_mail_leads_into_the_portal(customers: Supplier, mail_server: MailServer) -> None:
    mail = mail_of(customers, mail_server, "invoice.created")
    identifier = next(value.text for value in customers.context("invoice.created") if value.name == "invoice_id")
    link = f"{customers.portal_url}/invoices/{identifier}"
    assert link in mail.body("plain")
    assert f'href="{link}"' in mail.body("html")


def test_both_parts_speak_to_the_reader(customers: Supplier, mail_server: MailServer) -> None:
    mail = mail_of(customers, mail_server, "invoice.created")
    for kind in ("plain", "html"):
        assert "Dora Nováková" in mail.body(kind)
        assert customers.request.tenant.display_name in mail.body(kind)


@pytest.mark.parametrize("notification_type", ["invoice.created", "balance.overdue", "comment.added"])
def test_amounts_and_free_text_stay_in_the_portal(
    customers: Supplier, mail_server: MailServer, notification_type: str
) -> None:
    mail = mail_of(customers, mail_server, notification_type)
    text = mail.everything()
    assert SECRET_WORDS not in text
    assert SECRET_DIGITS not in digits(text)
    # Coded parts hide nothing either.
    assert SECRET_WORDS.encode() not in mail.raw
    # The inbox may tell what the mail may not: the value was there to be told.
    (item,) = customers.inbox("dora")
    assert SECRET_WORDS not in item.title and SECRET_DIGITS not in digits(item.title)


def test_values_cannot_become_markup_or_headers(customers: Supplier, mail_server: MailServer) -> None:
    context = [value for value in customers.context("invoice.created") if value.name != "invoice_number"]
    nasty = "<b onclick=x>&{{customer_name}} \u202e\u00fc"
    context.append(v1.ContextValue(name="invoice_number", text=nasty))
    mail = mail_of(customers, mail_server, "invoice.created", context=context)
    html = mail.body("html")
    assert "<b onclick" not in html
    assert "&lt;b onclick" in html
    assert "{{customer_name}}" in html, "a value was taken for a template"
    assert mail.subject.count("\n") == 0


def test_each_reader_has_an_own_mail(customers: Supplier, mail_server: MailServer) -> None:
    customers.add_user("mike", "acme")
    customers.publish("invoice.created")
    mails = mail_server.expect(customers.address("dora"), customers.address("mike"))
    assert len(mails) == 2
    assert len({mail.message_id for mail in mails}) == 2
    for mail in mails:
        other = ({customers.address("dora"), customers.address("mike")} - {mail.recipient}).pop()
        assert other not in mail.everything()


def test_the_notification_tells_of_the_mail(customers: Supplier, mail_server: MailServer) -> None:
    response = customers.publish("invoice.created")
    (mail,) = mail_server.expect(customers.address("dora"))
    (notification,) = customers.settled(event_id=response.event_id)
    assert notification.state == v1.DELIVERY_STATE_DELIVERED
    email, in_app = notification.deliveries
    assert (email.channel, in_app.channel) == (v1.CHANNEL_EMAIL, v1.CHANNEL_IN_APP)
    assert email.message_id.strip("<>") == mail.message_id.strip("<>")
    assert customers.address("dora") not in str(email), "the address is not masked"
    assert email.masked_address.startswith("d") and email.masked_address.endswith(customers.domain)
    (attempt,) = email.attempts
    assert (attempt.number, attempt.provider_id) == (1, "relay")
    assert attempt.outcome == v1.ATTEMPT_OUTCOME_ACCEPTED
    assert attempt.provider_code.split()[0] == "250"
    assert attempt.start_time.ToNanoseconds() <= attempt.end_time.ToNanoseconds()
    assert len(email.trace) > 0 and sum(step.decisive for step in email.trace) == 1
