"""A real SMTP server, and the mails that it took."""

from __future__ import annotations

import email
import email.policy
import json
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from .certificates import Certificate
from .processes import Program
from .waiting import USUAL, eventually

PROGRAM = Path(__file__).resolve().parents[2] / "Support" / "smtp_server.py"


class Mail:
    """One message as the server took it."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.sender: str = event["sender"]
        self.recipients: list[str] = event["recipients"]
        self.was_encrypted: bool = event["tls"]
        self.user: str | None = event["user"]
        self.raw: bytes = event["content"].encode("latin-1")
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.message = parsed

    @property
    def recipient(self) -> str:
        assert len(self.recipients) == 1, f"one mail for several readers: {self.recipients}"
        return self.recipients[0]

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    def body(self, kind: str) -> str:
        """The text of the part of this kind, `plain` or `html`."""
        part = self.message.get_body((kind,))
        assert part is not None, f"no {kind} part in {self.message.as_string()}"
        return str(part.get_content())

    def everything(self) -> str:
        """All that a reader or a relay could see: headers and bodies, decoded."""
        headers = [f"{name}: {value}" for name, value in self.message.items()]
        parts = [str(part.get_content()) for part in self.message.walk() if not part.is_multipart()]
        return "\n".join([*headers, *parts])

    def __repr__(self) -> str:
        return f"<{self.recipients} {self.subject!r} {self.message_id}>"


class MailServer:
    """aiosmtpd in a process of its own, with STARTTLS and AUTH required."""

    HOST = "127.0.0.1"
    USER = "relay-user"
    PASSWORD = "relay-password-8f14e45f"

    def __init__(self, folder: Path, certificate: Certificate, rules: list[dict[str, Any]] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.record = folder / "events.jsonl"
        self.record.touch()
        self.read = 0
        self.known: list[Mail] = []
        self.program = Program(
            [sys.executable, str(PROGRAM), "--host", self.HOST, "--tls", "starttls", "--pipelining",
             "--certificate", str(certificate.certificate), "--key", str(certificate.key),
             "--user", self.USER, "--password", self.PASSWORD,
             "--rules", json.dumps(rules or []), "--record", str(self.record)],
            folder / "server.log", keeps_input=True,
        )  # fmt: skip
        self.port = int(eventually(self.listening, "the mail server listens", seen=self.program.tail)["port"])

    def listening(self) -> dict[str, Any] | None:
        lines = [line for line in self.program.printed().splitlines() if line.startswith("{")]
        return json.loads(lines[0]) if lines else None

    def mails(self) -> list[Mail]:
        """All mails so far, in the order of their coming."""
        with self.record.open("rb") as file:
            file.seek(self.read)
            fresh = file.read()
        complete = fresh[: fresh.rfind(b"\n") + 1]
        self.read += len(complete)
        events = [json.loads(line) for line in complete.splitlines()]
        self.known += [Mail(event) for event in events if event["event"] == "message"]
        return list(self.known)

    def mails_to(self, *endings: str) -> list[Mail]:
        """The mails to addresses with one of these endings."""
        return [mail for mail in self.mails() if any(name.endswith(endings) for name in mail.recipients)]

    def expect(self, *addresses: str, within: float = USUAL) -> list[Mail]:
        """Waits until each address has a mail and returns all mails to them."""
        wanted = set(addresses)

        def missing() -> set[str]:
            return wanted - {name for mail in self.mails() for name in mail.recipients}

        eventually(lambda: not missing(), f"mail comes to {sorted(wanted)}", within, seen=missing)
        return self.mails_to(*addresses)

    def end(self) -> None:
        self.program.end()
