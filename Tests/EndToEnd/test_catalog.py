"""The catalog that every tenant starts with, as far as the other tests build on it."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.refusals import refused
from harness.supplier import Supplier

TYPES = 358

# Type: its channels, and the preset of the customers.
USED = {
    "payment_method.card_auto_updated": ("EMAIL IN_APP", "ENABLED_SUBSCRIBED"),
    "payment_method.default_changed": ("EMAIL IN_APP", "ENABLED_SUBSCRIBED"),
    "comment.added": ("EMAIL IN_APP", "ENABLED_SUBSCRIBED"),
    "payment.processing": ("EMAIL IN_APP", "ENABLED"),
    "balance.overdue": ("EMAIL IN_APP", "MANDATORY_ONE"),
    "invoice.created": ("EMAIL IN_APP", "MANDATORY_ONE"),
    "consent.terms_updated": ("EMAIL IN_APP", "MANDATORY_ALL"),
    "quote.expired": ("EMAIL IN_APP", "DISABLED"),
    "invoice.recurring_upcoming": ("EMAIL", "DISABLED"),
}


def test_all_types_are_listed_once_and_in_order(supplier: Supplier) -> None:
    keys, token = [], ""
    while True:
        request = v1.ListNotificationTypesRequest(page_size=100, page_token=token)
        page = supplier.api.catalog.ListNotificationTypes(request)
        assert len(page.notification_types) <= 100
        keys += [one.notification_type for one in page.notification_types]
        token = page.next_page_token
        if not token:
            break
    assert len(keys) == TYPES
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("key", USED)
def test_a_type_is_what_the_tests_take_it_for(supplier: Supplier, key: str) -> None:
    channels, preset = USED[key]
    one = supplier.api.catalog.GetNotificationType(v1.GetNotificationTypeRequest(notification_type=key))
    names = [v1.Channel.Name(channel).removeprefix("CHANNEL_") for channel in one.notification_type.channels]
    assert names == channels.split()
    request = v1.GetSettingsRequest(notification_type=key, audience=v1.AUDIENCE_CUSTOMER)
    (setting,) = supplier.api.catalog.GetSettings(request).settings
    assert v1.Preset.Name(setting.preset) == f"PRESET_{preset}"
    assert setting.source == v1.SETTING_SOURCE_CATALOG


def test_filters_narrow_the_list(supplier: Supplier) -> None:
    request = v1.ListNotificationTypesRequest(
        category="Invoices", kind=v1.NOTIFICATION_KIND_REMINDER, audience=v1.AUDIENCE_CUSTOMER, page_size=1000
    )
    found = supplier.api.catalog.ListNotificationTypes(request).notification_types
    assert "invoice.due_soon" in [one.notification_type for one in found]
    for one in found:
        assert (one.category, one.kind) == ("Invoices", v1.NOTIFICATION_KIND_REMINDER)
        assert v1.AUDIENCE_CUSTOMER in one.audiences


def test_an_unknown_type_is_not_found(supplier: Supplier) -> None:
    request = v1.GetNotificationTypeRequest(notification_type="invoice.eaten")
    refused(lambda: supplier.api.catalog.GetNotificationType(request), StatusCode.NOT_FOUND)


def test_a_negative_page_size_is_refused_and_named(supplier: Supplier) -> None:
    request = v1.ListNotificationTypesRequest(page_size=-1)
    refusal = refused(lambda: supplier.api.catalog.ListNotificationTypes(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == ["page_size"]


def test_a_foreign_page_token_is_refused_and_named(supplier: Supplier) -> None:
    request = v1.ListNotificationTypesRequest(page_token="not-a-token")
    refusal = refused(lambda: supplier.api.catalog.ListNotificationTypes(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == ["page_token"]
