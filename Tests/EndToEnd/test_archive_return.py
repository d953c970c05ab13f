"""A tenant comes back into the installation that it was erased from, where another had its name meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from harness.archives import command, exported, transfer_key
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon, run
from harness.supplier import Supplier
from harness.waiting import eventually


@pytest.fixture(scope="module")
def installation(make_server: Callable[..., Carillon]) -> Carillon:
    # One loop: whatever is remembered of the tenant is remembered where it is asked for.
    return make_server(flags=["--loops", "1"]).start()


def people(supplier: Supplier, relay: MailServer, first: str, second: str) -> None:
    """The same number of changes each time, so that the versions of what is remembered are the same."""
    supplier.connect_mail(relay)
    supplier.add_account("acme")
    for user in (first, second):
        supplier.add_user(user, "acme")
    supplier.set_default_user("acme", first)


def erased(supplier: Supplier) -> None:
    server = supplier.server
    operator = server.session(server.secrets.operator_key, supplier.channel).tenants
    tenant = operator.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant
    request = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=tenant.etag)
    request.grace_period.seconds = 0
    operator.DeleteTenant(request)
    # To the end of the round: a process that is stopped within one keeps the next from beginning its own for a while.
    over = (
        f"SELECT NOT EXISTS (SELECT 1 FROM carillon.tenant WHERE tenant_id = '{supplier.id}')"
        " AND NOT EXISTS (SELECT 1 FROM carillon.chore WHERE holder IS NOT NULL)"
    )
    eventually(lambda: server.database.execute(over) == "t", "the tenant is erased", 40, seen=server.running.tail)
    # As two minutes later, when the id is given again; what is remembered is as fresh as before.
    server.database.execute("UPDATE carillon.erased_tenant SET erased_at = 'epoch'")


def served(call: Callable[[], object]) -> object:
    """The answer of a server that has just been started anew."""

    def attempt() -> list[object]:
        try:
            return [call()]
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            return []

    return eventually(attempt, "the server answers")[0]


def recipients(supplier: Supplier) -> tuple[str, set[str]]:
    """An event's id, and who hears of it."""
    response = supplier.publish("invoice.created")
    told = supplier.settled(event_id=response.event_id)
    return response.event_id, {one.user_id for one in told if any(
        way.channel == v1.CHANNEL_EMAIL and way.state == v1.DELIVERY_STATE_DELIVERED for way in one.deliveries
    )}  # fmt: skip


def test_an_erased_tenant_comes_back_and_nothing_of_who_had_its_name_meanwhile(
    installation: Carillon, make_mail_server: Callable[..., MailServer], tmp_path: Path
) -> None:
    server, relay = installation, make_mail_server()
    first = Supplier(server, name="returning")
    people(first, relay, "ann", "bob")
    event, told = recipients(first)
    assert told == {"ann", "bob"}
    key = transfer_key(tmp_path)
    exported(server, first.id, tmp_path / "archive", "--transfer-key-file", str(key))
    erased(first)
    # A server that knows nothing of it learns that there is no such key.
    server.running.send(signal.SIGTERM)
    assert server.running.wait() == 0
    server.start()
    list_users = v1.ListUsersRequest(account_id="acme")
    refused(lambda: served(lambda: first.api.accounts.ListUsers(list_users)), grpc.StatusCode.UNAUTHENTICATED)
    refused(lambda: first.inbox("ann"), grpc.StatusCode.UNAUTHENTICATED)

    # Somebody else gets the name.
    operator = server.session(server.secrets.operator_key, first.channel).tenants
    created = operator.CreateTenant(first.request)
    server.issued_keys.append(created.api_key_secret)
    api = first.api
    first.api = server.session(created.api_key_secret, first.channel)
    people(first, relay, "yan", "zed")
    assert recipients(first)[1] == {"yan", "zed"}
    first.api = api
    erased(first)

    taken = command(server, "import", str(tmp_path / "archive"), "--transfer-key-file", str(key))
    assert taken.returncode == 0, taken.stderr
    assert refused(lambda: first.inbox("ann"), grpc.StatusCode.PERMISSION_DENIED).reason == "TENANT_SUSPENDED"
    operator.ResumeTenant(v1.ResumeTenantRequest(tenant_id=first.id))
    # It has kept its key, which was refused meanwhile, its people and its history; what follows goes on from there.
    users = first.api.accounts.ListUsers(list_users).users
    assert [user.user_id for user in users] == ["ann", "bob"]
    assert [item.notification_id for item in first.inbox("ann")] == [
        one.notification_id for one in first.notifications(event_id=event) if one.user_id == "ann"
    ]
    before = len(relay.mails_to(first.address("ann")))
    _, told = recipients(first)
    assert told == {"ann", "bob"}
    # The relay takes mails of those alone who know the password, which came sealed.
    assert len(relay.mails_to(first.address("ann"))) == before + 1
    assert len(first.inbox("ann")) == 2
    check = v1.CheckPreferenceRequest(user_id="yan", notification_type="invoice.created")
    refused(lambda: first.api.preferences.CheckPreference(check), grpc.StatusCode.NOT_FOUND)
    refused(
        lambda: server.session(created.api_key_secret, first.channel).accounts.ListUsers(v1.ListUsersRequest()),
        grpc.StatusCode.UNAUTHENTICATED,
    )

    verified = run(
        server.binary, "audit", "verify", "--database-owner-url", server.database.owner_url, "--tenant", first.id
    )
    assert verified.returncode == 0, verified.stdout
    chains = {line.split()[1]: line.rsplit(": ", 1)[1] for line in verified.stdout.splitlines()[:-1]}
    assert chains == {f"tenant/{first.id}": "intact", f"registry/{first.id}": "intact"}
    actions = server.database.execute(
        f"SELECT string_agg(action, ' ' ORDER BY seq) FROM carillon.audit WHERE chain = '{first.id}'"
    )
    assert actions == "tenant.create tenant.export tenant.import tenant.resume"
