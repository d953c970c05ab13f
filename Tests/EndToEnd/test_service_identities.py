"""Internal services: known by the SPIFFE id of their certificate, for the tenants and scopes that an operator gave them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from harness.certificates import Authority, Certificate
from harness.interface import v1
from harness.refusals import Refusal, refused
from harness.server import Carillon, Session
from harness.supplier import Supplier

UNAUTHENTICATED = StatusCode.UNAUTHENTICATED
DENIED = StatusCode.PERMISSION_DENIED
INVALID = StatusCode.INVALID_ARGUMENT
NUMBERS = itertools.count(1)


@dataclass
class Service:
    """One service with its certificate and a connection of its own."""

    server: Carillon
    spiffe: str
    session: Session

    def register(self, *scopes: int, tenants: tuple[str, ...] = (), everywhere: bool = False, etag: str = "") -> Any:
        identity = v1.ServiceIdentity(
            spiffe_id=self.spiffe, display_name="Billing", scopes=scopes, tenant_ids=tenants, all_tenants=everywhere,
            etag=etag,
        )  # fmt: skip
        request = v1.PutServiceIdentityRequest(service_identity=identity)
        return self.server.operator().tenants.PutServiceIdentity(request)

    def delete(self, etag: str = "") -> Any:
        request = v1.DeleteServiceIdentityRequest(spiffe_id=self.spiffe, etag=etag)
        return self.server.operator().tenants.DeleteServiceIdentity(request)

    def users(self, *tenants: str) -> Any:
        fields = [("carillon-tenant", tenant) for tenant in tenants]
        return self.session.accounts.ListUsers(v1.ListUsersRequest(), metadata=fields).users


@pytest.fixture
def service(server: Carillon, clients: Authority) -> Service:
    spiffe = f"spiffe://portal.example/ns/test/sa/s{next(NUMBERS)}"
    certificate = clients.issue_client(f"service{next(NUMBERS)}", spiffe)
    return Service(server, spiffe, server.session(None, server.channel(certificate=certificate)))


@pytest.fixture
def other(make_supplier: Callable[..., Supplier]) -> Supplier:
    return make_supplier()


def test_a_certificate_alone_is_nobody(service: Service, supplier: Supplier) -> None:
    for call in (lambda: service.users(), lambda: service.users(supplier.id), lambda: service.users("nobody99")):
        assert refused(call, UNAUTHENTICATED).reason == "CREDENTIALS_INVALID"
    refused(lambda: service.session.tenants.ListTenants(v1.ListTenantsRequest()), UNAUTHENTICATED)


def test_a_service_of_one_tenant_need_not_name_it(service: Service, supplier: Supplier, other: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_TENANT, tenants=(supplier.id,))
    supplier.add_user("dora")
    for tenants in ((), (supplier.id,)):
        assert [user.user_id for user in service.users(*tenants)] == ["dora"]
    foreign, unknown = (refused(lambda tenant=tenant: service.users(tenant), DENIED) for tenant in (other.id, "nobody99"))
    assert foreign.reason == unknown.reason == "TENANT_NOT_ALLOWED" and foreign.message == unknown.message
    for tenants in ((supplier.id, supplier.id), (supplier.id, other.id), ("",), ("Not An Id",)):
        assert refused(lambda tenants=tenants: service.users(*tenants), DENIED).reason == "TENANT_NOT_ALLOWED"


def test_a_service_of_several_tenants_names_one(service: Service, supplier: Supplier, other: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_TENANT, tenants=(supplier.id, other.id))
    supplier.add_user("dora")
    assert refused(lambda: service.users(), INVALID).reason == "TENANT_REQUIRED"
    for _ in range(2):
        assert [user.user_id for user in service.users(supplier.id)] == ["dora"]
        assert list(service.users(other.id)) == []
    third = refused(lambda: service.users("nobody99"), DENIED)
    assert third.reason == "TENANT_NOT_ALLOWED"


def test_a_service_of_all_tenants(service: Service, supplier: Supplier, other: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_ACCOUNTS, everywhere=True)
    assert refused(lambda: service.users(), INVALID).reason == "TENANT_REQUIRED"
    assert list(service.users(supplier.id)) == list(service.users(other.id)) == []
    assert refused(lambda: service.users("nobody99"), DENIED).reason == "TENANT_NOT_ALLOWED"


def test_a_service_has_the_scopes_that_it_was_given(service: Service, supplier: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_READ, tenants=(supplier.id,))
    service.users()
    account = v1.UpsertAccountRequest(account=v1.Account(account_id="acme", display_name="Acme"))
    refusal = refused(lambda: service.session.accounts.UpsertAccount(account), DENIED)
    assert refusal.reason == "SCOPE_MISSING" and "accounts" in refusal.message
    service.register(v1.ACCESS_SCOPE_ACCOUNTS, tenants=(supplier.id,))
    # The process that took the change obeys it at once.
    service.session.accounts.UpsertAccount(account)
    refusal = refused(lambda: service.session.tenants.ListTenants(v1.ListTenantsRequest()), DENIED)
    assert refusal.reason == "SCOPE_MISSING" and "operator" in refusal.message
    assert refused(lambda: service.session.inbox.GetCounts(v1.GetCountsRequest()), DENIED).reason


def test_a_service_may_be_an_operator(service: Service, supplier: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_OPERATOR)
    get = v1.GetTenantRequest(tenant_id=supplier.id)
    assert service.session.tenants.GetTenant(get).tenant.tenant_id == supplier.id
    named = [("carillon-tenant", supplier.id)]
    refusal = refused(lambda: service.session.tenants.GetTenant(get, metadata=named), DENIED)
    assert refusal.reason == "TENANT_NOT_ALLOWED"
    refused(lambda: service.users(supplier.id), DENIED)
    made = service.session.tenants.CreateApiKey(v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="x"))
    service.server.issued_keys.append(made.secret)
    assert made.api_key.created_by == f"service/{service.spiffe}"


def test_what_a_service_does_carries_its_name(service: Service, supplier: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_PROVIDERS, tenants=(supplier.id,))
    smtp = v1.SmtpSettings(host="relay.example", from_address="a@relay.example")
    provider = v1.Provider(provider_id="spare", channel=v1.CHANNEL_EMAIL, priority=5, disabled=True, smtp=smtp)
    service.session.channels.PutProvider(v1.PutProviderRequest(provider=provider))
    query = f"SELECT actor FROM {supplier.schema}.audit WHERE object = 'provider/spare'"
    assert service.server.database.execute(query) == f"service/{service.spiffe}"


def test_a_service_that_is_taken_off_is_refused_at_once(service: Service, supplier: Supplier) -> None:
    made = service.register(v1.ACCESS_SCOPE_TENANT, tenants=(supplier.id,)).service_identity
    service.users()
    refused(lambda: service.delete(etag="77"), StatusCode.ABORTED)
    service.users()
    service.delete(etag=made.etag)
    refused(lambda: service.users(), UNAUTHENTICATED)
    assert refused(lambda: service.delete(), StatusCode.NOT_FOUND).reason == "SERVICE_IDENTITY_NOT_FOUND"


def test_a_key_on_a_services_connection_is_what_counts(service: Service, supplier: Supplier, other: Supplier) -> None:
    service.register(v1.ACCESS_SCOPE_TENANT, everywhere=True)
    supplier.add_user("dora")
    own = [("authorization", f"Bearer {supplier.key}")]

    def users(*fields: tuple[str, str]) -> list[str]:
        answer = service.session.accounts.ListUsers(v1.ListUsersRequest(), metadata=[*own, *fields])
        return [user.user_id for user in answer.users]

    assert users() == users(("carillon-tenant", supplier.id)) == ["dora"]
    assert list(service.users(other.id)) == []
    assert refused(lambda: users(("carillon-tenant", other.id)), DENIED).reason == "TENANT_NOT_ALLOWED"
    twice = [*own, *own]
    refused(lambda: service.session.accounts.ListUsers(v1.ListUsersRequest(), metadata=twice), UNAUTHENTICATED)


# Certificates that never get as far as a call (row 40 of the list of faults).
Maker = Callable[[Authority, Authority, str], Certificate]
WRONG_CERTIFICATES: dict[str, Maker] = {
    "two URIs": lambda clients, _, spiffe: clients.issue_client("two", spiffe, "spiffe://portal.example/other"),
    "no URI": lambda clients, _, spiffe: clients.issue_client("none"),
    "a URI that is no SPIFFE id": lambda clients, _, spiffe: clients.issue_client("web", "https://portal.example/a"),
    "expired": lambda clients, _, spiffe: clients.issue_client("late", spiffe, expired=True),
    "of a stranger": lambda _, stranger, spiffe: stranger.issue_client("stranger", spiffe),
}


@pytest.mark.parametrize("what", WRONG_CERTIFICATES)
def test_a_wrong_certificate_ends_the_handshake(
    service: Service, supplier: Supplier, clients: Authority, tmp_path: Path, what: str
) -> None:
    service.register(v1.ACCESS_SCOPE_TENANT, tenants=(supplier.id,))
    service.users()
    certificate = WRONG_CERTIFICATES[what](clients, Authority(tmp_path / "stranger"), service.spiffe)
    channel = service.server.channel(certificate=certificate)
    session = service.server.session(None, channel)
    error = refused_connection(lambda: session.accounts.ListUsers(v1.ListUsersRequest(), timeout=15))
    assert error.code == StatusCode.UNAVAILABLE, error
    channel.close()


def refused_connection(call: Callable[[], Any]) -> Refusal:
    try:
        call()
    except grpc.RpcError as error:
        return Refusal(error)
    raise AssertionError("the handshake went through")


@pytest.mark.parametrize(
    "other_id",
    ["spiffe://other.example/ns/test/sa/s1", "spiffe://portal.example/ns/test/sa/s1x", "spiffe://portal.example/ns/test"],
    ids=["of another trust domain", "of a longer path", "of a shorter path"],
)
def test_another_id_of_the_same_authority_is_nobody(
    server: Carillon, clients: Authority, service: Service, supplier: Supplier, other_id: str
) -> None:
    service.register(v1.ACCESS_SCOPE_TENANT, tenants=(supplier.id,))
    certificate = clients.issue_client(f"service{next(NUMBERS)}", other_id)
    session = server.session(None, server.channel(certificate=certificate))
    refused(lambda: session.accounts.ListUsers(v1.ListUsersRequest()), UNAUTHENTICATED)


WRONG_IDENTITIES: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"spiffe_id": ""}, "spiffe_id"),
    "no SPIFFE id": ({"spiffe_id": "https://portal.example/a"}, "spiffe_id"),
    "capitals in the trust domain": ({"spiffe_id": "spiffe://Portal.example/a"}, "spiffe_id"),
    "an empty segment": ({"spiffe_id": "spiffe://portal.example//a"}, "spiffe_id"),
    "no path": ({"spiffe_id": "spiffe://portal.example"}, "spiffe_id"),
    "no name": ({"display_name": ""}, "display_name"),
    "no scope": ({"scopes": []}, "scopes"),
    "an inbox": ({"scopes": [v for v in (9,)]}, "scopes[0]"),
    "an unknown scope": ({"scopes": [99]}, "scopes[0]"),
    "no tenant": ({"tenant_ids": []}, "tenant_ids"),
    "a tenant that is none": ({"tenant_ids": ["Not An Id"]}, "tenant_ids[0]"),
    "all tenants and one": ({"all_tenants": True}, "tenant_ids"),
    "too many tenants": ({"tenant_ids": [f"tenant{n}" for n in range(1001)]}, "tenant_ids"),
    "an operator for a tenant": ({"scopes": [10]}, "tenant_ids"),
}


@pytest.mark.parametrize("what", WRONG_IDENTITIES)
def test_a_wrong_identity_is_refused(server: Carillon, what: str) -> None:
    changes, field = WRONG_IDENTITIES[what]
    usual = {"spiffe_id": "spiffe://portal.example/wrong", "display_name": "W", "scopes": [1], "tenant_ids": ["acme"]}
    request = v1.PutServiceIdentityRequest(service_identity=v1.ServiceIdentity(**{**usual, **changes}))
    refusal = refused(lambda: server.operator().tenants.PutServiceIdentity(request), INVALID)
    assert list(refusal.fields) == [f"service_identity.{field}"]


def test_identities_are_kept_and_listed(service: Service, supplier: Supplier) -> None:
    operator = service.server.operator()
    unknown = refused(lambda: service.register(v1.ACCESS_SCOPE_READ, tenants=("nobody99",)), StatusCode.NOT_FOUND)
    assert unknown.reason == "TENANT_NOT_FOUND"
    first = service.register(v1.ACCESS_SCOPE_READ, v1.ACCESS_SCOPE_PUBLISH, tenants=(supplier.id,))
    assert first.created
    second = service.register(v1.ACCESS_SCOPE_READ, everywhere=True, etag=first.service_identity.etag)
    assert not second.created and second.service_identity.create_time == first.service_identity.create_time
    refused(
        lambda: service.register(v1.ACCESS_SCOPE_READ, everywhere=True, etag=first.service_identity.etag),
        StatusCode.ABORTED,
    )
    found, token = [], ""
    while True:
        page = operator.tenants.ListServiceIdentities(v1.ListServiceIdentitiesRequest(page_size=1, page_token=token))
        found += page.service_identities
        token = page.next_page_token
        if not token:
            break
    assert second.service_identity in found
    assert [one.spiffe_id for one in found] == sorted(one.spiffe_id for one in found)
