"""A tenant is changed, suspended, resumed and deleted: by the API and by the commands, with the real worker beside it."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
from typing import Any

import grpc
import pytest

from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon, run
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

NUMBERS = itertools.count(1)


@pytest.fixture
def supplier(server: Carillon, mail_server: MailServer) -> Supplier:
    """A tenant with somebody to tell, over a connection of its own. All of its texts hold a word that no other has."""
    canary = f"Erlenzeisig{next(NUMBERS)}"
    supplier = Supplier(server, server.channel(), name="life", display_name=f"{canary} Supply")
    supplier.connect_mail(mail_server, from_name=f"{canary} News")
    supplier.add_account("acme", display_name=f"{canary} Limited")
    supplier.add_user("dora", "acme", display_name=f"{canary} Dora")
    supplier.set_default_user("acme", "dora")
    return supplier


def tenant(server: Carillon, identifier: str) -> Any:
    return server.operator().tenants.GetTenant(v1.GetTenantRequest(tenant_id=identifier)).tenant


def command(server: Carillon, *words: str) -> subprocess.CompletedProcess[str]:
    return run(
        server.binary, "tenant", *words, "--address", server.address, "--ca", str(server.authority.file),
        "--operator-key-file", str(server.secrets.operator_file),
    )  # fmt: skip


def test_work_of_a_suspended_tenant_is_held_and_goes_on_when_it_is_resumed(
    server: Carillon, supplier: Supplier, make_mail_server: Any
) -> None:
    relay = make_mail_server()
    supplier.connect_mail(relay)
    operator = server.operator().tenants
    # A relay that stands still: some mails are on their way to it, the rest waits.
    relay.program.send(signal.SIGSTOP)
    events = [supplier.publish("invoice.created").event_id for _ in range(120)]
    operator.SuspendTenant(v1.SuspendTenantRequest(tenant_id=supplier.id))
    for call in (
        lambda: supplier.publish("invoice.created"),
        lambda: supplier.notifications(event_id=events[0]),
        lambda: supplier.inbox("dora"),
    ):
        assert refused(call, grpc.StatusCode.PERMISSION_DENIED).reason == "TENANT_SUSPENDED"
    # The worker lets a tenant go with its next renewal that began after the suspension: the second that is seen.
    for _ in range(2):
        before = server.database.execute("SELECT max(expires_at) FROM carillon.worker")
        eventually(
            lambda: server.database.execute("SELECT max(expires_at) FROM carillon.worker") != before, "a renewal"
        )
    relay.program.send(signal.SIGCONT)
    queue = f"FROM {supplier.schema}.queue q WHERE"
    eventually(lambda: server.database.execute(f"SELECT count(*) {queue} q.lease <> 0") == "0", "what was under way ends")
    # Some of those may have been given up for the time being, as the relay stood still for long.
    untried = int(server.database.execute(f"SELECT count(*) {queue} q.attempts = 0"))
    sent = len(relay.mails())
    assert 0 < untried < len(events)
    operator.ResumeTenant(v1.ResumeTenantRequest(tenant_id=supplier.id))
    eventually(
        lambda: server.database.execute(f"SELECT count(*) {queue} q.attempts = 0") == "0", "the rest is sent", 60
    )
    mails = [mail.message_id for mail in relay.mails()]
    assert len(mails) == len(set(mails)) >= sent + untried
    # Nothing is lost: what did not come is still waiting for its next try.
    assert len(mails) + int(server.database.execute(f"SELECT count(*) {queue} true")) == len(events)


def test_open_streams_of_a_suspended_tenant_end(server: Carillon, supplier: Supplier) -> None:
    with InboxWatch(supplier.portal("dora")) as watch:
        server.operator().tenants.SuspendTenant(v1.SuspendTenantRequest(tenant_id=supplier.id))
        error = watch.expect(lambda seen: seen.error, "the stream ends")
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_deleted_tenant_is_erased_without_a_trace(server: Carillon, supplier: Supplier) -> None:
    supplier.settled(event_id=supplier.publish("invoice.created").event_id)
    canary = supplier.request.tenant.display_name.split()[0]
    dump = dumped(server)
    assert dump.count(canary) >= 5 and f"t_{supplier.id}" in dump, "the canary would be found"
    etag = tenant(server, supplier.id).etag
    request = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=etag)
    request.grace_period.seconds = 0
    deleted = server.operator().tenants.DeleteTenant(request).tenant
    assert deleted.state == v1.TENANT_STATE_DELETING
    refusal = refused(lambda: supplier.publish("invoice.created"), grpc.StatusCode.PERMISSION_DENIED)
    assert refusal.reason == "TENANT_DELETING"

    def is_gone() -> bool:
        try:
            tenant(server, supplier.id)
        except grpc.RpcError as error:
            return error.code() == grpc.StatusCode.NOT_FOUND
        return False

    eventually(is_gone, "the tenant is erased", 30, seen=lambda: server.logged()[-2000:])
    left = [line for line in dumped(server).splitlines() if canary in line or f"t_{supplier.id}" in line]
    assert left == []
    assert server.database.execute(f"SELECT count(*) FROM pg_roles WHERE rolname = 't_{supplier.id}'") == "0"
    # Its key opens nothing, also where it was known; its name is free, and what comes under it sees nothing of the old.
    refused(
        lambda: supplier.publish("invoice.created"), grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
    )
    reserved = refused(
        lambda: server.operator().tenants.CreateTenant(supplier.request), grpc.StatusCode.FAILED_PRECONDITION
    )
    assert reserved.reason == "TENANT_ID_RESERVED"
    server.database.execute("UPDATE carillon.erased_tenant SET erased_at = 'epoch'")
    again = server.operator().tenants.CreateTenant(supplier.request)
    assert not again.replayed and again.api_key_secret
    server.issued_keys.append(again.api_key_secret)
    accounts = server.session(again.api_key_secret).accounts
    assert len(accounts.ListUsers(v1.ListUsersRequest()).users) == 0


def dumped(server: Carillon) -> str:
    """All that the server's database holds."""
    cluster = server.database.cluster
    result = subprocess.run(
        ["pg_dump", "--host", str(cluster.folder), "--username", "postgres", server.database.name],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout


def test_the_commands_do_all_of_it(server: Carillon, supplier: Supplier) -> None:
    def state() -> int:
        return tenant(server, supplier.id).state

    listed = command(server, "list")
    assert listed.returncode == 0, listed.stderr
    assert f"{supplier.id}\tactive\tmain\t{supplier.request.tenant.display_name}" in listed.stdout.splitlines()
    updated = command(
        server, "update", supplier.id, "--time-zone", "Asia/Tokyo", "--stored-rows", "5000", "--accent-color", "#102030",
        "--history-months", "6", "--enabled-without-subscription", "deliver",
    )  # fmt: skip
    assert updated.returncode == 0, updated.stderr
    shown = json.loads(updated.stdout)
    assert shown["time_zone"] == "Asia/Tokyo" and shown["limits"] == {"stored_rows": "5000"}
    assert shown["branding"] == {"accent_color": "#102030"} and shown["history_months"] == 6
    got = command(server, "get", supplier.id)
    assert json.loads(got.stdout) == shown
    assert command(server, "suspend", supplier.id).returncode == 0 and state() == v1.TENANT_STATE_SUSPENDED
    assert command(server, "resume", supplier.id).returncode == 0 and state() == v1.TENANT_STATE_ACTIVE
    wrong = command(server, "delete", supplier.id, "--confirm", "another")
    assert wrong.returncode == 64 and state() == v1.TENANT_STATE_ACTIVE
    deleted = command(server, "delete", supplier.id, "--confirm", supplier.id, "--grace-days", "3")
    assert deleted.returncode == 0 and "erased at" in deleted.stderr and state() == v1.TENANT_STATE_DELETING
    assert command(server, "resume", supplier.id).returncode == 0 and state() == v1.TENANT_STATE_ACTIVE
    missing = command(server, "suspend", "nosuchtenant")
    assert missing.returncode == 1 and "NOT_FOUND" in missing.stderr
    nothing = command(server, "update", supplier.id)
    assert nothing.returncode == 64
