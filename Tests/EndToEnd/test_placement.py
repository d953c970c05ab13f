"""Tenants live in several databases. Each is added by one command, and one that is away hurts nobody but its own tenants."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import grpc
import pytest

from harness.cluster import Cluster, Database
from harness.interface import v1
from harness.mail import MailServer
from harness.server import HOST, Carillon, run
from harness.supplier import Supplier
from harness.waiting import eventually

FAILURE, USAGE, UNAVAILABLE = 1, 64, 69


@dataclass
class Scene:
    server: Carillon
    other: Database
    cluster: Cluster

    def command(self, *arguments: str) -> CompletedProcess[str]:
        database = self.server.database
        logins = ("--database-url", database.serving_url, "--database-owner-url", database.owner_url)
        return run(self.server.binary, "database", *arguments, *logins)

    @property
    def connection(self) -> str:
        return f"host={self.cluster.folder} dbname={self.other.name}"


@pytest.fixture(scope="module")
def scene(make_server: Callable[..., Carillon]) -> Iterator[Scene]:
    cluster = Cluster()
    yield Scene(make_server().start(), cluster.make_database(), cluster)
    cluster.remove()


def furnished(supplier: Supplier, relay: MailServer) -> Supplier:
    supplier.connect_mail(relay)
    supplier.add_account("acme")
    supplier.add_user("ann", "acme")
    supplier.set_default_user("acme", "ann")
    return supplier


def test_a_database_is_added_by_one_command_and_its_tenants_are_served(
    scene: Scene, mail_server: MailServer
) -> None:
    added = scene.command("add", "second", "--connection", scene.connection)
    assert added.returncode == 0, added.stderr
    assert scene.command("add", "second", "--connection", scene.connection).returncode == 0
    taken = scene.command("add", "second", "--connection", f"{scene.connection} sslmode=prefer")
    assert taken.returncode == FAILURE and "another database" in taken.stderr
    listed = scene.command("list").stdout.splitlines()
    assert [line.split("\t")[:3] for line in listed] == [["main", "0", "open"], ["second", "0", "open"]]

    supplier = furnished(Supplier(scene.server, name="placed", database="second"), mail_server)
    published = supplier.publish("invoice.created")
    settled = supplier.settled(event_id=published.event_id)
    states = {way.state for item in settled for way in item.deliveries}
    assert v1.DELIVERY_STATE_DELIVERED in states
    assert scene.cluster.execute(scene.other.name, f"SELECT count(*) FROM {supplier.schema}.event") == "1"
    nothing = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{supplier.schema}'"
    assert scene.server.database.execute(nothing) == "0"
    # The same request finds it there.
    operator = scene.server.session(scene.server.secrets.operator_key, supplier.channel)
    assert operator.tenants.CreateTenant(supplier.request).replayed
    parts = list(operator.tenants.ExportTenant(v1.ExportTenantRequest(tenant_id=supplier.id)))
    assert parts[-1].part.WhichOneof("part") == "trailer"

    assert scene.command("close", "second").returncode == 0
    with pytest.raises(grpc.RpcError) as refused:
        Supplier(scene.server, name="placed", database="second")
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert scene.command("open", "second").returncode == 0
    assert scene.command("open", "nowhere").returncode == FAILURE


def verified(scene: Scene, *arguments: str) -> CompletedProcess[str]:
    return run(
        scene.server.binary, "audit", "verify", "--database-owner-url", scene.server.database.owner_url, *arguments
    )


def test_the_audits_of_every_database_are_verified(scene: Scene, mail_server: MailServer, tmp_path: Path) -> None:
    assert scene.command("add", "second", "--connection", scene.connection).returncode == 0
    supplier = furnished(Supplier(scene.server, name="audited", database="second"), mail_server)
    found = verified(scene)
    assert found.returncode == 0, found.stdout + found.stderr
    chain = re.compile(rf"audit tenant/{supplier.id} (\d+) lines, first [0-9a-f-]{{36}}, head (\d+) .*: (intact|broken).*")
    own = [match for line in found.stdout.splitlines() if (match := chain.fullmatch(line))]
    assert [match.groups() for match in own] == [("4", "4", "intact")], found.stdout
    anchors = tmp_path / "anchors"
    anchors.write_text(found.stdout)
    listed = run(
        scene.server.binary, "audit", "list", "--tenant", supplier.id, "--database-owner-url",
        scene.server.database.owner_url,
    )  # fmt: skip
    assert {"user.create", "tenant.create"} <= {line.split("\t")[3] for line in listed.stdout.splitlines()}, listed

    scene.cluster.execute(scene.other.name, f"UPDATE {supplier.schema}.audit SET actor = 'key/other' WHERE seq = 2")
    damaged = verified(scene)
    own = [match for line in damaged.stdout.splitlines() if (match := chain.fullmatch(line))]
    assert damaged.returncode == FAILURE and [match.groups() for match in own] == [("2", "1", "broken")], damaged.stdout

    # Its time was an hour ago; the maintenance that another deletion hurries finds it.
    request = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=tenant_of(supplier).etag)
    scene.server.operator().tenants.DeleteTenant(request)
    scene.server.database.execute(
        f"UPDATE carillon.tenant SET erase_at = now() - interval '1 hour' WHERE tenant_id = '{supplier.id}'"
    )
    hurrying = Supplier(scene.server, name="hurrying")
    hurry = v1.DeleteTenantRequest(tenant_id=hurrying.id, etag=tenant_of(hurrying).etag)
    hurry.grace_period.seconds = 0
    scene.server.operator().tenants.DeleteTenant(hurry)
    left = f"SELECT count(*) FROM carillon.tenant WHERE tenant_id IN ('{supplier.id}', '{hurrying.id}')"
    eventually(
        lambda: scene.server.database.execute(left) == "0", "both are erased", 40, seen=lambda: scene.server.running.tail()
    )
    schema = f"SELECT count(*) FROM pg_namespace WHERE nspname = '{supplier.schema}'"
    assert scene.cluster.execute(scene.other.name, schema) == "0"
    # Its anchors are nothing to complain of: the installation's audit says where it went.
    found = verified(scene, "--anchors", str(anchors))
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"audit tenant/{supplier.id}: the tenant was erased" in found.stdout.splitlines()
    assert f"audit registry/{supplier.id}: the tenant was erased" in found.stdout.splitlines()


def tenant_of(supplier: Supplier) -> v1.Tenant:
    operator = supplier.server.session(supplier.server.secrets.operator_key, supplier.channel)
    return operator.tenants.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant


def test_keys_are_rotated_for_tenants_of_every_database(scene: Scene, mail_server: MailServer) -> None:
    """Their data keys are in the registry; what they sealed is where they live."""
    assert scene.command("add", "second", "--connection", scene.connection).returncode == 0
    supplier = furnished(Supplier(scene.server, name="rotated", database="second"), mail_server)
    file = scene.server.secrets.sealing_file
    old = file.read_text()
    new = run(scene.server.binary, "secrets", "generate").stdout
    file.write_text(new + old)
    rotated = run(
        scene.server.binary, "secrets", "rotate", "--database-owner-url", scene.server.database.owner_url,
        "--secrets-key-file", str(file),
    )  # fmt: skip
    assert rotated.returncode == 0, rotated.stdout + rotated.stderr
    # Without the old key: what is sealed in the other database opens by the new one alone.
    file.write_text(new)
    scene.server.running.send(signal.SIGTERM)
    assert scene.server.running.wait() == 0
    scene.server.start()
    published = eventually(lambda: attempt(supplier), "the restarted server takes an event")
    states = {way.state for item in supplier.settled(event_id=published.event_id) for way in item.deliveries}
    assert v1.DELIVERY_STATE_DELIVERED in states
    assert mail_server.mails_to(supplier.address("ann")), "the relay takes mails of those alone who know the password"


def attempt(supplier: Supplier) -> v1.PublishResponse | None:
    """An event published over a connection that may have ended with the server."""
    try:
        return supplier.publish("invoice.created")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        return None


def test_a_database_that_is_away_hurts_its_own_tenants_only(scene: Scene, mail_server: MailServer) -> None:
    assert scene.command("add", "second", "--connection", scene.connection).returncode == 0
    here = furnished(Supplier(scene.server, name="here"), mail_server)
    there = furnished(Supplier(scene.server, name="there", database="second"), mail_server)
    scene.cluster.stop()
    try:
        for _ in range(20):
            with pytest.raises(grpc.RpcError) as refused:
                there.publish("invoice.created")
            assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
            published = here.publish("invoice.created")
        assert here.settled(event_id=published.event_id)
    finally:
        scene.cluster.start()

    def heals() -> bool:
        try:
            return bool(there.publish("invoice.created").event_id)
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
            return False

    eventually(heals, "the other database is used again")
    there.settled()


@pytest.mark.parametrize(
    ("connection", "code"),
    [("host=/nowhere", UNAVAILABLE), ("password=hunter2", USAGE), ("user=postgres", USAGE), ("=", USAGE), ("", USAGE)],
)
def test_what_is_no_place_for_tenants_is_not_added(scene: Scene, connection: str, code: int) -> None:
    result = scene.command("add", "third", "--connection", connection)
    assert result.returncode == code, result.stderr
    assert "hunter2" not in result.stderr
    assert "third" not in scene.command("list").stdout


def test_a_database_that_is_not_hardened_is_refused_or_hardened(scene: Scene) -> None:
    scene.cluster.execute("postgres", "CREATE DATABASE open_door")
    connection = f"host={scene.cluster.folder} dbname=open_door"
    refused = scene.command("add", "fourth", "--connection", connection)
    assert refused.returncode == FAILURE and "bootstrap" in refused.stderr, refused.stderr
    superuser = f"{connection} user=postgres"
    done = scene.command("add", "fourth", "--connection", connection, "--superuser-url", superuser)
    assert done.returncode == 0, done.stderr
