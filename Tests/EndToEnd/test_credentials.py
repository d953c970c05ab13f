"""Who may call what: API keys that are wrong in every way that is known of old, and what good ones open."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf import timestamp_pb2
from grpc import StatusCode

from harness import interface
from harness.credentials import BASE62, base62, make_key, random_word
from harness.interface import v1
from harness.refusals import Refusal, refused
from harness.requests import Ids, requests
from harness.server import Carillon, Session
from harness.supplier import Supplier
from harness.waiting import eventually

UNAUTHENTICATED = StatusCode.UNAUTHENTICATED
DENIED = StatusCode.PERMISSION_DENIED


def list_accounts_users(session: Session) -> Any:
    return session.accounts.ListUsers(v1.ListUsersRequest())


def next_letter(letter: str) -> str:
    return BASE62[(BASE62.index(letter) + 1) % 62]


def with_secret_changed(key: str) -> str:
    """The same key with another secret, and with the checksum that fits."""
    body, _, _ = key.rpartition("_")
    body = body[:-1] + next_letter(body[-1])
    return f"{body}_{base62(zlib.crc32(body.encode()), 6)}"


WRONG_KEYS: dict[str, Callable[[str], str]] = {
    "unknown": lambda key: make_key("live"),
    "of another secret": with_secret_changed,
    "with a wrong checksum": lambda key: key[:-1] + next_letter(key[-1]),
    "cut off": lambda key: key[:-1],
    "with more behind": lambda key: key + "0",
    "empty": lambda key: "",
    "random": lambda key: random_word(60),
    "very long": lambda key: key * 50,
    "with another prefix": lambda key: key.replace("cr_live", "cr_test"),
}


@pytest.mark.parametrize("what", WRONG_KEYS)
def test_a_wrong_key_is_refused(supplier: Supplier, what: str) -> None:
    key = WRONG_KEYS[what](supplier.key)
    refusal = refused(lambda: list_accounts_users(supplier.server.session(key, supplier.channel)), UNAUTHENTICATED)
    if key:
        assert key not in refusal.message


def test_all_wrong_keys_are_answered_alike(supplier: Supplier) -> None:
    """Nobody learns which part of a key was right."""
    said = {
        refused(
            lambda key=key: list_accounts_users(supplier.server.session(key, supplier.channel)), UNAUTHENTICATED
        ).message
        for key in (make_key("live"), with_secret_changed(supplier.key))
    }
    assert len(said) == 1


AUTHORIZATIONS = {
    "none": [],
    "another scheme": [("authorization", "Basic {key}")],
    "no scheme": [("authorization", "{key}")],
    "twice": [("authorization", "Bearer {key}"), ("authorization", "Bearer {other}")],
    "in another field": [("x-api-key", "{key}")],
}


@pytest.mark.parametrize("what", AUTHORIZATIONS)
def test_the_key_must_come_as_a_bearer(supplier: Supplier, what: str) -> None:
    fields = [
        (name, value.format(key=supplier.key, other=make_key("live"))) for name, value in AUTHORIZATIONS[what]
    ]
    session = supplier.server.session(None, supplier.channel)
    refused(lambda: session.accounts.ListUsers(v1.ListUsersRequest(), metadata=fields), UNAUTHENTICATED)


def test_the_scheme_is_read_without_regard_to_case(supplier: Supplier) -> None:
    """RFC 9110 §11.1."""
    session = supplier.server.session(None, supplier.channel)
    session.accounts.ListUsers(v1.ListUsersRequest(), metadata=[("authorization", f"bearer {supplier.key}")])


def test_a_tenants_key_does_not_administer(supplier: Supplier) -> None:
    for call in (
        lambda: supplier.api.tenants.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)),
        lambda: supplier.api.tenants.ListTenants(v1.ListTenantsRequest()),
        lambda: supplier.api.tenants.CreateTenant(supplier.request),
        lambda: supplier.api.tenants.CreateApiKey(v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="x")),
        lambda: supplier.api.tenants.SetPortalKeys(v1.SetPortalKeysRequest(tenant_id=supplier.id)),
    ):
        refused(call, DENIED)


def test_a_wrong_operator_key_is_refused(server: Carillon) -> None:
    for key in (make_key("adm"), with_secret_changed(server.secrets.operator_key)):
        session = server.session(key)
        refused(lambda session=session: session.tenants.ListTenants(v1.ListTenantsRequest()), UNAUTHENTICATED)


def test_the_operators_key_is_no_tenants_key(supplier: Supplier) -> None:
    """Without naming a tenant, and named in a body only, an operator speaks for nobody."""
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    refused(lambda: list_accounts_users(operator), DENIED, UNAUTHENTICATED)
    refused(lambda: operator.inbox.ListInbox(v1.ListInboxRequest()), DENIED, UNAUTHENTICATED)


def test_a_tenants_key_opens_no_inbox(supplier: Supplier) -> None:
    refused(lambda: supplier.api.inbox.ListInbox(v1.ListInboxRequest()), DENIED, UNAUTHENTICATED)
    refused(lambda: supplier.api.inbox.WatchInbox(v1.WatchInboxRequest()), DENIED, UNAUTHENTICATED)


def test_a_portal_token_opens_the_inbox_only(supplier: Supplier) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    portal = supplier.portal("dora")
    portal.inbox.GetCounts(v1.GetCountsRequest())
    for call in (
        lambda: list_accounts_users(portal),
        lambda: portal.delivery.ListNotifications(v1.ListNotificationsRequest()),
        lambda: portal.channels.ListProviders(v1.ListProvidersRequest()),
        lambda: portal.tenants.ListTenants(v1.ListTenantsRequest()),
    ):
        refused(call, DENIED, UNAUTHENTICATED)


def test_a_further_key_works_and_expires(supplier: Supplier) -> None:
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    request = v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="short")
    request.expire_time.CopyFrom(timestamp_pb2.Timestamp(seconds=int(time.time()) + 3))
    made = operator.tenants.CreateApiKey(request)
    supplier.server.issued_keys.append(made.secret)
    session = supplier.server.session(made.secret, supplier.channel)
    list_accounts_users(session)
    assert made.api_key.key_id in made.secret and made.api_key.key_id != supplier.created.api_key.key_id

    def is_refused() -> bool:
        try:
            list_accounts_users(session)
        except Exception as error:  # noqa: BLE001 - any refusal; its code is looked at next
            return error.code() == UNAUTHENTICATED
        return False

    eventually(is_refused, "the key expires", within=15)
    list_accounts_users(supplier.api)


def test_every_method_holds_to_the_scopes_of_its_caller(supplier: Supplier) -> None:
    """A key without any of a method's scopes is refused by all methods and for that reason only."""
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    nothing = "0190a3b4-c5d6-7e8f-9a0b-1c2d3e4f5a6b"
    ids = Ids(supplier.id, "acme", "dora", nothing, nothing, "relay", "0123456789")
    allowed: dict[str, set[str]] = {}
    for word in ("publish", "check", "read", "accounts", "preferences", "catalog", "providers"):
        scope = v1.AccessScope.Value(f"ACCESS_SCOPE_{word.upper()}")
        request = v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name=word, scopes=[scope])
        made = operator.tenants.CreateApiKey(request)
        supplier.server.issued_keys.append(made.secret)
        for one in requests(ids, supplier, "acme", "dora"):
            if one.method.containing_service.name in ("Health", "TenantService", "InboxService"):
                continue
            fields = [("authorization", f"Bearer {made.secret}")]
            try:
                encoded = one.message.SerializeToString()
                interface.call(supplier.channel, one.method, encoded, timeout=10, metadata=fields)
                is_allowed = True
            except grpc.RpcError as error:
                refusal = Refusal(error)
                is_allowed = refusal.code != DENIED
                assert is_allowed or refusal.reason == "SCOPE_MISSING", refusal
            method = f"{one.method.containing_service.name}.{one.method.name}"
            if is_allowed:
                allowed.setdefault(method, set()).add(word)
    assert allowed == {
        "AccountService.UpsertAccount": {"accounts"},
        "AccountService.GetAccount": {"accounts", "read"},
        "AccountService.UpsertUser": {"accounts"},
        "AccountService.ListUsers": {"accounts", "read"},
        "AccountService.SetDefaultUser": {"accounts"},
        "AccountService.UpsertTeam": {"accounts"},
        "AccountService.GetTeam": {"accounts", "read"},
        "AccountService.ListSuppressions": {"accounts", "read"},
        "AccountService.RemoveSuppression": {"accounts"},
        "CatalogService.ListNotificationTypes": {"catalog", "read", "publish"},
        "CatalogService.GetNotificationType": {"catalog", "read", "publish"},
        "CatalogService.GetSettings": {"catalog", "read"},
        "CatalogService.GetFrequencyCaps": {"catalog", "read"},
        "CatalogService.UpdateFrequencyCaps": {"catalog"},
        "PreferenceService.CheckPreference": {"check", "read", "preferences"},
        "PreferenceService.BatchCheckPreferences": {"check", "read", "preferences"},
        "PreferenceService.StreamPreferenceChecks": {"check", "read", "preferences"},
        "PreferenceService.GetPreferences": {"preferences", "read"},
        "PreferenceService.ExplainDecision": {"preferences", "read"},
        "PreferenceService.UpdatePreferences": {"preferences"},
        "PreferenceService.RedeemUnsubscribe": {"preferences"},
        "PreferenceService.ConfirmContactPoint": {"preferences"},
        "PreferenceService.SendConfirmation": {"preferences"},
        "PreferenceService.ImportPreferences": {"preferences"},
        "PreferenceService.ExportPreferences": {"preferences", "read"},
        "DeliveryService.Publish": {"publish"},
        "DeliveryService.CancelEvent": {"publish"},
        "DeliveryService.ReportProviderEvents": {"publish"},
        "DeliveryService.GetNotification": {"read"},
        "DeliveryService.ListNotifications": {"read"},
        "ChannelService.PutProvider": {"providers"},
        "ChannelService.ListProviders": {"providers", "read"},
    }


