"""After a tenant was deleted and erased, no octet of it is left in the files of the cluster's tables.

The log (WAL) is another matter: it is recycled in its time, and whoever keeps it keeps what is in it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from harness.cluster import Cluster
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

CANARY = "Haubentaucher"


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    # Statistics are gathered while the tenant lives, or they could not hold what must not be left.
    cluster = Cluster({"autovacuum_naptime": "1s", "autovacuum_analyze_threshold": "5"})
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def lonely(make_server: Callable[..., Carillon], own_cluster: Cluster) -> Carillon:
    return make_server(own_cluster).start()


def people(supplier: Supplier, mail_server: MailServer, word: str) -> None:
    supplier.connect_mail(mail_server, from_name=f"{word} News")
    supplier.add_account("acme", display_name=f"{word} Limited", billing_email=f"{word}@billing.example")
    for number in range(30):
        supplier.add_user(f"u{number}", "acme", display_name=f"{word} {number}", email=f"{word}.{number}@x.example")
    supplier.set_default_user("acme", "u0")


class Load:
    """Calls of several tenants until it is ended; what is refused then is nobody's concern here."""

    def __init__(self, suppliers: dict[str, Supplier]) -> None:
        self.over = threading.Event()
        self.done = {supplier.id: 0 for supplier in suppliers.values()}
        self.threads = [threading.Thread(target=self.call, args=one) for one in suppliers.items() for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def call(self, word: str, supplier: Supplier) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            try:
                supplier.add_user(f"u{number % 30}", "acme", display_name=f"{word} again {number}")
                supplier.publish("invoice.created")
                self.done[supplier.id] += 1
            except grpc.RpcError:
                self.over.wait(0.05)

    def end(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


def files_with(cluster: Cluster, octets: list[bytes]) -> dict[bytes, list[str]]:
    """In which of the tables' files each of some sequences of octets is."""
    cluster.execute("postgres", "CHECKPOINT")
    found: dict[bytes, list[str]] = {one: [] for one in octets}
    for folder in ("base", "global"):
        for file in sorted(Path(cluster.data, folder).rglob("*")):
            try:
                content = file.read_bytes() if file.is_file() else b""
            except FileNotFoundError:
                continue
            for one in octets:
                if one in content:
                    found[one].append(str(file.relative_to(cluster.data)))
    return found


def test_no_octet_of_an_erased_tenant_is_left_in_the_tables(
    lonely: Carillon, own_cluster: Cluster, mail_server: MailServer
) -> None:
    supplier = Supplier(lonely, lonely.channel(), name="gone", display_name=f"{CANARY} Supply")
    others = {bird: Supplier(lonely, lonely.channel(), name="stays") for bird in ("Blaumeise", "Rotkehlchen")}
    everybody = {CANARY: supplier, **others}
    for word, one in everybody.items():
        people(one, mail_server, word)
    load = Load(everybody)
    try:
        eventually(lambda: min(load.done.values()) > 30, "everybody calls", 60, seen=lambda: load.done)
        operator = lonely.operator().tenants
        # A change leaves the former name behind, in the table as well as in the audit.
        operator.UpdateTenant(
            v1.UpdateTenantRequest(tenant=v1.Tenant(tenant_id=supplier.id, display_name=f"{CANARY} Renamed"))
        )
        wrapped = lonely.database.execute(
            f"SELECT encode(wrapped_data_key, 'hex') FROM carillon.tenant WHERE tenant_id = '{supplier.id}'"
        )
        sealed = lonely.database.execute(f"SELECT encode(sealed_secret, 'hex') FROM {supplier.schema}.provider")
        digest = lonely.database.execute(
            f"SELECT encode(secret_sha256, 'hex') FROM carillon.api_key WHERE tenant_id = '{supplier.id}'"
        )
        canaries = [CANARY.encode(), supplier.domain.encode()]
        canaries += [bytes.fromhex(one) for one in (wrapped, sealed, digest)]
        before = files_with(own_cluster, canaries)
        assert all(before.values()), f"what is looked for would be found: {before}"

        etag = operator.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)).tenant.etag
        request = v1.DeleteTenantRequest(tenant_id=supplier.id, etag=etag)
        request.grace_period.seconds = 0
        operator.DeleteTenant(request)
        eventually(
            lambda: "the registry was swept of erased tenants" in lonely.logged(), "the registry is swept", 120,
            seen=lambda: lonely.logged()[-2000:],
        )
        refused(
            lambda: operator.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)), grpc.StatusCode.NOT_FOUND
        )
        served = {other.id: load.done[other.id] for other in others.values()}
        eventually(lambda: all(load.done[one] > served[one] for one in served), "the others are served", 30)
    finally:
        load.end()
    after = files_with(own_cluster, canaries)
    tables = own_cluster.execute(lonely.database.name, "SELECT oid::regclass, relfilenode FROM pg_class ORDER BY 2")
    assert not any(after.values()), (after, tables[-3000:])
