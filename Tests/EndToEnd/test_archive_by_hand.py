"""Archives that no program wrote are refused with a status that says so, and nothing of them stays; sent by the interface as
any client can send them."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from grpc import StatusCode

from harness.handmade import Archive, Table, import_parts
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import refused
from harness.server import Carillon
from harness.supplier import Supplier
from harness.waiting import eventually

REFUSED = (StatusCode.FAILED_PRECONDITION, "ARCHIVE_REFUSED")
INVALID = (StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
EXISTS = (StatusCode.ALREADY_EXISTS, "TENANT_EXISTS")


@dataclass
class Scene:
    target: Carillon
    archive: Archive
    key: bytes
    tenant: str
    neighbour: Supplier

    def left(self) -> list[str]:
        """What of the tenant is in the target."""
        counts = {
            "tenant": f"carillon.tenant WHERE tenant_id = '{self.tenant}'",
            "keys": f"carillon.api_key WHERE tenant_id = '{self.tenant}'",
            "portal keys": f"carillon.portal_key WHERE tenant_id = '{self.tenant}'",
            "audit": f"carillon.audit WHERE chain = '{self.tenant}'",
            "audit head": f"carillon.audit_head WHERE chain = '{self.tenant}'",
            "schema": f"pg_namespace WHERE nspname = 't_{self.tenant}'",
            "role": f"pg_roles WHERE rolname = 't_{self.tenant}'",
            "transaction": (
                "pg_stat_activity WHERE datname = current_database() AND usename = 'carillon_owner'"
                " AND state LIKE 'idle in transaction%'"
            ),
        }
        query = " UNION ALL ".join(f"SELECT '{what}' WHERE EXISTS (SELECT 1 FROM {rows})" for what, rows in counts.items())
        return self.target.database.execute(query).splitlines()

    def expect_nothing(self) -> None:
        """The call is answered when its sessions are closed; PostgreSQL hears of it a moment later."""
        eventually(lambda: not self.left(), "nothing of it stays", seen=self.left)


@pytest.fixture(scope="module")
def scene(make_server: Callable[..., Carillon], mail_server: MailServer, binary: Any) -> Scene:
    # Roles belong to the cluster: the tenant is taken off its source, so that what is left is of the import.
    source = make_server(flags=["--loops", "1"]).start()
    supplier = Supplier(source, name="byhand")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    for user in ("ann", "bob"):
        supplier.add_user(user, "acme")
    supplier.settled(event_id=supplier.publish("invoice.created").event_id)
    key = secrets.token_bytes(32)
    archive = Archive.export(source, supplier.id, key)
    source.database.execute(f"DROP SCHEMA {supplier.schema} CASCADE; DROP ROLE {supplier.schema}")
    source.close()
    target = make_server(flags=["--loops", "1", "--worker-enabled", "false"]).start()
    return Scene(target, archive, key, supplier.id, Supplier(target, name="neighbour"))


Change = Callable[[Scene, Archive, list[Any]], list[Any]]


def rows(change: Callable[[Scene, Archive], Any]) -> Change:
    """Changes what tables hold; all counts and digests are made to fit."""

    def changed(scene: Scene, archive: Archive, _: list[Any]) -> list[Any]:
        change(scene, archive)
        return archive.parts()

    return changed


def header(**fields: Any) -> Change:
    """Changes the header; the digest fits."""

    def changed(_: Scene, archive: Archive, __: list[Any]) -> list[Any]:
        for name, value in fields.items():
            if isinstance(value, list):
                del getattr(archive.header, name)[:]
                getattr(archive.header, name).extend(value)
            else:
                setattr(archive.header, name, value)
        return archive.parts()

    return changed


def parts(change: Callable[[list[Any]], list[Any]]) -> Change:
    """Changes the order of parts and what they say of themselves."""
    return lambda _, __, whole: change(whole)


def place(whole: list[Any], table: str, kind: str) -> int:
    """Where a part of a table is."""
    begin = next(n for n, part in enumerate(whole) if part.table.name == table)
    return next(n for n in range(begin, len(whole)) if whole[n].WhichOneof("part") == kind)


def without(whole: list[Any], table: str, *kinds: str) -> list[Any]:
    gone = {place(whole, table, kind) for kind in kinds}
    return [part for number, part in enumerate(whole) if number not in gone]


def counted(whole: list[Any], table: str, **changes: Any) -> list[Any]:
    end = whole[place(whole, table, "table_end")].table_end
    for name, value in changes.items():
        setattr(end, name, value)
    return whole


def swap(archive: Archive, one: int, two: int) -> None:
    archive.tables[one], archive.tables[two] = archive.tables[two], archive.tables[one]


def append(archive: Archive, table: str, octets: bytes) -> None:
    archive.table(table).rows += octets


def key_of_the_neighbour(scene: Scene, archive: Archive) -> None:
    archive.table("carillon.api_key").replace("key_id", scene.neighbour.created.api_key.key_id)


CASES: dict[str, tuple[Change, tuple[StatusCode, str]]] = {
    # The order of things
    "nothing at all": (parts(lambda whole: []), REFUSED),
    "no header": (parts(lambda whole: whole[1:]), REFUSED),
    "two headers": (parts(lambda whole: [whole[0], *whole]), REFUSED),
    "a header alone": (parts(lambda whole: whole[:1]), REFUSED),
    "no trailer": (parts(lambda whole: whole[:-1]), REFUSED),
    "the trailer at once": (parts(lambda whole: [whole[0], whole[-1]]), REFUSED),
    "something behind the trailer": (parts(lambda whole: [*whole, whole[1]]), REFUSED),
    "an empty part": (parts(lambda whole: [*whole[:3], v1.TenantArchivePart(), *whole[3:]]), REFUSED),
    "rows of no table": (parts(lambda whole: without(whole, "carillon.tenant", "table")), REFUSED),
    "a table that does not end": (parts(lambda whole: without(whole, "carillon.tenant", "table_end")), REFUSED),
    "a table less": (rows(lambda _, archive: archive.tables.pop(5)), REFUSED),
    "tables in another order": (rows(lambda _, archive: swap(archive, 6, 7)), REFUSED),
    "the tenant's line behind its keys": (rows(lambda _, archive: swap(archive, 0, 1)), REFUSED),
    "a table more": (
        rows(lambda _, archive: archive.tables.append(Table("carillon.service_identity", ["spiffe_id"], b"x\n"))),
        REFUSED,
    ),
    "a table of PostgreSQL": (
        rows(lambda _, archive: setattr(archive.tables[1], "name", "pg_catalog.pg_authid")), REFUSED,
    ),
    "a statement for a name": (
        rows(lambda _, archive: setattr(archive.tables[1], "name", "carillon.api_key; DROP SCHEMA carillon")), REFUSED,
    ),
    # Counts and digests
    "a row that is not counted": (parts(lambda whole: counted(whole, "account", rows=1)), REFUSED),
    "another digest of rows": (parts(lambda whole: counted(whole, "account", sha256=bytes(32))), REFUSED),
    "another digest": (
        parts(lambda whole: [
            *whole[:-1], v1.TenantArchivePart(trailer=v1.TenantArchiveTrailer(digest=bytes(32)))
        ]),
        REFUSED,
    ),
    "another name in the header": (
        parts(lambda whole: whole[0].header.__setattr__("display_name", "Somebody Else") or whole), REFUSED,
    ),
    # Other versions
    "another form": (header(format=2), REFUSED),
    "a newer schema": (header(schema_version=99), REFUSED),
    "an older schema": (header(schema_version=1), REFUSED),
    # Headers that no program writes
    "an id that is none": (header(tenant_id="No Tenant"), INVALID),
    "an id that breaks out": (header(tenant_id='x"; DROP SCHEMA carillon; --'), INVALID),
    "a month that is none": (header(months=["202613"]), INVALID),
    "more months than there are": (header(months=["202611"] * 121), INVALID),
    "a provider that is none": (header(providers_with_secret=["no provider"]), INVALID),
    # The key does not fit
    "another wrapped key": (header(wrapped_data_key=bytes(60)), REFUSED),
    "no wrapped key": (header(wrapped_data_key=b""), REFUSED),
    "the key of another tenant": (header(tenant_id="somebodyelse"), REFUSED),
    # Rows that are counted, digested, and wrong
    "no line of the tenant": (rows(lambda _, archive: setattr(archive.table("carillon.tenant"), "rows", b"")), REFUSED),
    "two lines of the tenant": (
        rows(lambda _, archive: append(archive, "carillon.tenant", archive.table("carillon.tenant").rows)), EXISTS,
    ),
    "a key of somebody else": (rows(key_of_the_neighbour), EXISTS),
    "the end of COPY": (rows(lambda _, archive: append(archive, "account", b"\\.\n")), REFUSED),
    "a row that does not end": (rows(lambda _, archive: append(archive, "account", b"x")), INVALID),
    "a column less": (rows(lambda _, archive: append(archive, "preference", b"ann\n")), INVALID),
    "a column more": (
        rows(lambda _, archive: append(archive, "carillon.portal_key", b"kid\t{}\t2026-11-01\tneighbour\n")), INVALID,
    ),
    "text for a number": (rows(lambda _, archive: archive.table("account").replace("revision", "one")), INVALID),
    "a row twice": (rows(lambda _, archive: append(archive, "account", archive.table("account").rows)), EXISTS),
    "an event of a month that is not announced": (
        rows(lambda _, archive: archive.table("event").replace("event_id", "01000000-0000-7000-8000-000000000000")),
        REFUSED,
    ),
    "a value that is no UTF-8": (
        rows(lambda _, archive: setattr(
            archive.table("account"), "rows", archive.table("account").rows.replace(b"Customer", b"Cust\xffmer"))),
        INVALID,
    ),
    # What the service would not be able to read, or show to others, once it is there
    "a zone that is none": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("time_zone", "Mars/Olympus")), INVALID,
    ),
    "a policy that is none": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("enabled_without_subscription", "maybe")),
        REFUSED,
    ),
    "a portal that is a script": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("portal_url", "javascript:alert(1)")), INVALID,
    ),
    "a colour that is more": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("accent_color", "red;background:url(x)")),
        INVALID,
    ),
    "a limit below zero": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("calls_per_second", "-1")), INVALID,
    ),
    "history without end": (
        rows(lambda _, archive: archive.table("carillon.tenant").replace("history_months", "900")), INVALID,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CASES)
def test_it_is_refused_and_nothing_of_it_stays(scene: Scene, what: str) -> None:
    change, (code, reason) = CASES[what]
    archive = copy.deepcopy(scene.archive)
    made = change(scene, archive, copy.deepcopy(scene.archive.parts()))
    refusal = refused(lambda: import_parts(scene.target, made, scene.key), code)
    assert refusal.reason == reason, refusal
    scene.expect_nothing()
    # What is in rows is the tenant's own, and not for messages.
    assert "ann@" not in refusal.message and scene.neighbour.id not in refusal.message


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"transfer_key": b"short"}, StatusCode.INVALID_ARGUMENT, "transfer_key"),
        ({"database": "No Database"}, StatusCode.INVALID_ARGUMENT, "database"),
        ({"database": "nowhere"}, StatusCode.FAILED_PRECONDITION, ""),
        ({"transfer_key": b""}, StatusCode.FAILED_PRECONDITION, ""),
    ],
)
def test_a_first_request_that_is_wrong_is_refused(
    scene: Scene, change: dict[str, Any], code: StatusCode, field: str
) -> None:
    def wrong(first: Any) -> None:
        for name, value in change.items():
            setattr(first, name, value)

    refusal = refused(lambda: import_parts(scene.target, scene.archive.parts(), scene.key, wrong), code)
    assert not field or list(refusal.fields) == [field]
    scene.expect_nothing()


def test_none_of_it_keeps_the_right_archive_out(scene: Scene) -> None:
    """What is refused above is not refused because nothing goes through."""
    answer = import_parts(scene.target, scene.archive.parts(), scene.key)
    assert answer.tenant.tenant_id == scene.tenant and answer.tenant.state == v1.TENANT_STATE_SUSPENDED
    assert {"tenant", "keys", "schema", "role"} <= set(scene.left())
    assert {table.name: table.rows for table in answer.tables}["app_user"] == 2
    again = refused(lambda: import_parts(scene.target, scene.archive.parts(), scene.key), StatusCode.ALREADY_EXISTS)
    assert again.reason == "TENANT_EXISTS"
