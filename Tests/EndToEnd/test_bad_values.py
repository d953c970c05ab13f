"""Values that are wrong in themselves, in every text of every request: refused with the field's path, and nothing of
the request is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc import StatusCode

from harness import interface
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import Refusal, refused
from harness.requests import Ids, Request, requests
from harness.server import Carillon
from harness.supplier import Supplier

NUL = "no\0thing"

# Texts that only the service writes: what a client puts there is passed over.
WRITTEN_BY_THE_SERVICE = {
    "tenant.etag", "tenant.database", "tenant.moving_to", "account.default_user_id", "service_identity.created_by",
}  # fmt: skip
# Comparing is all that is done with these, so a wrong one is one that does not match.
COMPARED = {"etag"}


@pytest.fixture(scope="module")
def customers(server: Carillon, channel: grpc.Channel, mail_server: MailServer) -> Iterator[Supplier]:
    supplier = Supplier(server, channel, name="values")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    rows = server.database.fingerprint(supplier.schema, frozenset({"queue_owner"}))
    yield supplier
    assert server.database.fingerprint(supplier.schema, frozenset({"queue_owner"})) == rows, "something was stored"


def texts(message: Message, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every place for a text in a message, with a function that puts one there."""
    chosen = {group.name: message.WhichOneof(group.name) for group in message.DESCRIPTOR.oneofs}
    for field in message.DESCRIPTOR.fields:
        place = f"{path}{field.name}"
        group = field.containing_oneof
        if group is not None and chosen[group.name] not in (field.name, None):
            continue
        if field.type == field.TYPE_STRING and not field.is_repeated:
            if group is None or chosen[group.name] == field.name:
                yield place, lambda text, name=field.name: setattr(message, name, text)
        elif field.type == field.TYPE_STRING:
            values = getattr(message, field.name)
            yield f"{place}[{len(values)}]", values.append
        elif field.type == field.TYPE_MESSAGE and field.is_repeated:
            for index, item in enumerate(getattr(message, field.name)):
                yield from texts(item, f"{place}[{index}].")
        elif field.type == field.TYPE_MESSAGE and message.HasField(field.name):
            yield from texts(getattr(message, field.name), f"{place}.")


def send(supplier: Supplier, request: Request) -> Refusal | RefusedItem | None:
    service = request.method.containing_service.name
    tokens = {"TenantService": supplier.server.secrets.operator_key, "InboxService": supplier.signer.token("dora")}
    fields = [("authorization", f"Bearer {tokens.get(service, supplier.key)}")]
    try:
        answers = interface.call(
            supplier.channel, request.method, request.message.SerializeToString(), timeout=10, metadata=fields
        )
    except grpc.RpcError as error:
        return Refusal(error)
    # Of several checks, or events, each is refused alone.
    results = [one for answer in answers for one in getattr(answer, "results", ())]
    several = next((field.name for field in request.message.DESCRIPTOR.fields if field.is_repeated), "")
    return next((RefusedItem(one.error, several) for one in results if one.HasField("error")), None)


class RefusedItem:
    """What a refusal is of one of several things that were asked for in one call."""

    def __init__(self, error: Any, several: str) -> None:
        self.code = next(code for code in StatusCode if code.value[0] == error.code)
        self.fields = {f"{several}[0].{field}": error.message for field in error.fields}


def own_requests(supplier: Supplier) -> list[Request]:
    """One request for each unary method that has texts, about things that are there."""
    nothing = "0190a3b4-c5d6-7e8f-9a0b-1c2d3e4f5a6b"
    ids = Ids(supplier.id, "acme", "dora", nothing, nothing, "relay", "0123456789", page_token="AAAA")
    found = requests(ids, supplier, "acme", "dora")
    return [one for one in found if one.what == "" and one.method.containing_service.file.package == "carillon.v1"
            if not one.method.server_streaming]  # fmt: skip


