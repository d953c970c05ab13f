"""Portal tokens and the keys that sign them: wrong in every way that is known of old, taken back, and taken over."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from grpc import StatusCode

from harness.credentials import PortalSigner
from harness.interface import v1
from harness.refusals import refused
from harness.server import Session
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

UNAUTHENTICATED = StatusCode.UNAUTHENTICATED
DENIED = StatusCode.PERMISSION_DENIED


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
