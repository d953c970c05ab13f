"""The audits after real calls, read and verified by the binary as an owner of the database does it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import grpc
import pytest

from harness.interface import v1
from harness.mail import MailServer
from harness.server import Carillon, run
from harness.supplier import Supplier

USAGE, UNAVAILABLE = 64, 69
CHAIN = re.compile(r"audit (\S+) (\d+) lines, (?:first [0-9a-f-]{36}, )?head (\d+) ([0-9a-f]{64}|-): (.*)")


class Auditor:
    """Runs `carillon audit` on the database of a server."""

    def __init__(self, server: Carillon) -> None:
        self.server = server

    def run(self, what: str, *arguments: str):
        return run(self.server.binary, "audit", what, "--database-owner-url", self.server.database.owner_url, *arguments)

    def verify(self, *arguments: str, status: int = 0) -> dict[str, tuple[int, str]]:
        """For each chain its lines and the verdict."""
        result = self.run("verify", *arguments)
        assert result.returncode == status, result.stdout + result.stderr
        chains = [CHAIN.fullmatch(line) for line in result.stdout.splitlines()]
        return {found[1]: (int(found[2]), found[5]) for found in chains if found}

    def lines(self, tenant: str, *arguments: str) -> list[list[str]]:
        """When, who, from where, what, to what, before, after; newest first."""
        result = self.run("list", "--tenant", tenant, *arguments)
        assert result.returncode == 0, result.stderr
        return [line.split("\t") for line in result.stdout.splitlines()]


@pytest.fixture
def auditor(server: Carillon) -> Auditor:
    return Auditor(server)


def mix(supplier: Supplier, operator, seed: int, steps: int) -> int:
    """Calls at random. Tells how many of them change something."""
    chance = random.Random(seed)
    names: dict[str, str] = {}
    chosen: dict[str, int] = {}
    default = ""
    changes = 0
    for _ in range(steps):
        user = f"user{chance.randrange(4)}"
        match chance.choice(["user", "same user", "choose", "default", "key", "refused"]):
            case "user":
                names[user] = f"Person {chance.random()}"
                supplier.add_user(user, "acme", display_name=names[user])
                changes += 1
            case "same user" if user in names:
                supplier.add_user(user, "acme", display_name=names[user])
            case "choose" if user in names:
                choice = chance.choice([v1.CHOICE_ON, v1.CHOICE_OFF])
                supplier.choose(user, choice, category="Orders and shipments")
                changes += chosen.get(user) != choice
                chosen[user] = choice
            case "default" if user in names:
                supplier.set_default_user("acme", user)
                changes += default != user
                default = user
            case "key":
                request = v1.CreateApiKeyRequest(tenant_id=supplier.id, display_name="another")
                supplier.server.issued_keys.append(operator.tenants.CreateApiKey(request).secret)
                changes += 1
            case "refused":
                with pytest.raises(grpc.RpcError):
                    supplier.set_default_user("acme", "nobody")
            case _:
                pass
    return changes


def test_every_change_and_nothing_else_is_in_the_chains(
    server: Carillon, auditor: Auditor, supplier: Supplier, tmp_path: Path
) -> None:
    operator = server.session(server.secrets.operator_key, supplier.channel)
    supplier.add_account("acme", billing_email=supplier.address("money"))
    # The tenant, its mail relay and the account.
    changes = 3 + mix(supplier, operator, seed=4, steps=60)
    chains = auditor.verify("--tenant", supplier.id)
    assert set(chains) == {f"tenant/{supplier.id}", f"registry/{supplier.id}"}
    assert {verdict for _, verdict in chains.values()} == {"intact"}
    assert sum(lines for lines, _ in chains.values()) == changes

    lines = auditor.lines(supplier.id)
    assert len(lines) == changes and all(len(line) == 7 for line in lines)
    assert lines == sorted(lines, key=lambda line: line[0], reverse=True)
    assert {line[3] for line in lines} >= {
        "tenant.create", "key.create", "provider.put", "account.create", "user.create", "user.update",
        "preference.update", "account.set_default_user",
    }  # fmt: skip
    assert all(line[2].startswith("127.0.0.1 grpc-python/") for line in lines), lines
    assert {line[1].split("/")[0] for line in lines} == {"key", "operator"}
    assert auditor.lines(supplier.id, "--limit", "2") == lines[:2]
    text = "\n".join("\t".join(line) for line in lines)
    hidden = [*server.issued_keys, MailServer.PASSWORD, "Person ", supplier.address("user1"), supplier.address("money")]
    assert [word for word in hidden if word in text] == []

    everything = auditor.verify()
    assert {verdict for _, verdict in everything.values()} == {"intact"}
    assert everything.items() >= chains.items()


def test_what_was_changed_behind_the_service_is_found(
    server: Carillon, auditor: Auditor, supplier: Supplier, tmp_path: Path
) -> None:
    supplier.add_account("acme")
    anchors = tmp_path / "anchors"
    anchors.write_text(auditor.run("verify", "--tenant", supplier.id).stdout)
    supplier.add_user("ann", "acme")
    own, registry = f"tenant/{supplier.id}", f"registry/{supplier.id}"
    assert auditor.verify("--tenant", supplier.id, "--anchors", str(anchors))[own] == (3, "intact")

    # A history that is right in itself, and shorter than it was.
    server.database.execute(
        f"DELETE FROM {supplier.schema}.audit WHERE seq > 1; UPDATE {supplier.schema}.audit_head SET seq = 1,"
        f" hash = (SELECT hash FROM {supplier.schema}.audit WHERE seq = 1)"
    )
    assert auditor.verify("--tenant", supplier.id)[own] == (1, "intact")
    verdict = auditor.verify("--tenant", supplier.id, "--anchors", str(anchors), status=1)[own][1]
    assert verdict.startswith("broken at 2: the line is missing"), verdict

    server.database.execute(f"UPDATE {supplier.schema}.audit SET actor = 'key/other'")
    server.database.execute(f"UPDATE carillon.audit SET after = '{{}}' WHERE chain = '{supplier.id}'")
    chains = auditor.verify("--tenant", supplier.id, status=1)
    assert chains[own][1].startswith("broken at 1: the hash"), chains
    assert chains[registry][1].startswith("broken at 1: the hash"), chains

    # The tests share the database: nothing broken may be left in it.
    server.database.execute(
        f"DELETE FROM carillon.audit WHERE chain = '{supplier.id}';"
        f" DELETE FROM carillon.audit_head WHERE chain = '{supplier.id}'; DELETE FROM {supplier.schema}.audit;"
        f" UPDATE {supplier.schema}.audit_head SET seq = 0, hash = ''"
    )
    assert auditor.verify("--tenant", supplier.id)[own] == (0, "intact")


def test_mistakes_and_a_database_that_is_away(binary: Path, auditor: Auditor, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("audit: nothing\n")
    for arguments in (
        ["verify"],
        ["verify", "--database-owner-url", "postgresql://x", "--tenant", "No Tenant"],
        ["verify", "--database-owner-url", "postgresql://x", "--anchors", str(tmp_path / "absent")],
        ["verify", "--database-owner-url", "postgresql://x", "--anchors", str(tmp_path / "empty")],
        ["list", "--database-owner-url", "postgresql://x"],
        ["list", "--database-owner-url", "postgresql://x", "--tenant", "acme", "--limit", "0"],
    ):
        result = run(binary, "audit", *arguments)
        assert result.returncode == USAGE and result.stderr and not result.stdout, (arguments, result)
    away = f"postgresql://carillon_owner@/x?host={tmp_path}"
    assert run(binary, "audit", "verify", "--database-owner-url", away).returncode == UNAVAILABLE
