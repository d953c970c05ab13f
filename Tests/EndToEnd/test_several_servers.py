"""Several servers on one database: what one of them is told, the others obey within the time that is promised."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from harness.certificates import Authority
from harness.interface import v1
from harness.refusals import Refusal
from harness.server import Carillon
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

NUMBERS = itertools.count(1)
# What the interface promises, and what shows that a change was heard of and has not only grown old.
PROMISED, HEARD = 60, 15

Call = Callable[[], Any]


@pytest.fixture(scope="module")
def second(server: Carillon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carillon]:
    """Another server beside the one of all tests; it sends nothing."""
    folder = tmp_path_factory.mktemp("second")
    second = Carillon(
        server.binary, folder, server.database, server.authority, server.certificate, server.secrets,
        [*server.flags, "--worker-enabled", "false"],
    ).start()  # fmt: skip
    yield second
    second.close()


class Customer:
    """A tenant with a user, and how it calls another server: by its key, by a portal token, by a service's certificate."""

    def __init__(self, supplier: Supplier, second: Carillon, clients: Authority) -> None:
        self.supplier = supplier
        supplier.add_account("acme")
        supplier.add_user("dora", "acme")
        supplier.set_default_user("acme", "dora")
        self.spiffe = f"spiffe://portal.example/ns/several/sa/s{next(NUMBERS)}"
        identity = v1.ServiceIdentity(
            spiffe_id=self.spiffe, display_name="Billing", scopes=[v1.ACCESS_SCOPE_TENANT], tenant_ids=[supplier.id]
        )
        self.operator = supplier.server.operator().tenants
        self.operator.PutServiceIdentity(v1.PutServiceIdentityRequest(service_identity=identity))
        certificate = clients.issue_client(f"several{next(NUMBERS)}", self.spiffe)
        channel = second.channel()
        self.key = second.session(supplier.key, channel)
        self.portal = second.session(supplier.signer.token("dora"), channel)
        self.service = second.session(None, second.channel(certificate=certificate))
        self.calls: dict[str, Call] = {
            "key": lambda: self.key.accounts.ListUsers(v1.ListUsersRequest()),
            "portal token": lambda: self.portal.inbox.GetCounts(v1.GetCountsRequest()),
            "service": lambda: self.service.accounts.ListUsers(v1.ListUsersRequest()),
        }
        for call in self.calls.values():
            call()


@pytest.fixture
def customer(second: Carillon, clients: Authority, make_supplier: Callable[..., Supplier]) -> Customer:
    return Customer(make_supplier(), second, clients)


def refusals(calls: dict[str, Call], began: float) -> dict[str, tuple[float, Refusal]]:
    """Calls until everything is refused; when each was, and how."""
    found: dict[str, tuple[float, Refusal]] = {}

    def all_are_refused() -> bool:
        for what, call in calls.items():
            if what not in found:
                try:
                    call()
                except grpc.RpcError as error:
                    found[what] = (time.monotonic() - began, Refusal(error))
        return len(found) == len(calls)

    eventually(all_are_refused, "everything is refused", within=HEARD, seen=lambda: found)
    return found


def expect_end(watch: InboxWatch, began: float, code: StatusCode) -> None:
    eventually(lambda: watch.error, "the stream ends", within=PROMISED + 5)
    assert watch.error.code() == code, watch.error
    assert time.monotonic() - began <= PROMISED


def test_every_server_refuses_what_was_revoked_within_a_minute(customer: Customer) -> None:
    supplier = customer.supplier
    with InboxWatch(customer.portal) as watch:
        began = time.monotonic()
        key_id = supplier.created.api_key.key_id
        customer.operator.RevokeApiKey(v1.RevokeApiKeyRequest(tenant_id=supplier.id, key_id=key_id))
        customer.operator.SetPortalKeys(v1.SetPortalKeysRequest(tenant_id=supplier.id, portal_keys_json='{"keys": []}'))
        customer.operator.DeleteServiceIdentity(v1.DeleteServiceIdentityRequest(spiffe_id=customer.spiffe))
        for what, (_, refusal) in refusals(customer.calls, began).items():
            assert refusal.code == StatusCode.UNAUTHENTICATED, (what, refusal)
        expect_end(watch, began, StatusCode.UNAUTHENTICATED)


