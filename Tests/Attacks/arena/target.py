"""The server that is attacked: `interop-server` on one loop, and what the system says of its process."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "EndToEnd"))

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: E402
from harness.certificates import Authority, Certificate, key_usage  # noqa: E402
from harness.processes import Program, processor_seconds  # noqa: E402
from harness.waiting import eventually  # noqa: E402

from . import frames  # noqa: E402
from .peer import CUSTOMER, Peer, tls  # noqa: E402

MEBI = 1024 * 1024


@dataclass(frozen=True)
class Counts:
    """What the server says of itself (EchoService.Count)."""

    running: int
    started: int
    cancelled: int


def issue_client(authority: Authority) -> Certificate:
    """A certificate for a client, who is named by one URI (SPIFFE)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "customer")])
    certificate = (
        authority.builder(subject, authority.certificate.subject, key.public_key())
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://carillon.test/customer")]),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    files = Certificate(authority.folder / "client.pem", authority.folder / "client.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@dataclass(frozen=True)
class Place:
    """A certificate authority and a server's certificate, shared by all servers of a run."""

    folder: Path
    authority: Authority
    certificate: Certificate
    client: Certificate

    @classmethod
    def make(cls, folder: Path) -> Place:
        authority = Authority(folder / "authority")
        return cls(folder, authority, authority.issue("server"), issue_client(authority))


class Target:
    """One server, on a single loop: the good client shares it with every attacker."""

    def __init__(self, binary: Path, place: Place, folder: Path, flags: Sequence[str] = ()) -> None:
        self.place = place
        port_file = folder / "port"
        self.program = Program(
            [str(binary), "--port", "0", "--port-file", str(port_file), "--certificate",
             str(place.certificate.certificate), "--key", str(place.certificate.key), "--loops", "1", *flags],
            folder / "server.log",
        )  # fmt: skip

        def announced() -> str:
            assert self.program.is_running, f"the server ended: {self.program.tail()}"
            return port_file.read_text().strip() if port_file.exists() else ""

        self.port = int(eventually(announced, "the server listens", 30, seen=self.program.tail))
        self.context = tls(place.authority.file)
        if "--client-ca" in flags:
            self.context.load_cert_chain(place.client.certificate, place.client.key)
        self.control: Peer | None = None
        self.stream = 1

    @property
    def pid(self) -> int:
        return self.program.pid

    def resident(self) -> int:
        """Octets of memory in use."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_seconds(self) -> float:
        return processor_seconds(self.pid)

    def counts(self) -> Counts:
        """Asks on a connection that stays open for this; made anew if the server has ended it."""
        if self.control is None or not self.control.is_open or self.stream > 100_000:
            if self.control:
                self.control.close()
            self.control = Peer(self.port, self.context, source=CUSTOMER, decodes=True)
            self.stream = 1
        answer = self.control.call(self.stream, frames.head(frames.ECHO + "Count"), frames.message())
        self.stream += 2
        self.control.answers.clear()
        assert answer.status == 0, f"Count: {answer}, {self.control.end}, {self.program.tail(500)}"
        numbers = frames.read_numbers(answer.body[5:])
        return Counts(running=numbers.get(1, 0), started=numbers.get(2, 0), cancelled=numbers.get(3, 0))

    def pace(self) -> float:
        """Seconds that a new client needs to connect, ask once and leave: the middle one of five."""
        times = []
        for _ in range(5):
            began = time.monotonic()
            with Peer(self.port, self.context, source=CUSTOMER, decodes=True) as peer:
                answer = peer.call(1, frames.head(frames.ECHO + "Inline"), frames.echo())
                assert answer.status == 0, f"a new client got {answer}, {peer.end}"
            times.append(time.monotonic() - began)
        return sorted(times)[2]

    def end(self) -> None:
        if self.control:
            self.control.close()
        self.program.end(signal.SIGKILL)
