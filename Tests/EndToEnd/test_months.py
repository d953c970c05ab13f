"""A tenant that was quiet for so long that it has no partitions for the month, at a process that cannot make them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from harness.interface import v1
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

HISTORY = ("event", "notification", "delivery", "attempt")
ALARM = "a tenant has no partitions for this month"
MADE = "a tenant that missed its months has them"


class WithoutOwner(Carillon):
    """A process that answers calls and makes no schemas."""

    def arguments(self, listen: str) -> list[str]:
        words = super().arguments(listen)
        place = words.index("--database-owner-url")
        return words[:place] + words[place + 2 :]


def logged(server: Carillon) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]


@pytest.fixture
def second(server: Carillon, tmp_path: Path) -> Iterator[Carillon]:
    second = WithoutOwner(
        server.binary, tmp_path / "second", server.database, server.authority, server.certificate, server.secrets,
        [*server.flags, "--worker-enabled", "false"],
    ).start()  # fmt: skip
    yield second
    second.close()


def test_it_is_said_and_mended_by_the_process_that_can(server: Carillon, second: Carillon, supplier: Supplier) -> None:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    month = datetime.now(timezone.utc).strftime("%Y%m")
    for table in HISTORY:
        server.database.execute(f"DROP TABLE {supplier.schema}.{table}_{month}")
    there = second.session(supplier.key)
    operator = second.operator().tenants
    refused(lambda: operator.CreateTenant(v1.CreateTenantRequest(tenant=supplier.request.tenant)), StatusCode.FAILED_PRECONDITION)  # fmt: skip

    def publish(number: int):
        return there.delivery.Publish(supplier.event("invoice.created", idempotency_key=f"months-{number}"))

    first = refused(lambda: publish(0), StatusCode.UNAVAILABLE)
    assert first.reason == "DATABASE_UNAVAILABLE" and first.retry_delay == 5

    def is_published() -> bool:
        try:
            return bool(publish(1).event_id)
        except Exception as error:
            assert getattr(error, "code", lambda: None)() == StatusCode.UNAVAILABLE, error
            return False

    eventually(is_published, "its months are there", 20, seen=lambda: server.logged()[-2000:])
    # Whoever was refused several times was told of once a minute.
    (alarm,) = [line for line in logged(second) if ALARM in line["message"]]
    assert (alarm["level"], alarm["tenant"]) == ("error", supplier.id)
    assert [line["tenant"] for line in logged(server) if line["message"] == MADE].count(supplier.id) == 1
    # What comes next month has room as well.
    made = server.database.execute(
        f"SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = '{supplier.schema}' AND c.relispartition AND c.relkind = 'r'"
    )
    assert made == "8"
