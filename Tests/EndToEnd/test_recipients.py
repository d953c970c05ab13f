"""Who gets what: one event, and exactly the right people hear of it, by mail and in their inbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.interface import v1
from harness.mail import MailServer
from harness.supplier import Supplier, by_user

# What the catalog says of the types used here; `test_catalog.py` holds the server's catalog to it.
SUBSCRIBED = "payment_method.card_auto_updated"
SUBSCRIBED_WITHOUT_ACTOR = "payment_method.default_changed"
ON_OFFER = "payment.processing"
MANDATORY_ONE = "balance.overdue"
MANDATORY_ALL = "consent.terms_updated"
DISABLED = "quote.expired"
DISABLED_MAIL_ONLY = "invoice.recurring_upcoming"

ON, OFF = "CHOICE_ON", "CHOICE_OFF"
EMAIL, IN_APP = "CHANNEL_EMAIL", "CHANNEL_IN_APP"


@dataclass
class Choice:
    user: str
    choice: str
    channel: str = "CHANNEL_UNSPECIFIED"
    scope: dict[str, Any] = field(default_factory=dict)


@dataclass
class Case:
    """Who chose what, who did it, and what must follow: a reason for each user, or one for each channel."""

    name: str
    notification_type: str
    reasons: dict[str, str | tuple[str, str]]
    mailed: set[str]
    choices: list[Choice] = field(default_factory=list)
    event: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    tenant: dict[str, Any] = field(default_factory=dict)
    inbox: set[str] | None = None

    @property
    def in_inbox(self) -> set[str]:
        return self.mailed if self.inbox is None else self.inbox


OUT = {"nora": "not_invited", "dirk": "recipient_inactive"}
NO = {"dora": "not_subscribed", "mike": "not_subscribed", "olga": "not_subscribed", **OUT}
ALL = {"dora", "mike", "olga"}
EVERYBODY_BY_DEFAULT = {name: "subscribed_by_default" for name in ALL} | OUT

CASES = [
    Case("subscribed by default", SUBSCRIBED, EVERYBODY_BY_DEFAULT, ALL),
    Case("on offer, nobody chose", ON_OFFER, NO, set()),
    Case("opted in", ON_OFFER, {**NO, "olga": "opted_in"}, {"olga"}, [Choice("olga", ON)]),
    Case("default user opted in", ON_OFFER, {**NO, "dora": "opted_in"}, {"dora"}, [Choice("dora", ON)]),
    Case(
        "on offer, and the tenant delivers what is enabled",
        ON_OFFER,
        {name: "enabled_without_subscription" for name in ALL} | OUT | {"mike": "opted_out"},
        {"dora", "olga"},
        [Choice("mike", OFF)],
        tenant={"enabled_without_subscription": 2},
    ),
    Case(
        "opted out",
        SUBSCRIBED,
        {**EVERYBODY_BY_DEFAULT, "mike": "opted_out"},
        {"dora", "olga"},
        [Choice("mike", OFF)],
    ),
    Case(
        "default user opted out of what is not mandatory",
        SUBSCRIBED,
        {**EVERYBODY_BY_DEFAULT, "dora": "opted_out"},
        {"mike", "olga"},
        [Choice("dora", OFF)],
    ),
    Case(
        "default user only",
        MANDATORY_ONE,
        {"dora": "mandatory_default_user", "mike": "opted_out", "olga": "opted_out", **OUT},
        {"dora"},
        [Choice("dora", OFF), Choice("mike", OFF), Choice("olga", OFF)],
    ),
    Case(
        "at least one, the others subscribed",
        MANDATORY_ONE,
        {**EVERYBODY_BY_DEFAULT, "dora": "mandatory_default_user"},
        ALL,
    ),
    Case(
        "mandatory for all",
        MANDATORY_ALL,
        {name: "mandatory_all" for name in ALL} | OUT,
        ALL,
        [Choice("mike", OFF), Choice("olga", OFF, scope={"all": True})],
    ),
    Case("disabled", DISABLED, dict.fromkeys(["dora", "mike", "olga", "nora", "dirk"], "type_disabled"), set()),
    Case(
        "disabled, although opted in",
        DISABLED_MAIL_ONLY,
        dict.fromkeys(["dora", "mike", "olga", "nora", "dirk"], "type_disabled"),
        set(),
        [Choice("mike", ON)],
    ),
    Case(
        "actor excluded",
        SUBSCRIBED_WITHOUT_ACTOR,
        {**EVERYBODY_BY_DEFAULT, "mike": "actor_excluded"},
        {"dora", "olga"},
        event={"actor_user_id": "mike"},
    ),
    Case(
        "actor not excluded where the type does not say so",
        SUBSCRIBED,
        EVERYBODY_BY_DEFAULT,
        ALL,
        event={"actor_user_id": "mike"},
    ),
    Case(
        "opted out of mail only",
        SUBSCRIBED,
        {**EVERYBODY_BY_DEFAULT, "mike": ("channel_opted_out", "subscribed_by_default")},
        {"dora", "olga"},
        [Choice("mike", OFF, EMAIL)],
        inbox=ALL,
    ),
    Case(
        "opted out of the category, but not of the type",
        SUBSCRIBED,
        {**EVERYBODY_BY_DEFAULT, "mike": "opted_out", "olga": "opted_in"},
        {"dora", "olga"},
        [
            Choice("mike", OFF, scope={"category": "Payment methods"}),
            Choice("olga", OFF, scope={"category": "Payment methods"}),
            Choice("olga", ON),
        ],
    ),
    Case(
        "opted out of everything",
        SUBSCRIBED,
        {**EVERYBODY_BY_DEFAULT, "mike": "opted_out"},
        {"dora", "olga"},
        [Choice("mike", OFF, scope={"all": True})],
    ),
    Case(
        "account silenced",
        SUBSCRIBED,
        {name: "customer_suppressed" for name in ALL} | OUT,
        set(),
        account={"notifications_suppressed": True},
    ),
    Case(
        "object silenced",
        SUBSCRIBED,
        {name: "object_suppressed" for name in ALL} | OUT,
        set(),
        event={"object_suppressed": True},
    ),
]


def make_customers(supplier: Supplier, **account: Any) -> None:
    """The account "acme" with its default user, two members, one not invited and one disabled; a second account."""
    supplier.add_account("acme", **account)
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    supplier.add_user("mike", "acme")
    supplier.add_user("olga", "acme", state=v1.USER_STATE_INVITED)
    supplier.add_user("nora", "acme", state=v1.USER_STATE_NOT_INVITED)
    supplier.add_user("dirk", "acme", state=v1.USER_STATE_DISABLED)
    # Nobody of another account may ever hear of it.
    supplier.add_account("other")
    supplier.add_user("zoe", "other")
    supplier.set_default_user("other", "zoe")


def reason_on(decision: Any, channel: str) -> str | None:
    return next((one.reason for one in decision.channels if one.channel == v1.Channel.Value(channel)), None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_the_right_people_are_told(
    case: Case, make_supplier: Callable[..., Supplier], mail_server: MailServer
) -> None:
    supplier = make_supplier(**case.tenant)
    make_customers(supplier, **case.account)
    for one in case.choices:
        scope = one.scope or {"notification_type": case.notification_type}
        supplier.choose(one.user, v1.Choice.Value(one.choice), v1.Channel.Value(one.channel), **scope)

    response = supplier.publish(case.notification_type, **case.event)

    decisions = by_user(one for one in response.recipients if one.audience == v1.AUDIENCE_CUSTOMER)
    assert set(decisions) == set(case.reasons)
    mailed, in_inbox = set(), set()
    for user, decision in decisions.items():
        expected = case.reasons[user]
        email, in_app = (expected, expected) if isinstance(expected, str) else expected
        assert reason_on(decision, EMAIL) == email, user
        assert reason_on(decision, IN_APP) in (in_app, None), user
        assert decision.notification_id, f"no notification tells why {user} was or was not told"
        for one in decision.channels:
            assert one.verdict in (v1.VERDICT_DELIVER, v1.VERDICT_SUPPRESS)
            assert one.explanation, f"no explanation for {user}"
            if one.verdict == v1.VERDICT_DELIVER:
                (mailed if one.channel == v1.CHANNEL_EMAIL else in_inbox).add(user)
    assert mailed == case.mailed
    assert in_inbox == case.in_inbox

    # What was promised is what happened.
    supplier.settled(event_id=response.event_id)
    mails = mail_server.mails_to(supplier.domain)
    assert sorted(mail.recipient for mail in mails) == sorted(supplier.address(user) for user in case.mailed)
    for user in ("dora", "mike", "olga", "zoe"):
        items = supplier.inbox(user)
        assert len(items) == (1 if user in case.in_inbox else 0), user
        if items:
            assert items[0].notification_id == decisions[user].notification_id


# A check knows no event, so cases that rest on a fact of the event are left out.
@pytest.mark.parametrize("case", [case for case in CASES if not case.event], ids=lambda case: case.name)
def test_a_check_says_what_a_publish_does(case: Case, make_supplier: Callable[..., Supplier]) -> None:
    """CheckPreference and Publish come to the same verdict and reason."""
    supplier = make_supplier(**case.tenant)
    make_customers(supplier, **case.account)
    for one in case.choices:
        scope = one.scope or {"notification_type": case.notification_type}
        supplier.choose(one.user, v1.Choice.Value(one.choice), v1.Channel.Value(one.channel), **scope)
    response = supplier.publish(case.notification_type)
    published = by_user(one for one in response.recipients if one.audience == v1.AUDIENCE_CUSTOMER)
    for user, decision in published.items():
        request = v1.CheckPreferenceRequest(user_id=user, notification_type=case.notification_type)
        checked = supplier.api.preferences.CheckPreference(request).channels
        assert [(one.channel, one.verdict, one.reason) for one in checked] == [
            (one.channel, one.verdict, one.reason) for one in decision.channels
        ], user
