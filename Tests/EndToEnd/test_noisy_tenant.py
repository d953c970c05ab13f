"""One tenant that asks a hundred times what it may, beside a quiet one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from grpc import StatusCode

from harness.http2 import frame
from harness.interface import v1
from harness.load import Run, h2load
from harness.refusals import Refusal
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

CHECK = "/carillon.v1.PreferenceService/CheckPreference"
RATE = 40
"""Calls that a tenant may make in a second."""
FLOOD = 100 * RATE
QUIET = 30
SECONDS = 3
# What a machine that does other things at the same time adds to any single call, in milliseconds.
GRAIN = 2.0
ROUNDS = 4


@pytest.fixture(scope="module")
def server(make_server: Callable[..., Carillon]) -> Iterator[Carillon]:
    server = make_server(
        flags=[
            "--loops", "2", "--database-connections", "2", "--worker-enabled", "false",
            "--limits-tenant-call-rate", str(RATE),
        ]
    )  # fmt: skip
    yield server.start()
    server.close()


class Caller:
    """A supplier's program that asks about one user."""

    def __init__(self, server: Carillon, folder: Path, name: str) -> None:
        self.supplier = Supplier(server)
        self.supplier.add_account("acme")
        self.supplier.add_user("dora", "acme")
        self.url = f"https://{server.address}{CHECK}"
        self.request = v1.CheckPreferenceRequest(user_id="dora", notification_type="invoice.created")
        self.answer = len(frame(self.check().SerializeToString()))
        self.body = folder / name
        self.body.write_bytes(frame(self.request.SerializeToString()))
        self.log = folder / f"{name}.log"

    def check(self):
        return self.supplier.api.preferences.CheckPreference(self.request)

    def load(self, per_second: int, seconds: float, clients: int) -> Run:
        headers = [
            ("content-type", "application/grpc"), ("te", "trailers"),
            ("authorization", f"Bearer {self.supplier.key}"),
        ]  # fmt: skip
        return h2load(
            self.url, int(per_second * seconds), clients=clients, streams=100, body=self.body, headers=headers,
            log=self.log, flags=[f"--rps={per_second // clients}"],
        )  # fmt: skip

    def quiet(self) -> Run:
        """Asks as often as it may, and is answered each time: a refusal would have no body."""
        run = self.load(QUIET, SECONDS, clients=1)
        assert run.succeeded == run.total and run.body_octets == run.total * self.answer
        return run


def test_a_noisy_tenant_is_refused_and_nobody_else(server: Carillon, tmp_path: Path) -> None:
    noisy, quiet = Caller(server, tmp_path, "noisy"), Caller(server, tmp_path, "quiet")
    seen = []
    for _ in range(ROUNDS):
        alone = quiet.quiet().percentile(0.99)
        floods: list[Run] = []
        flood = threading.Thread(target=lambda: floods.append(noisy.load(FLOOD, SECONDS + 2, clients=4)))
        flood.start()

        def is_refused() -> Refusal | None:
            try:
                noisy.check()
            except Exception as error:  # noqa: BLE001
                return Refusal(error)
            return None

        refusal = eventually(is_refused, "the noisy tenant is refused")
        beside = quiet.quiet().percentile(0.99)
        was_beside = flood.is_alive()
        flood.join()
        assert was_beside, "the flood ended before the quiet tenant did"
        assert (refusal.code, refusal.reason) == (StatusCode.RESOURCE_EXHAUSTED, "CALL_RATE")
        assert (refusal.retry_delay, refusal.pushback) == (1, "1000")
        (run,) = floods
        let_in = run.body_octets / noisy.answer
        assert run.succeeded == run.total
        # What two seconds allow at once, then the rate, for as long as it took.
        assert let_in <= RATE * (2 + run.total / run.per_second + 1)
        seen.append((alone, beside))
        # Other work on the machine only ever adds; one round in which it kept still is enough to tell.
        if beside <= 2 * max(alone, GRAIN):
            break
    else:
        raise AssertionError(f"the quiet tenant's p99 in ms, alone and beside the noisy one: {seen}")
    print(f"\n  p99 of the quiet tenant in ms, alone and beside the noisy one: {seen[-1]}")