def test_nul_is_refused_in_every_text(customers: Supplier) -> None:
    wrong, looked_at = [], 0
    for number in range(len(own_requests(customers))):
        places = [place for place, _ in texts(own_requests(customers)[number].message)]
        for index, place in enumerate(places):
            if place in WRITTEN_BY_THE_SERVICE:
                continue
            request = own_requests(customers)[number]
            list(texts(request.message))[index][1](NUL)
            refusal = send(customers, request)
            looked_at += 1
            if refusal is None:
                wrong.append(f"{request.name} took NUL in {place}")
            elif place.rpartition(".")[2] in COMPARED:
                if refusal.code not in (StatusCode.INVALID_ARGUMENT, StatusCode.ABORTED):
                    wrong.append(f"{request.name} {place}: {refusal}")
            elif refusal.code != StatusCode.INVALID_ARGUMENT:
                wrong.append(f"{request.name} {place}: {refusal}")
            elif not names(refusal, place):
                wrong.append(f"{request.name} {place}: named are {list(refusal.fields)}")
    assert looked_at > 60, looked_at
    assert not wrong, "\n".join(wrong)


def names(refusal: Refusal | RefusedItem, place: str) -> bool:
    """Whether the refusal names the field or, for what is in a list or a oneof, what it is in."""
    said = set(refusal.fields)
    if place in said or place.partition("[")[0] in said or place.rpartition(".")[0] in said:
        return True
    return any(path.startswith(place.partition("[")[0]) for path in said)


ACCOUNT_IDS = ["", "a b", "a/b", "ä", "a" * 65, "a\n", "'; DROP TABLE x; --", "..\u2215"]


@pytest.mark.parametrize("identifier", ACCOUNT_IDS, ids=repr)
def test_an_id_of_wrong_form_is_refused(customers: Supplier, identifier: str) -> None:
    def account() -> Any:
        return customers.api.accounts.UpsertAccount(
            v1.UpsertAccountRequest(account=v1.Account(account_id=identifier, display_name="A"))
        )

    def user() -> Any:
        return customers.api.accounts.UpsertUser(
            v1.UpsertUserRequest(user=v1.User(user_id=identifier, account_id="acme", display_name="A"))
        )

    assert list(refused(account, StatusCode.INVALID_ARGUMENT).fields) == ["account.account_id"]
    assert list(refused(user, StatusCode.INVALID_ARGUMENT).fields) == ["user.user_id"]


TENANTS = {
    "no id": ("tenant.tenant_id", {"tenant_id": ""}),
    "capitals": ("tenant.tenant_id", {"tenant_id": "Acme"}),
    "a digit first": ("tenant.tenant_id", {"tenant_id": "1acme"}),
    "too short": ("tenant.tenant_id", {"tenant_id": "ab"}),
    "too long": ("tenant.tenant_id", {"tenant_id": "a" * 26}),
    "SQL": ("tenant.tenant_id", {"tenant_id": "a\"; drop schema carillon"}),
    "no name": ("tenant.display_name", {"display_name": ""}),
    "a name of two lines": ("tenant.display_name", {"display_name": "A\nB"}),
    "no portal": ("tenant.portal_url", {"portal_url": ""}),
    "a portal that is no address": ("tenant.portal_url", {"portal_url": "portal"}),
    "a portal that runs": ("tenant.portal_url", {"portal_url": "javascript:alert(1)"}),
    "an unknown time zone": ("tenant.time_zone", {"time_zone": "Europe/Atlantis"}),
    "a locale that is none": ("tenant.locale", {"locale": "no such_locale"}),
}


@pytest.mark.parametrize("what", TENANTS)
def test_a_wrong_tenant_is_refused(server: Carillon, what: str) -> None:
    field, changes = TENANTS[what]
    usual = {"tenant_id": "wrongone", "display_name": "Wrong", "portal_url": "https://portal.wrong.example"}
    request = v1.CreateTenantRequest(tenant=v1.Tenant(**{**usual, **changes}))
    refusal = refused(lambda: server.operator().tenants.CreateTenant(request), StatusCode.INVALID_ARGUMENT)
    assert list(refusal.fields) == [field]
    refused(
        lambda: server.operator().tenants.GetTenant(v1.GetTenantRequest(tenant_id="wrongone")), StatusCode.NOT_FOUND
    )
    schemas = "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 't_wrongone'"
    assert server.database.execute(schemas) == "0"


def test_an_unknown_tenant_is_not_found(server: Carillon) -> None:
    tenants = server.operator().tenants
    for call in (
        lambda: tenants.GetTenant(v1.GetTenantRequest(tenant_id="nobody99")),
        lambda: tenants.CreateApiKey(v1.CreateApiKeyRequest(tenant_id="nobody99", display_name="x")),
        lambda: tenants.ListApiKeys(v1.ListApiKeysRequest(tenant_id="nobody99")),
        lambda: tenants.RevokeApiKey(v1.RevokeApiKeyRequest(tenant_id="nobody99", key_id="0123456789")),
        lambda: tenants.SetPortalKeys(v1.SetPortalKeysRequest(tenant_id="nobody99", portal_keys_json='{"keys":[]}')),
    ):
        refusal = refused(call, StatusCode.NOT_FOUND)
        assert refusal.reason


