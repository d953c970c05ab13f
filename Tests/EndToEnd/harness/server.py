"""The real binary, serving."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import grpc

from .certificates import Authority, Certificate
from .cluster import Database
from .credentials import ServerSecrets
from .interface import health, v1
from .processes import Program
from .waiting import eventually

HOST = "127.0.0.1"
USUAL_DEADLINE = 20.0


def environment(**variables: str) -> dict[str, str]:
    """Our own environment without what could configure the binary behind a test's back."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CARILLON_", "PG"))}
    return {**clean, **variables}


def run(
    binary: Path, *arguments: str, within: float = 60.0, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command of the binary to its end."""
    return subprocess.run(
        [str(binary), *arguments], capture_output=True, text=True, timeout=within, check=False,
        stdin=subprocess.DEVNULL, env=env or environment(), cwd=cwd,
    )  # fmt: skip


class Calls:
    """A client whose calls carry a credential and a deadline."""

    def __init__(self, client: object, token: str | None) -> None:
        self._client = client
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def __getattr__(self, name: str):
        method = getattr(self._client, name)

        def call(request, timeout: float = USUAL_DEADLINE, metadata: Sequence[tuple[str, str]] = ()):
            return method(request, timeout=timeout, metadata=[*self._metadata, *metadata])

        return call


class Session:
    """All services, spoken to with one credential."""

    def __init__(self, channel: grpc.Channel, token: str | None = None) -> None:
        self.channel = channel
        self.token = token
        self.tenants = Calls(v1.TenantServiceClient(channel), token)
        self.accounts = Calls(v1.AccountServiceClient(channel), token)
        self.catalog = Calls(v1.CatalogServiceClient(channel), token)
        self.preferences = Calls(v1.PreferenceServiceClient(channel), token)
        self.delivery = Calls(v1.DeliveryServiceClient(channel), token)
        self.channels = Calls(v1.ChannelServiceClient(channel), token)
        self.inbox = Calls(v1.InboxServiceClient(channel), token)
        self.health = Calls(health.HealthClient(channel), None)


class Carillon:
    """One `carillon serve` on a free port, with a database that is migrated before the first start."""

    def __init__(
        self, binary: Path, folder: Path, database: Database, authority: Authority, certificate: Certificate,
        secrets: ServerSecrets | None = None, flags: Sequence[str] = (), relay_addresses: str = "any",
    ) -> None:  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.binary = binary
        self.folder = folder
        self.database = database
        self.authority = authority
        self.certificate = certificate
        self.secrets = secrets or ServerSecrets(folder)
        self.flags = list(flags)
        self.relay_addresses = relay_addresses
        self.log = folder / "carillon.log"
        self.port_file = folder / "port"
        self.port = 0
        self.program: Program | None = None
        self.open_channels: list[grpc.Channel] = []
        self.issued_keys: list[str] = []
        self.migrate()

    # Life

    def migrate(self) -> None:
        result = run(self.binary, "migrate", "--database-owner-url", self.database.owner_url)
        assert result.returncode == 0, f"migrate exited with {result.returncode}:\n{result.stdout}{result.stderr}"

    def arguments(self, listen: str) -> list[str]:
        return [
            "--listen", listen,
            "--tls-certificate", str(self.certificate.certificate),
            "--tls-key", str(self.certificate.key),
            "--database-url", self.database.serving_url,
            "--database-worker-url", self.database.worker_url,
            "--database-owner-url", self.database.owner_url,
            "--operator-key-file", str(self.secrets.operator_file),
            "--secrets-key-file", str(self.secrets.sealing_file),
            "--port-file", str(self.port_file),
            # The relays of the tests are on this machine, with certificates of the tests' own authority.
            "--delivery-relay-addresses", self.relay_addresses,
            "--delivery-relay-ca", str(self.authority.file),
            *self.flags,
        ]  # fmt: skip

    def start(self) -> Carillon:
        """Starts it and returns when it listens; the second time on the same port as before."""
        self.port_file.unlink(missing_ok=True)
        self.program = Program(
            [str(self.binary), "serve", *self.arguments(f"{HOST}:{self.port}")], self.log,
            env=environment(), cwd=self.folder,
        )  # fmt: skip
        self.port = int(eventually(self.announced_port, "carillon listens", 30, seen=self.program.tail))
        return self

    def announced_port(self) -> str:
        assert self.running.is_running, f"carillon ended with {self.running.process.returncode}: {self.running.tail()}"
        return self.port_file.read_text().strip() if self.port_file.exists() else ""

    @property
    def running(self) -> Program:
        assert self.program is not None, "carillon was not started"
        return self.program

    def kill(self) -> None:
        self.running.end(signal.SIGKILL)

    def close(self) -> None:
        for channel in self.open_channels:
            channel.close()
        if self.program:
            self.program.end(signal.SIGKILL)

    def logged(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # Speaking to it

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def channel(self, *options: tuple[str, object]) -> grpc.Channel:
        """A channel with a connection of its own."""
        credentials = grpc.ssl_channel_credentials(self.authority.pem)
        own = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 500), *options]
        channel = grpc.secure_channel(self.address, credentials, own)
        self.open_channels.append(channel)
        return channel

    def session(self, token: str | None = None, channel: grpc.Channel | None = None) -> Session:
        return Session(channel or self.channel(), token)

    def operator(self) -> Session:
        return self.session(self.secrets.operator_key)
