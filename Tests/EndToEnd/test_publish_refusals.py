"""Events that are wrong: each is refused with the field's name, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.refusals import refused
from harness.supplier import Supplier

TYPE = "invoice.created"
WRITTEN_BY_PUBLISH = ("event", "notification", "delivery", "queue", "inbox_item", "inbox_counter", "idempotency")


def counts(supplier: Supplier) -> dict[str, str]:
    prints = supplier.server.database.fingerprint(supplier.schema)
    return {table: prints[table] for table in WRITTEN_BY_PUBLISH}


@pytest.fixture
def customers(supplier: Supplier) -> Iterator[Supplier]:
    """A tenant with one customer. Afterwards nothing of a publish is stored."""
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    before = counts(supplier)
    yield supplier
    assert counts(supplier) == before, "the refused call left something behind"


def without(context: list[Any], name: str) -> list[Any]:
    rest = [value for value in context if value.name != name]
    assert len(rest) == len(context) - 1, f"{name} is no variable of the type"
    return rest


CONTEXTS: dict[str, tuple[str, Callable[[list[Any]], list[Any]]]] = {
    "missing": ("invoice_number", lambda context: without(context, "invoice_number")),
    "of another type": (
        "invoice_total",
        lambda context: [*without(context, "invoice_total"), v1.ContextValue(name="invoice_total", text="19.99 EUR")],
    ),
    "without a value": (
        "invoice_number",
        lambda context: [*without(context, "invoice_number"), v1.ContextValue(name="invoice_number")],
    ),
    "unknown": ("colour", lambda context: [*context, v1.ContextValue(name="colour", text="red")]),
    "twice": ("invoice_number", lambda context: [*context, v1.ContextValue(name="invoice_number", text="again")]),
    "filled in by the service": (
        "recipient_name",
        lambda context: [*context, v1.ContextValue(name="recipient_name", text="Somebody Else")],
    ),
    "with a line break": (
        "invoice_number",
        lambda context: [
            *without(context, "invoice_number"),
            v1.ContextValue(name="invoice_number", text="1\r\nBcc: eve@evil.example"),
        ],
    ),
    "in an unknown currency": (
        "amount_due",
        lambda context: [
            *without(context, "amount_due"),
            v1.ContextValue(name="amount_due", money=v1.Money(currency_code="ZZZ", minor_units=1)),
        ],
    ),
    "a day that is not in the calendar": (
        "due_date",
        lambda context: [
            *without(context, "due_date"),
            v1.ContextValue(name="due_date", date=v1.Date(year=2031, month=2, day=30)),
        ],
    ),
}


@pytest.mark.parametrize("what", CONTEXTS)
def test_a_wrong_variable_is_named(customers: Supplier, what: str) -> None:
    name, change = CONTEXTS[what]
    event = customers.event(TYPE, context=change(customers.context(TYPE)))
    refusal = refused(lambda: customers.api.delivery.Publish(event), StatusCode.INVALID_ARGUMENT)
    assert refusal.reason
    (field,) = refusal.fields
    assert name in field or name in refusal.fields[field], refusal.fields
    assert field.startswith("context")


def test_everything_wrong_is_said_at_once(customers: Supplier) -> None:
    event = customers.event(TYPE, context=[])
    refusal = refused(lambda: customers.api.delivery.Publish(event), StatusCode.INVALID_ARGUMENT)
    said = " ".join([*refusal.fields, *refusal.fields.values()])
    for variable in customers.context(TYPE):
        assert variable.name in said


FIELDS: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown type": ("notification_type", {"notification_type": "invoice.eaten"}),
    "no type": ("notification_type", {"notification_type": ""}),
    "no idempotency key": ("idempotency_key", {"idempotency_key": ""}),
    "idempotency key too long": ("idempotency_key", {"idempotency_key": "k" * 201}),
    "idempotency key with a blank": ("idempotency_key", {"idempotency_key": "a b"}),
    "no account for a type of customers": ("account_id", {"account_id": ""}),
    "account that cannot be": ("account_id", {"account_id": "a/b"}),
    "too many addressed users": ("addressed_user_ids", {"addressed_user_ids": [f"u{n}" for n in range(101)]}),
}


@pytest.mark.parametrize("what", FIELDS)
def test_a_wrong_field_is_named(customers: Supplier, what: str) -> None:
    field, changes = FIELDS[what]
    event = customers.event(TYPE)
    for name, value in changes.items():
        if isinstance(value, list):
            getattr(event, name).extend(value)
        else:
            setattr(event, name, value)
    refusal = refused(lambda: customers.api.delivery.Publish(event), StatusCode.INVALID_ARGUMENT)
    assert any(path == field or path.startswith(f"{field}[") for path in refusal.fields), refusal.fields


def test_an_unknown_account_is_refused(customers: Supplier) -> None:
    event = customers.event(TYPE, account="nobody-knows-it")
    refusal = refused(
        lambda: customers.api.delivery.Publish(event), StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT
    )  # fmt: skip
    assert refusal.reason


def test_a_refused_key_can_be_used_again(supplier: Supplier) -> None:
    """A refusal is not an answer to be remembered."""
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    wrong = supplier.event(TYPE, context=[])
    refused(lambda: supplier.api.delivery.Publish(wrong), StatusCode.INVALID_ARGUMENT)
    response = supplier.publish(TYPE, idempotency_key=wrong.idempotency_key)
    assert response.event_id and not response.replayed