USERS = {
    "no account that is there": ({StatusCode.NOT_FOUND}, None, {"account_id": "nowhere"}),
    "an address that is none": ({StatusCode.INVALID_ARGUMENT}, "user.email", {"email": "not an address"}),
    "an address with a line break": ({StatusCode.INVALID_ARGUMENT}, "user.email", {"email": "a@b.example\nBcc: c@d"}),
    "two addresses": ({StatusCode.INVALID_ARGUMENT}, "user.email", {"email": "a@b.example, c@d.example"}),
    "a number that is none": ({StatusCode.INVALID_ARGUMENT}, "user.phone", {"phone": "0301234"}),
    "an unknown time zone": ({StatusCode.INVALID_ARGUMENT}, "user.time_zone", {"time_zone": "Mars/Base"}),
    "an unknown state": ({StatusCode.INVALID_ARGUMENT}, "user.state", {"state": 77}),
    "an unknown role": ({StatusCode.INVALID_ARGUMENT}, "user.role", {"role": 77}),
}


@pytest.mark.parametrize("what", USERS)
def test_a_wrong_user_is_refused(customers: Supplier, what: str) -> None:
    codes, field, changes = USERS[what]
    usual = {"user_id": "new", "account_id": "acme", "display_name": "New"}
    request = v1.UpsertUserRequest(user=v1.User(**{**usual, **changes}))
    refusal = refused(lambda: customers.api.accounts.UpsertUser(request), *codes)
    if field:
        assert list(refusal.fields) == [field]


def test_a_stale_etag_aborts(supplier: Supplier) -> None:
    first = supplier.add_account("acme")
    second = supplier.add_account("acme", display_name="Other")
    assert first.etag != second.etag
    stale = v1.Account(account_id="acme", display_name="Third", etag=first.etag)
    refused(
        lambda: supplier.api.accounts.UpsertAccount(v1.UpsertAccountRequest(account=stale)), StatusCode.ABORTED
    )
    stored = supplier.api.accounts.GetAccount(v1.GetAccountRequest(account_id="acme")).account
    assert stored.display_name == "Other"


CHOICES = {
    "an unknown type": {"notification_type": "invoice.eaten", "choice": 1},
    "an unknown category": {"category": "Unknown", "choice": 1},
    "no scope": {"choice": 1},
    "all, but false": {"all": False, "choice": 1},
    "no choice": {"notification_type": "invoice.created"},
    "an unknown choice": {"notification_type": "invoice.created", "choice": 9},
    "an unknown channel": {"notification_type": "invoice.created", "choice": 1, "channel": 9},
    "an unknown audience": {"notification_type": "invoice.created", "choice": 1, "audience": 9},
}


@pytest.mark.parametrize("what", CHOICES)
def test_a_wrong_choice_is_refused_with_all_others(customers: Supplier, what: str) -> None:
    right = v1.PreferenceChoice(notification_type="invoice.updated", choice=v1.CHOICE_OFF)
    request = v1.UpdatePreferencesRequest(user_id="dora", choices=[right, v1.PreferenceChoice(**CHOICES[what])])
    refusal = refused(lambda: customers.api.preferences.UpdatePreferences(request), StatusCode.INVALID_ARGUMENT)
    assert any(path.startswith("choices[1]") for path in refusal.fields), refusal.fields
    stored = customers.api.preferences.GetPreferences(v1.GetPreferencesRequest(user_id="dora")).choices
    assert list(stored) == []


def test_a_thousand_wrong_choices_are_refused_within_the_limits_of_trailers(customers: Supplier) -> None:
    choices = [v1.PreferenceChoice(notification_type=f"invoice.eaten_{number}", choice=1) for number in range(1000)]
    request = v1.UpdatePreferencesRequest(user_id="dora", choices=choices)
    refusal = refused(lambda: customers.api.preferences.UpdatePreferences(request), StatusCode.INVALID_ARGUMENT)
    assert "999 more" in refusal.message
    assert 10 < len(refusal.fields) < 1000
    assert all(path.startswith("choices[") for path in refusal.fields), refusal.fields
