"""Archives that are taken apart, changed, and put together again so that every digest is right: what whoever may write files
can make by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .interface import v1
from .server import Carillon


@dataclass
class Table:
    """A table with all of its rows in COPY's text form."""

    name: str
    columns: list[str]
    rows: bytes = b""

    def replace(self, column: str, value: str, row: int = 0) -> None:
        """Puts another value into a row."""
        lines = self.rows.split(b"\n")
        cells = lines[row].split(b"\t")
        cells[self.columns.index(column)] = value.encode()
        lines[row] = b"\t".join(cells)
        self.rows = b"\n".join(lines)

    def value(self, column: str, row: int = 0) -> str:
        return self.rows.split(b"\n")[row].split(b"\t")[self.columns.index(column)].decode()


@dataclass
class Archive:
    """The parts of an archive by what they say; ``parts`` makes all counts and digests anew."""

    header: Any
    tables: list[Table] = field(default_factory=list)

    def table(self, name: str) -> Table:
        (found,) = (table for table in self.tables if table.name == name)
        return found

    def parts(self) -> list[Any]:
        """The parts as an import takes them."""
        made = [v1.TenantArchivePart(header=self.header)]
        digest = hashlib.sha256()

        def add(*values: str | bytes) -> None:
            for value in values:
                octets = value.encode() if isinstance(value, str) else value
                digest.update(f"{len(octets)}:".encode() + octets)

        header = self.header
        time = header.create_time
        add(
            "header", str(header.format), header.tenant_id, header.display_name, str(header.schema_version),
            str(time.seconds * 1_000_000 + time.nanos // 1000), header.program,
            "suspended" if header.was_suspended else "active", ",".join(header.months), header.wrapped_data_key,
            str(len(header.providers_with_secret)), *header.providers_with_secret,
        )  # fmt: skip
        for table in self.tables:
            made.append(v1.TenantArchivePart(table=v1.TenantArchiveTable(name=table.name, columns=table.columns)))
            add("table", table.name, ",".join(table.columns))
            if table.rows:
                made.append(v1.TenantArchivePart(rows=table.rows))
            count = table.rows.count(b"\n")
            sha256 = hashlib.sha256(table.rows).digest()
            made.append(v1.TenantArchivePart(table_end=v1.TenantArchiveCount(rows=count, sha256=sha256)))
            add("end", str(count), sha256)
        made.append(v1.TenantArchivePart(trailer=v1.TenantArchiveTrailer(digest=digest.digest())))
        return made

    @classmethod
    def export(cls, server: Carillon, tenant: str, transfer_key: bytes) -> Archive:
        request = v1.ExportTenantRequest(tenant_id=tenant, transfer_key=transfer_key)
        archive: Archive | None = None
        for response in server.operator().tenants.ExportTenant(request):
            part = response.part
            match part.WhichOneof("part"):
                case "header":
                    archive = cls(part.header)
                case "table":
                    archive.tables.append(Table(part.table.name, list(part.table.columns)))
                case "rows":
                    archive.tables[-1].rows += part.rows
        assert archive and [*archive.parts()][-1].trailer.digest == part.trailer.digest, "the digest is made in the same way"
        return archive


def import_parts(
    server: Carillon, parts: list[Any], transfer_key: bytes, change: Callable[[Any], None] = lambda first: None
) -> Any:
    """Imports; ``change`` may change the first request."""
    requests = [v1.ImportTenantRequest(part=part) for part in parts]
    if requests:
        requests[0].transfer_key = transfer_key
        change(requests[0])
    return server.operator().tenants.ImportTenant(iter(requests))
