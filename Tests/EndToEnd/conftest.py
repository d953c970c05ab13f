"""What the tests share: one PostgreSQL, one SMTP server and one serving binary; a tenant for each test.

The binary is the one that the variable E2E_BINARY names. Tests that stop or kill something make a server of their own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import interface
from harness.certificates import Authority, Certificate
from harness.cluster import Cluster
from harness.credentials import ServerSecrets
from harness.mail import MailServer
from harness.metrics import Metrics, MetricsKey
from harness.moving import Movers
from harness.server import Carillon
from harness.supplier import Supplier
from harness.values import SECRET_WORDS

ServerMaker = Callable[..., Carillon]


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    interface.load(tmp_path_factory.mktemp("interface"))


@pytest.fixture(scope="session")
def binary() -> Path:
    named = os.environ.get("E2E_BINARY", "")
    if not named:
        pytest.fail("E2E_BINARY does not name the binary to test", pytrace=False)
    path = Path(named).resolve()
    if not os.access(path, os.X_OK):
        pytest.fail(f"E2E_BINARY names {path}, which is no program: build it first", pytrace=False)
    return path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who vouches for the platform's own services."""
    return Authority(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="session")
def certificate(authority: Authority) -> Certificate:
    return authority.issue("server")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def make_mail_server(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate
) -> Iterator[Callable[..., MailServer]]:
    made: list[MailServer] = []

    def make(**options: object) -> MailServer:
        made.append(MailServer(tmp_path_factory.mktemp("mail"), certificate, **options))
        return made[-1]

    yield make
    for server in made:
        server.end()


@pytest.fixture(scope="session")
def mail_server(make_mail_server: Callable[..., MailServer]) -> Iterator[MailServer]:
    """The relay of the tests in which nothing breaks. Therefore it gets each mail once."""
    server = make_mail_server()
    yield server
    sent = [mail.message_id for mail in server.mails()]
    assert len(sent) == len(set(sent)), f"mails came twice: {sorted({one for one in sent if sent.count(one) > 1})}"


@pytest.fixture(scope="session")
def server_maker(
    binary: Path,
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
    certificate: Certificate,
    cluster: Cluster,
) -> Callable[[list[Carillon]], ServerMaker]:
    """Makes what makes servers, each with a database of its own, and notes them."""

    def maker(made: list[Carillon]) -> ServerMaker:
        def make(own_cluster: Cluster | None = None, **options: object) -> Carillon:
            database = (own_cluster or cluster).make_database()
            folder = tmp_path_factory.mktemp("carillon")
            made.append(Carillon(binary, folder, database, authority, certificate, **options))
            return made[-1]

        return make

    return maker


@pytest.fixture(scope="module")
def make_server(server_maker: Callable[[list[Carillon]], ServerMaker]) -> Iterator[ServerMaker]:
    """Makes servers that are gone at the end of the module: each holds connections, of which a cluster has so many."""
    made: list[Carillon] = []
    yield server_maker(made)
    for server in made:
        server.close()


@pytest.fixture(scope="module")
def movers(
    make_server: ServerMaker, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Movers]:
    """A server whose tenants can live in three databases, one of which is of another cluster."""
    other = Cluster()
    databases = {"second": cluster.make_database(), "far": other.make_database()}
    yield Movers(make_server().start(), databases, tmp_path_factory.mktemp("moves"))
    other.remove()


@pytest.fixture(scope="session")
def metrics_key(tmp_path_factory: pytest.TempPathFactory) -> MetricsKey:
    return MetricsKey(tmp_path_factory.mktemp("metrics"))


@pytest.fixture(scope="session")
def metrics(server: Carillon, metrics_key: MetricsKey) -> Metrics:
    """What the server counts."""
    return Metrics(server, metrics_key)


@pytest.fixture(scope="session")
def server(
    server_maker: Callable[[list[Carillon]], ServerMaker], clients: Authority, metrics_key: MetricsKey
) -> Iterator[Carillon]:
    """The server of the tests in which nothing breaks. It runs from the first of them to the last."""
    flags = ["--tls-client-ca", str(clients.file), "--tls-client-certificates", "optional", *metrics_key.flags]
    made: list[Carillon] = []
    server = server_maker(made)(flags=flags).start()
    process = server.running.process
    try:
        yield server
        ended = f"carillon died: {server.running.tail()}"
        assert process is server.running.process and server.running.is_running, ended
        server.running.send(signal.SIGTERM)
        for channel in server.open_channels:
            channel.close()
        assert server.running.wait() == 0, server.running.tail()
        logged = server.logged()
        # "eyJ" begins every token, for it is how every JSON object begins in base64.
        words = [metrics_key.word, MailServer.PASSWORD, SECRET_WORDS, "eyJ"]
        hidden = [*server.secrets.all(), *server.issued_keys, *words]
        assert [secret for secret in hidden if secret in logged] == [], "the log holds secrets"
    finally:
        server.close()


@pytest.fixture(scope="session")
def channel(server: Carillon):
    """One connection that most tests use."""
    return server.channel()


@pytest.fixture
def make_supplier(server: Carillon, channel: object, mail_server: MailServer) -> Callable[..., Supplier]:
    def make(**options: object) -> Supplier:
        supplier = Supplier(server, channel, **options)
        supplier.connect_mail(mail_server)
        return supplier

    return make


@pytest.fixture
def supplier(make_supplier: Callable[..., Supplier]) -> Supplier:
    """A tenant without accounts, whose mail goes to the relay."""
    return make_supplier()


@pytest.fixture
def secrets(tmp_path: Path) -> ServerSecrets:
    return ServerSecrets(tmp_path)
