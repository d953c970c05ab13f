"""How much one tenant may ask, send and store, as clients on other stacks meet it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode

from harness.http2 import Connection
from harness.interface import v1
from harness.refusals import Refusal, refused
from harness.server import Carillon, Session
from harness.supplier import Supplier

EVENTS = 3
"""Events that a tenant may publish in a second; twice as many at once."""


@pytest.fixture(scope="module")
def narrow(make_server: Callable[..., Carillon]) -> Iterator[Carillon]:
    server = make_server(
        flags=[
            "--loops", "2", "--database-connections", "2", "--worker-enabled", "false",
            "--limits-tenant-event-rate", str(EVENTS),
        ]
    )  # fmt: skip
    yield server.start()
    server.close()


@pytest.fixture
def supplier(narrow: Carillon) -> Supplier:
    supplier = Supplier(narrow)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.context("invoice.created")
    return supplier


def fresh_key(supplier: Supplier) -> str:
    """A key that no process has looked up: with it the tenant is read anew."""
    request = v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="fresh")
    secret = supplier.server.operator().tenants.CreateApiKey(request).secret
    supplier.server.issued_keys.append(secret)
    return secret


def retrying(server: Carillon, key: str, first_wait: str) -> Session:
    """A client that tries what is exhausted again by itself (gRFC A6), after this time unless the server names another."""
    policy = {
        "maxAttempts": 5, "initialBackoff": first_wait, "maxBackoff": first_wait, "backoffMultiplier": 1,
        "retryableStatusCodes": ["RESOURCE_EXHAUSTED"],
    }  # fmt: skip
    config = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})
    return server.session(key, server.channel(("grpc.service_config", config)))


def test_events_have_a_rate(supplier: Supplier) -> None:
    """Who publishes too fast is refused before anything is stored, and told when to come again."""
    stored = []
    for _ in range(50):
        try:
            stored.append(supplier.publish("invoice.created").event_id)
        except grpc.RpcError as error:
            refusal = Refusal(error)
            break
    assert len(stored) >= 2 * EVENTS
    assert (refusal.code, refusal.reason) == (StatusCode.RESOURCE_EXHAUSTED, "EVENT_RATE")
    assert (refusal.retry_delay, refusal.pushback) == (1, "1000")
    assert dict(refusal.detail(error_details_pb2.ErrorInfo).metadata) == {"limit": str(EVENTS)}
    assert supplier.notifications(account_id="acme")
    count = supplier.server.database.execute(f"SELECT count(*) FROM {supplier.schema}.event")
    assert int(count) == len(stored)


def test_a_client_that_tries_again_obeys(narrow: Carillon, supplier: Supplier) -> None:
    """All its events get through, at the rate; the time that the server names counts and not the client's own."""
    session = retrying(narrow, supplier.key, "0.01s")
    begun = time.monotonic()
    for _ in range(4 * EVENTS):
        session.delivery.Publish(supplier.event("invoice.created"))
    # Two seconds' worth go at once; for the rest it had to wait.
    assert 1 <= time.monotonic() - begun <= 15


def test_browsers_are_told_in_their_words(narrow: Carillon, supplier: Supplier) -> None:
    fields = [("content-type", "application/json"), ("authorization", f"Bearer {supplier.key}")]
    with Connection(narrow) as connection:
        for number in range(50):
            body = json.dumps({"idempotencyKey": f"k{number}", "notificationType": "invoice.created"}).encode()
            answer = connection.request("POST", "/carillon.v1.DeliveryService/Publish", fields, body)
            if answer.status == 429:
                break
    assert answer.status == 429
    assert answer.headers["retry-after"] == "1" and answer.headers["trailer-grpc-retry-pushback-ms"] == "1000"
    error = json.loads(answer.body)
    assert error["code"] == "resource_exhausted"
    assert {one["type"] for one in error["details"]} == {"google.rpc.ErrorInfo", "google.rpc.RetryInfo"}


def test_a_tenant_has_its_own_length_of_messages(narrow: Carillon, supplier: Supplier) -> None:
    """The message does not become shorter: nobody is asked to send it again, and a client that would does not."""
    narrow.database.execute(
        f"UPDATE carillon.tenant SET message_octets = 150, revision = revision + 1 WHERE tenant_id = '{supplier.id}'"
    )
    session = retrying(narrow, fresh_key(supplier), "5s")
    request = v1.MarkReadRequest()
    account = v1.Account(account_id="long", display_name="x" * 100)
    session.accounts.UpsertAccount(v1.UpsertAccountRequest(account=account))
    account.display_name = "x" * 190
    begun = time.monotonic()
    refusal = refused(
        lambda: session.accounts.UpsertAccount(v1.UpsertAccountRequest(account=account)),
        StatusCode.RESOURCE_EXHAUSTED,
    )
    assert time.monotonic() - begun < 4
    assert (refusal.reason, refusal.pushback) == ("MESSAGE_TOO_LARGE", "-1")
    details = [one.TypeName() for one in refusal.status.details]
    assert details == ["google.rpc.ErrorInfo"]
    # Its portal's users have the same bound.
    request.sequences.extend([2**60 + number for number in range(400)])
    refusal = refused(lambda: supplier.portal("dora").inbox.MarkRead(request), StatusCode.RESOURCE_EXHAUSTED)
    assert refusal.reason == "MESSAGE_TOO_LARGE"


def test_who_has_stored_all_that_it_may_is_told(narrow: Carillon, supplier: Supplier) -> None:
    narrow.database.execute(
        f"UPDATE carillon.tenant SET stored_rows = 40, revision = revision + 1 WHERE tenant_id = '{supplier.id}';"
        f" INSERT INTO carillon.tenant_usage VALUES ('{supplier.id}', 40, 100000, now())"
    )
    session = narrow.session(fresh_key(supplier))
    account = v1.UpsertAccountRequest(account=v1.Account(account_id="next", display_name="Next"))
    for call in (
        lambda: session.delivery.Publish(supplier.event("invoice.created")),
        lambda: session.accounts.UpsertAccount(account),
    ):
        refusal = refused(call, StatusCode.RESOURCE_EXHAUSTED)
        assert (refusal.reason, refusal.retry_delay, refusal.pushback) == ("STORAGE_FULL", 300, "300000")
    assert session.accounts.ListUsers(v1.ListUsersRequest(account_id="acme")).users
    supplier.choose("dora", v1.CHOICE_OFF, notification_type="invoice.created")
