"""Who may call what: keys and tokens that are wrong in every way that is known of old."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from google.protobuf import timestamp_pb2
from grpc import StatusCode

from harness import interface
from harness.credentials import BASE62, PortalSigner, base62, make_key, random_word
from harness.interface import v1
from harness.refusals import Refusal, refused
from harness.requests import Ids, requests
from harness.server import Carillon, Session
from harness.supplier import InboxWatch, Supplier
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
        "CatalogService.ListNotificationTypes": {"catalog", "read", "publish"},
        "CatalogService.GetNotificationType": {"catalog", "read", "publish"},
        "CatalogService.GetSettings": {"catalog", "read"},
        "PreferenceService.CheckPreference": {"check", "read", "preferences"},
        "PreferenceService.GetPreferences": {"preferences", "read"},
        "PreferenceService.UpdatePreferences": {"preferences"},
        "DeliveryService.Publish": {"publish"},
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


# Portal tokens


def unsigned(signer: PortalSigner, user: str) -> str:
    claims = signer.token(user).split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": signer.key_id}).encode()).rstrip(b"=").decode()
    return f"{header}.{claims}."


def signed_with_the_public_key(signer: PortalSigner, user: str) -> str:
    """The confusion of algorithms: HS256, keyed with what everybody may know."""
    pem = signer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "kid": signer.key_id, "typ": "JWT"}
    body = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=") + b"." + (
        signer.token(user).split(".")[1].encode()
    )
    signature = base64.urlsafe_b64encode(hmac.new(pem, body, hashlib.sha256).digest()).rstrip(b"=")
    return (body + b"." + signature).decode()


def with_claims_swapped(signer: PortalSigner, user: str) -> str:
    first, second = signer.token("mike").split("."), signer.token(user).split(".")
    return ".".join([first[0], second[1], first[2]])


HOUR = 3600
TOKENS: dict[str, Callable[[PortalSigner], str]] = {
    "expired": lambda signer: signer.token("dora", lifetime=-120),
    "valid for too long": lambda signer: signer.token("dora", lifetime=HOUR * 24),
    "without an end": lambda signer: signer.token("dora", exp=None),
    "from the future": lambda signer: signer.token("dora", nbf=int(time.time()) + HOUR),
    "for another audience": lambda signer: signer.token("dora", aud="other-portal"),
    "without an audience": lambda signer: signer.token("dora", aud=None),
    "with an empty list of audiences": lambda signer: signer.token("dora", aud=[]),
    "with an end that no calendar knows": lambda signer: signer.token("dora", exp=10**30),
    "with an extension that must be known": lambda signer: signer.token("dora", headers={"crit": ["x"], "x": 1}),
    "of an unknown tenant": lambda signer: signer.token("dora", iss="nobody99"),
    "without an issuer": lambda signer: signer.token("dora", iss=None),
    "without a user": lambda signer: signer.token("dora", sub=None),
    "with an empty user": lambda signer: signer.token(""),
    "with an unknown key": lambda signer: signer.token("dora", headers={"kid": "portal-2"}),
    "without a key's name": lambda signer: jwt.encode(
        {"iss": signer.tenant, "aud": signer.AUDIENCE, "sub": "dora", "exp": int(time.time()) + 60},
        signer.key, algorithm="ES256"),
    "signed by another key": lambda signer: PortalSigner(signer.tenant).token("dora"),
    "not signed": lambda signer: unsigned(signer, "dora"),
    "signed with the public key": lambda signer: signed_with_the_public_key(signer, "dora"),
    "with another token's claims": lambda signer: with_claims_swapped(signer, "dora"),
    "cut off": lambda signer: signer.token("dora")[:-3],
    "no token at all": lambda signer: "eyJ.eyJ.x",
}  # fmt: skip


@pytest.mark.parametrize("what", TOKENS)
def test_a_wrong_token_is_refused(supplier: Supplier, what: str) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    token = TOKENS[what](supplier.signer)
    session = supplier.server.session(token, supplier.channel)
    refused(lambda: session.inbox.ListInbox(v1.ListInboxRequest()), UNAUTHENTICATED)
    refused(lambda: session.inbox.WatchInbox(v1.WatchInboxRequest()), UNAUTHENTICATED)
    # The right one, for the same user at the same time.
    supplier.portal("dora").inbox.ListInbox(v1.ListInboxRequest())


SCOPES = {
    "nothing": (None, True, True),
    "both": ("inbox preferences", True, True),
    "the inbox": ("inbox", True, False),
    "preferences": ("preferences", False, True),
    "nothing that a portal may do": ("publish operator", False, False),
}


@pytest.mark.parametrize("what", SCOPES)
def test_a_token_is_for_its_scopes(supplier: Supplier, what: str) -> None:
    scope, opens_inbox, opens_preferences = SCOPES[what]
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    portal = supplier.portal("dora", scope=scope)
    for is_open, call in (
        (opens_inbox, lambda: portal.inbox.ListInbox(v1.ListInboxRequest())),
        (opens_preferences, lambda: portal.preferences.GetPreferences(v1.GetPreferencesRequest(user_id="dora"))),
    ):
        if is_open:
            call()
        else:
            assert refused(call, DENIED).reason == "SCOPE_MISSING"


def test_a_portal_key_is_rotated_in_mid_flight(supplier: Supplier) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    new = PortalSigner(supplier.id, "portal-2")
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)

    def register(*signers: PortalSigner) -> None:
        keys = [key for signer in signers for key in json.loads(signer.key_set)["keys"]]
        request = v1.SetPortalKeysRequest(tenant_id=supplier.id, portal_keys_json=json.dumps({"keys": keys}))
        operator.tenants.SetPortalKeys(request)

    def session(signer: PortalSigner) -> Session:
        return supplier.server.session(signer.token("dora"), supplier.channel)

    old_session, new_session = session(supplier.signer), session(new)
    old_session.inbox.GetCounts(v1.GetCountsRequest())
    refused(lambda: new_session.inbox.GetCounts(v1.GetCountsRequest()), UNAUTHENTICATED)
    register(supplier.signer, new)
    with InboxWatch(old_session) as ending, InboxWatch(new_session) as staying:
        register(new)
        eventually(lambda: ending.error, "the old key's stream ends")
        assert ending.error.code() == UNAUTHENTICATED
        refused(lambda: old_session.inbox.GetCounts(v1.GetCountsRequest()), UNAUTHENTICATED)
        new_session.inbox.GetCounts(v1.GetCountsRequest())
        assert staying.error is None


def test_a_token_for_an_unknown_user_shows_nothing(supplier: Supplier) -> None:
    session = supplier.portal("ghost")
    try:
        assert list(session.inbox.ListInbox(v1.ListInboxRequest()).items) == []
    except Exception as error:  # noqa: BLE001 - refusing is right as well
        assert error.code() in (StatusCode.NOT_FOUND, UNAUTHENTICATED, DENIED)


def test_replaced_portal_keys_end_the_old_tokens(supplier: Supplier) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    old = supplier.portal("dora")
    old.inbox.GetCounts(v1.GetCountsRequest())
    signer = PortalSigner(supplier.id, "portal-2")
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    request = v1.SetPortalKeysRequest(tenant_id=supplier.id, portal_keys_json=signer.key_set)
    answer = operator.tenants.SetPortalKeys(request)
    assert [(key.key_id, key.algorithm) for key in answer.portal_keys] == [("portal-2", "ES256")]

    def old_is_refused() -> bool:
        try:
            old.inbox.GetCounts(v1.GetCountsRequest())
        except Exception as error:  # noqa: BLE001
            return error.code() == UNAUTHENTICATED
        return False

    eventually(old_is_refused, "the old token is refused", within=65)
    new = supplier.server.session(signer.token("dora"), supplier.channel)
    new.inbox.GetCounts(v1.GetCountsRequest())


WRONG_KEY_SETS = {
    "no JSON": "keys",
    "a private key": json.dumps(
        {"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "alg": "ES256", "x": "AA", "y": "AA", "d": "AA"}]}
    ),
    "a symmetric key": json.dumps({"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "AAAA"}]}),
    "six keys": json.dumps({"keys": [json.loads(PortalSigner("x", f"k{n}").key_set)["keys"][0] for n in range(6)]}),
    "a short RSA key": json.dumps(
        {"keys": [{"kty": "RSA", "kid": "a", "n": base64.urlsafe_b64encode(b"\xff" * 128).decode(), "e": "AQAB"}]}
    ),
    "a curve that is not P-256": json.dumps(
        {"keys": [{"kty": "EC", "crv": "P-384", "kid": "a", "alg": "ES384", "x": "AA", "y": "AA"}]}
    ),
    "a key without a name": json.dumps(
        {"keys": [{k: v for k, v in json.loads(PortalSigner("x").key_set)["keys"][0].items() if k != "kid"}]}
    ),
}


@pytest.mark.parametrize("what", WRONG_KEY_SETS)
def test_a_wrong_key_set_is_refused(supplier: Supplier, what: str) -> None:
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    request = v1.SetPortalKeysRequest(tenant_id=supplier.id, portal_keys_json=WRONG_KEY_SETS[what])
    refusal = refused(lambda: operator.tenants.SetPortalKeys(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == ["portal_keys_json"]
    # What was registered before still holds.
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.portal("dora").inbox.GetCounts(v1.GetCountsRequest())
