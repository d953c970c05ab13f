"""A tenant is written into an archive by one installation, while it is served, and made from it by another one that has
another database and other keys: all of it, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from harness.archives import command, exported, transfer_key
from harness.interface import v1
from harness.mail import MailServer
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

FAILURE, USAGE = 1, 64
MAGIC = b"carillon tenant archive 1\n"


@pytest.fixture(scope="module")
def pair(make_server: Callable[..., Carillon]) -> tuple[Carillon, Carillon]:
    return make_server().start(), make_server().start()


@pytest.fixture
def supplier(pair: tuple[Carillon, Carillon], mail_server: MailServer) -> Supplier:
    supplier = Supplier(pair[0], name="archived")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    for user in ("ann", "bob"):
        supplier.add_user(user, "acme")
    supplier.set_default_user("acme", "ann")
    supplier.choose("bob", v1.CHOICE_ON, notification_type="payment.processing")
    return supplier


def test_a_tenant_goes_elsewhere_with_everything(
    pair: tuple[Carillon, Carillon], supplier: Supplier, mail_server: MailServer, tmp_path: Path
) -> None:
    source, target = pair
    key = transfer_key(tmp_path)
    acknowledged: list[str] = []
    over = threading.Event()

    def load() -> None:
        while not over.is_set():
            acknowledged.append(supplier.publish("invoice.created").event_id)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(acknowledged) >= 50, "events are published")
        known = list(acknowledged)
        # Whatever was acknowledged before is in the archive, and the load goes on.
        archive = exported(source, supplier.id, tmp_path / "loaded", "--transfer-key-file", str(key))
        assert [event for event in known if event.encode() not in archive] == []
        assert len(acknowledged) > len(known), "nothing was published meanwhile"
    finally:
        over.set()
        for thread in threads:
            thread.join()
    supplier.settled(within=60)

    repeated = supplier.event("invoice.created")
    first = supplier.api.delivery.Publish(repeated)
    supplier.settled(event_id=first.event_id)
    exported(source, supplier.id, tmp_path / "quiet", "--transfer-key-file", str(key))
    rows = source.database.fingerprint(supplier.schema, frozenset({"queue_owner"}))
    result = command(target, "import", str(tmp_path / "quiet"), "--transfer-key-file", str(key))
    assert result.returncode == 0, result.stderr
    counts = dict(line.split("\t") for line in result.stdout.splitlines())
    assert int(counts["event"]) == len(acknowledged) + 1
    assert "suspended until it is resumed" in result.stderr
    assert target.database.fingerprint(supplier.schema, frozenset({"queue_owner"})) == rows
    assert source.database.fingerprint(supplier.schema, frozenset({"queue_owner"})) == rows

    # It has kept its key, and is refused until it is resumed.
    moved = target.session(supplier.key, target.channel())
    with pytest.raises(grpc.RpcError) as refused:
        moved.accounts.GetAccount(v1.GetAccountRequest(account_id="acme"))
    assert refused.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION)
    again = command(target, "import", str(tmp_path / "quiet"), "--transfer-key-file", str(key))
    assert again.returncode == FAILURE and "ALREADY_EXISTS" in again.stderr
    assert source.database.execute(
        f"SELECT string_agg(action, ' ' ORDER BY seq) FROM carillon.audit WHERE chain = '{supplier.id}'"
    ).endswith("tenant.export tenant.export")
    assert target.database.execute(
        f"SELECT action FROM carillon.audit WHERE chain = '{supplier.id}' ORDER BY seq DESC LIMIT 1"
    ) == "tenant.import"


def test_what_is_damaged_or_meant_for_others_is_refused(
    pair: tuple[Carillon, Carillon], supplier: Supplier, tmp_path: Path
) -> None:
    source, target = pair
    key, wrong = transfer_key(tmp_path), transfer_key(tmp_path, "wrong.key")
    archive = exported(source, supplier.id, tmp_path / "whole", "--transfer-key-file", str(key))
    assert archive.startswith(MAGIC)
    display_name = archive.index(f"Supplier {supplier.id}".encode(), archive.index(b"carillon.tenant"))
    flipped = bytearray(archive)
    flipped[display_name] ^= 1
    files = {"flipped": bytes(flipped), "cut": archive[:-40], "no_end": archive[: archive.rindex(b"audit_head")]}
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
        result = command(target, "import", str(tmp_path / name), "--transfer-key-file", str(key))
        assert result.returncode == FAILURE, f"{name}: {result.stderr}"
    for arguments, word in (
        (["--transfer-key-file", str(wrong)], "is not the one"),
        ([], "give the transfer key"),
    ):
        result = command(target, "import", str(tmp_path / "whole"), *arguments)
        assert result.returncode == FAILURE and word in result.stderr, result.stderr
    (tmp_path / "other").write_text("something else")
    assert command(target, "import", str(tmp_path / "other")).returncode == USAGE
    (tmp_path / "short.key").write_text("c2hvcnQ=")
    bad = command(source, "export", supplier.id, "--transfer-key-file", str(tmp_path / "short.key"))
    assert bad.returncode == USAGE
    assert target.database.execute(f"SELECT count(*) FROM carillon.tenant WHERE tenant_id = '{supplier.id}'") == "0"
    assert target.database.execute(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{supplier.schema}'") == "0"
    # Nothing of a secret leaves in clear, and none at all without a key.
    assert MailServer.PASSWORD.encode() not in archive
    exported(source, supplier.id, tmp_path / "bare")
    result = command(target, "import", str(tmp_path / "bare"))
    assert result.returncode == 0, result.stderr
    assert "the secret of the provider relay" in result.stderr
    sealed = target.database.execute(f"SELECT count(sealed_secret) FROM {supplier.schema}.provider")
    assert sealed == "0"


def test_who_asks_for_a_tenant_that_is_not_there_gets_no_file(pair: tuple[Carillon, Carillon], tmp_path: Path) -> None:
    result = command(pair[0], "export", "nobody", "--output", str(tmp_path / "none"))
    assert result.returncode == FAILURE and "NOT_FOUND" in result.stderr
    assert list(tmp_path.iterdir()) == []
