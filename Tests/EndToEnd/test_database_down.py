"""PostgreSQL goes away and comes back: calls are refused as UNAVAILABLE with a time to wait, and it heals by itself."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from grpc import StatusCode

from harness.cluster import Cluster
from harness.http2 import Connection, frame, once
from harness.interface import health, v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import InboxWatch, Supplier
from harness.waiting import eventually

TYPE = "invoice.created"
SERVING, NOT_SERVING = 1, 2


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def lonely(make_server: Callable[..., Carillon], own_cluster: Cluster) -> Carillon:
    """A server with a cluster of its own."""
    return make_server(own_cluster).start()


@pytest.fixture
def customers(lonely: Carillon, mail_server: MailServer) -> Supplier:
    channel = lonely.channel()
    # The test before may have left connections that are being made anew.
    supplier = eventually(
        lambda: answered(lambda: Supplier(lonely, channel, name="lonely")), "tenants can be made", within=30
    )
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def probe(server: Carillon, path: str) -> int:
    return once(server, lambda connection: connection.request("GET", path)).status


def answered(call: Callable[[], Any]) -> Any:
    """The answer, or None while the service is unavailable; no other refusal passes."""
    try:
        return call()
    except grpc.RpcError as error:
        assert error.code() == StatusCode.UNAVAILABLE, error
        return None


@pytest.mark.parametrize("mode", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
def test_it_is_said_and_it_heals(
    mode: signal.Signals, customers: Supplier, own_cluster: Cluster, mail_server: MailServer
) -> None:
    server, process = customers.server, customers.server.running.pid
    assert (probe(server, "/readyz"), probe(server, "/livez")) == (200, 200)
    event = customers.event(TYPE)
    own_cluster.stop(mode)
    try:
        refusal = refused(lambda: customers.api.delivery.Publish(event), StatusCode.UNAVAILABLE)
        assert 0 < refusal.retry_delay <= 60
        assert "host=" not in refusal.message and own_cluster.folder.name not in refusal.message
        reading = refused(lambda: customers.api.accounts.ListUsers(v1.ListUsersRequest()), StatusCode.UNAVAILABLE)
        assert reading.retry_delay > 0
        refused(lambda: customers.portal("dora").inbox.ListInbox(v1.ListInboxRequest()), StatusCode.UNAVAILABLE)
        eventually(lambda: probe(server, "/readyz") == 503, "it says that it is not ready")
        assert probe(server, "/livez") == 200
        status = eventually(
            lambda: server.session().health.Check(health.HealthCheckRequest()).status == NOT_SERVING,
            "its health says so too",
        )
        assert status
    finally:
        own_cluster.start()
    response = eventually(lambda: answered(lambda: customers.api.delivery.Publish(event)), "it heals", within=30)
    assert not response.replayed, "the refused call had been stored"
    eventually(lambda: probe(server, "/readyz") == 200, "it is ready again", within=30)
    (notification,) = customers.settled(event_id=response.event_id, within=60)
    assert notification.state == v1.DELIVERY_STATE_DELIVERED
    assert len(mail_server.expect(customers.address("dora"))) == 1
    assert server.running.pid == process and server.running.is_running


def test_broken_connections_are_made_anew(customers: Supplier, own_cluster: Cluster) -> None:
    customers.publish(TYPE)
    database = customers.server.database
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{database.name}' AND pid <> pg_backend_pid()"
    )
    event = customers.event(TYPE)
    response = eventually(lambda: answered(lambda: customers.api.delivery.Publish(event)), "it heals", within=10)
    assert response.event_id
    assert len(customers.settled(within=60)) == 2


def test_a_watch_outlives_the_pause_or_says_why_not(customers: Supplier, own_cluster: Cluster) -> None:
    """Whoever watches hears of what comes afterwards: on the same stream, or after UNAVAILABLE on the next."""
    with InboxWatch(customers.portal("dora")) as watch:
        own_cluster.stop()
        own_cluster.start()
        event = customers.event(TYPE)
        response = eventually(lambda: answered(lambda: customers.api.delivery.Publish(event)), "it heals", within=30)
        watch.expect(lambda one: one.items() or one.error, "the item comes or the stream ends")
        if watch.error:
            assert watch.error.code() == StatusCode.UNAVAILABLE
        else:
            assert watch.items()[0].notification_id == response.recipients[0].notification_id


def health_of(connection: Connection, service: str = "") -> int:
    """What Check says on this connection."""
    request = frame(health.HealthCheckRequest(service=service).SerializeToString())
    answer = connection.call("/grpc.health.v1.Health/Check", request)
    assert answer.grpc_status == 0, answer
    return health.HealthCheckResponse.FromString(answer.body[5:]).status


def test_health_and_readyz_never_differ(make_server: Callable[..., Carillon], own_cluster: Cluster) -> None:
    """While the database comes: whoever asks one between two equal answers of the other hears the same."""
    server = make_server(own_cluster)
    own_cluster.stop()
    try:
        server.start()
        connection = Connection(server)
        assert health_of(connection) == NOT_SERVING
    finally:
        own_cluster.start()
    seen = []
    with connection:
        before = connection.request("GET", "/readyz").status
        while (200, SERVING) not in seen:
            status = health_of(connection)
            after = connection.request("GET", "/readyz").status
            if before == after:
                seen.append((after, status))
            before = after
            assert len(seen) < 1_000_000, "it never becomes ready"
    assert not {(503, SERVING), (200, NOT_SERVING)} & set(seen)


def test_it_starts_without_its_database(
    make_server: Callable[..., Carillon], own_cluster: Cluster, mail_server: MailServer
) -> None:
    """Order of starting does not matter: it waits, alive and not ready."""
    server = make_server(own_cluster)
    own_cluster.stop()
    try:
        server.start()
        assert probe(server, "/livez") == 200
        assert probe(server, "/readyz") == 503
    finally:
        own_cluster.start()
    eventually(lambda: probe(server, "/readyz") == 200, "it becomes ready", within=30)
    channel = server.channel()
    supplier = eventually(lambda: answered(lambda: Supplier(server, channel, name="late")), "tenants can be made")
    supplier.add_account("acme")
    assert supplier.api.accounts.GetAccount(v1.GetAccountRequest(account_id="acme")).account.account_id == "acme"
