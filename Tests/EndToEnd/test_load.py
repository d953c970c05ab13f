"""The hottest call under h2load: every request is answered, and answered right."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.http2 import frame
from harness.interface import v1
from harness.load import h2load
from harness.supplier import Supplier

REQUESTS = 20_000
CHECK = "/carillon.v1.PreferenceService/CheckPreference"


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    return supplier


def headers(key: str) -> list[tuple[str, str]]:
    return [("content-type", "application/grpc"), ("te", "trailers"), ("authorization", f"Bearer {key}")]


def test_checks_under_load(customers: Supplier, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = v1.CheckPreferenceRequest(user_id="dora", notification_type="invoice.created")
    body = tmp_path / "check"
    body.write_bytes(frame(request.SerializeToString()))
    answer = customers.api.preferences.CheckPreference(request)

    run = h2load(f"https://{customers.server.address}{CHECK}", REQUESTS, body=body, headers=headers(customers.key))

    with capsys.disabled():
        print(f"\n  CheckPreference: {run.per_second:,.0f} requests/s of the build under test")
    assert (run.total, run.succeeded, run.failed, run.errored) == (REQUESTS, REQUESTS, 0, 0)
    assert run.status_2xx == REQUESTS
    # A gRPC error has no body, so the octets tell that each answer was the right one in length.
    assert run.body_octets == REQUESTS * len(frame(answer.SerializeToString()))


def test_a_wrong_key_under_load_is_refused_each_time(customers: Supplier, tmp_path: Path) -> None:
    """What the octets above are held against: refusals are 2xx as well, but empty."""
    body = tmp_path / "check"
    body.write_bytes(frame(b"\x0a\x04dora"))
    run = h2load(
        f"https://{customers.server.address}{CHECK}", 2_000, body=body,
        headers=headers(customers.key[:-1] + "!"),
    )  # fmt: skip
    assert (run.succeeded, run.status_2xx, run.body_octets) == (2_000, 2_000, 0)
