"""What publishers were told: the outside record that a crash cannot touch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import grpc

from .supplier import Supplier


class Ledger:
    """For each idempotency key the answer, or that there was none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.moments: list[float] = []
        self.retried: set[str] = set()
        self.errors: list[grpc.RpcError] = []

    def ask(self, request: Any) -> None:
        with self.lock:
            self.requests[request.idempotency_key] = request

    def acknowledge(self, key: str, response: Any) -> None:
        with self.lock:
            self.answers[key] = response
            self.moments.append(time.monotonic())

    def first_after(self, moment: float) -> float | None:
        """When the first event was acknowledged after a moment of the monotonic clock; None if none was yet."""
        with self.lock:
            return next((one for one in self.moments if one > moment), None)

    def fail(self, key: str, error: grpc.RpcError) -> None:
        with self.lock:
            self.retried.add(key)
            self.errors.append(error)

    @property
    def count(self) -> int:
        with self.lock:
            return len(self.answers)

    def codes(self) -> set[grpc.StatusCode]:
        with self.lock:
            return {error.code() for error in self.errors}


class Publisher:
    """A portal that publishes one event after the other, and repeats what was not answered, with the same key."""

    def __init__(
        self, name: str, supplier: Supplier, ledger: Ledger, notification_type: str, account: str,
        ends_at_refusal: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.supplier = supplier
        self.ledger = ledger
        self.session = supplier.server.session(supplier.key)
        self.type = notification_type
        self.account = account
        self.ends_at_refusal = ends_at_refusal
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self) -> Publisher:
        self.thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()

    def join(self, within: float) -> None:
        self.thread.join(within)
        assert not self.thread.is_alive(), f"{self.name} is still publishing"

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            event = self.supplier.event(self.type, self.account, idempotency_key=f"{self.name}-{number}")
            if not self.publish(event):
                return

    def publish(self, event: Any) -> bool:
        """Publishes until it is answered; false when the publisher is to end."""
        self.ledger.ask(event)
        while True:
            try:
                response = self.session.delivery.Publish(event, timeout=10)
            except grpc.RpcError as error:
                self.ledger.fail(event.idempotency_key, error)
                if self.ends_at_refusal:
                    return False
                # What was begun is brought to its end even when publishing is to stop.
                self.stopping.wait(0.02)
                continue
            self.ledger.acknowledge(event.idempotency_key, response)
            return True


def publishers(count: int, make: Callable[[str], Publisher]) -> list[Publisher]:
    return [make(f"publisher-{number}").start() for number in range(count)]
