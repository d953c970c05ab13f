"""What was acknowledged, what the database says and what the relay took, held against each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .interface import v1
from .ledger import Ledger
from .mail import MailServer
from .supplier import Supplier


@dataclass
class Verdict:
    """How a time of troubles went for one supplier."""

    acknowledged: int
    delivered: int
    """Mails that the relay took, each counted once."""
    duplicates: int
    """Mails that it took once more, with the same Message-ID."""
    lost: int
    """Acknowledged events of which the database knows nothing."""

    def line(self, name: str, heal: float) -> str:
        return (
            f"chaos {name} acked={self.acknowledged} delivered={self.delivered} duplicates={self.duplicates}"
            f" lost={self.lost} heal={heal:.2f}s"
        )


def judge(supplier: Supplier, ledger: Ledger, relay: MailServer, readers: int, within: float) -> Verdict:
    """Waits until all notifications have come to their end, and fails if anything differs but the number of mails.

    Every event was to be told to so many readers by mail, and nobody else has published for this supplier.
    """
    answers = {key: response.event_id for key, response in ledger.answers.items()}
    notifications = supplier.settled(within=within)
    rows = supplier.server.database.execute(f"SELECT idempotency_key, event_id FROM {supplier.schema}.idempotency")
    stored = dict(line.split("|") for line in rows.splitlines())
    lost = len(set(answers.items()) - set(stored.items()))
    events = supplier.server.database.execute(f"SELECT event_id FROM {supplier.schema}.event").split()

    promised: dict[tuple[str, str], Any] = {}
    for one in notifications:
        email = next(way for way in one.deliveries if way.channel == v1.CHANNEL_EMAIL)
        assert email.state == v1.DELIVERY_STATE_DELIVERED, (one.notification_id, email)
        promised[email.message_id.strip("<>"), supplier.address(one.user_id)] = (one, email)
    arrived = Counter((mail.message_id.strip("<>"), mail.recipient) for mail in relay.mails_to(supplier.domain))
    verdict = Verdict(len(answers), len(arrived), sum(arrived.values()) - len(arrived), lost)

    assert lost == 0, (verdict, set(answers.items()) - set(stored.items()))
    assert stored == answers, "a key was taken for an event that nobody was told of"
    assert Counter(events) == Counter(answers.values()), "an event without a key, or twice"
    told = Counter((one.event_id, one.user_id) for one in notifications)
    assert set(told.values()) <= {1} and len(told) == len(answers) * readers
    assert set(arrived) == set(promised), "mails that nobody promised, or that never came"
    # Nobody has to guess why a reader has a mail twice.
    log = supplier.server.logged()
    for mail in (mail for mail, count in arrived.items() if count > 1):
        notification, email = promised[mail]
        is_told = any(attempt.outcome == v1.ATTEMPT_OUTCOME_UNKNOWN for attempt in email.attempts)
        is_logged = any(
            notification.notification_id in line and "may be sent twice" in line for line in log.splitlines()
        )
        assert is_told or is_logged, (notification.notification_id, email)
    return verdict