def test_a_key_is_rotated_without_a_gap(supplier: Supplier) -> None:
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    made = operator.tenants.CreateApiKey(v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="next"))
    supplier.server.issued_keys.append(made.secret)
    new = supplier.server.session(made.secret, supplier.channel)
    for session in (supplier.api, new, supplier.api):
        list_accounts_users(session)
    revocation = v1.RevokeApiKeyRequest(tenant_id=supplier.id, key_id=supplier.created.api_key.key_id)
    revoked = operator.tenants.RevokeApiKey(revocation).api_key
    assert revoked.HasField("revoke_time") and operator.tenants.RevokeApiKey(revocation).api_key == revoked
    refused(lambda: list_accounts_users(supplier.api), UNAUTHENTICATED)
    list_accounts_users(new)
    listed = operator.tenants.ListApiKeys(v1.ListApiKeysRequest(tenant_id=supplier.id)).api_keys
    assert {key.key_id: key.HasField("revoke_time") for key in listed} == {
        revoked.key_id: True, made.api_key.key_id: False,
    }  # fmt: skip
    assert all(made.secret not in str(key) and key.last_four for key in listed)


def test_many_wrong_keys_are_slowed_and_good_ones_are_not(make_server: Callable[..., Carillon]) -> None:
    server = make_server(flags=["--loops", "1"]).start()
    good = Supplier(server)
    list_accounts_users(good.api)
    wrong = server.session(make_key("live"))
    codes = []
    for _ in range(2000):
        refusal = refused(lambda: list_accounts_users(wrong), UNAUTHENTICATED, StatusCode.RESOURCE_EXHAUSTED)
        codes.append(refusal.code)
        if refusal.code == StatusCode.RESOURCE_EXHAUSTED:
            assert refusal.reason == "TOO_MANY_FAILURES" and refusal.retry_delay == 10
            assert refusal.pushback == "10000"
            break
    assert codes[-1] == StatusCode.RESOURCE_EXHAUSTED and len(codes) > 300
    for _ in range(20):
        list_accounts_users(good.api)
    list_accounts_users(server.session(good.key))