def test_every_server_rests_a_suspended_tenant_within_a_minute_and_serves_it_again(
    customer: Customer, second: Carillon, make_supplier: Callable[..., Supplier]
) -> None:
    supplier = customer.supplier
    other = make_supplier()
    neighbour = second.session(other.key, customer.key.channel)
    publish = {
        **customer.calls,
        "publishing": lambda: customer.key.delivery.Publish(supplier.event("invoice.created")),
    }
    supplier.context("invoice.created")
    with InboxWatch(customer.portal) as watch:
        began = time.monotonic()
        customer.operator.SuspendTenant(v1.SuspendTenantRequest(tenant_id=supplier.id))
        for what, (_, refusal) in refusals(publish, began).items():
            assert refusal.code == StatusCode.PERMISSION_DENIED, (what, refusal)
            assert refusal.reason == "TENANT_SUSPENDED", (what, refusal)
        assert list(neighbour.accounts.ListUsers(v1.ListUsersRequest()).users) == []
        expect_end(watch, began, StatusCode.PERMISSION_DENIED)
        assert Refusal(watch.error).reason == "TENANT_SUSPENDED"

    customer.operator.ResumeTenant(v1.ResumeTenantRequest(tenant_id=supplier.id))
    waiting = dict(publish)

    def all_are_served() -> bool:
        for what, call in list(waiting.items()):
            try:
                call()
                del waiting[what]
            except grpc.RpcError as error:
                assert Refusal(error).reason == "TENANT_SUSPENDED", (what, error)
        return not waiting

    eventually(all_are_served, "everything is served", within=HEARD, seen=lambda: waiting)
    # What was published there is sent here, and seen by a stream of there.
    supplier.settled()
    with InboxWatch(customer.portal, after=0) as watch:
        watch.expect(lambda open_watch: open_watch.items(), "the inbox has it")


def test_a_credential_of_an_erased_tenant_opens_nothing_of_who_gets_its_name(
    customer: Customer, second: Carillon, make_supplier: Callable[..., Supplier]
) -> None:
    supplier, server = customer.supplier, customer.supplier.server
    tenant = customer.operator.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant
    request = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=tenant.etag)
    request.grace_period.seconds = 0
    began = time.monotonic()
    customer.operator.DeleteTenant(request)
    # What the other server remembers now is the tenant that ends.
    refusals(customer.calls, began)
    count = f"SELECT count(*) FROM carillon.tenant WHERE tenant_id = '{supplier.id}'"
    eventually(lambda: server.database.execute(count) == "0", "the tenant is erased", 40, seen=server.running.tail)
    # The id is reserved for longer than a credential counts. Beside that, nobody who sees the heir takes an old one for new.
    server.database.execute("UPDATE carillon.erased_tenant SET erased_at = 'epoch'")

    heir = make_supplier(tenant_id=supplier.id)
    assert heir.signer.key_set != supplier.signer.key_set
    heir.add_account("acme")
    heir.add_user("dora", "acme")
    api = second.session(heir.key, customer.key.channel)
    found = api.accounts.ListUsers(v1.ListUsersRequest(account_id="acme")).users
    assert [user.user_id for user in found] == ["dora"]
    for what in ("key", "portal token"):
        with pytest.raises(grpc.RpcError) as refused:
            customer.calls[what]()
        assert refused.value.code() == StatusCode.UNAUTHENTICATED, (what, refused.value)
    portal = second.session(heir.signer.token("dora", iss=heir.request.tenant.tenant_id), customer.key.channel)
    assert portal.inbox.GetCounts(v1.GetCountsRequest()).counts.total == 0
