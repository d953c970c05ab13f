"""The tenants' secrets: sealed by keys that are rotated while a server runs, and shown to nobody."""

from __future__ import annotations

import base64
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.interface import v1
from harness.mail import MailServer
from harness.server import Carillon, environment, run
from harness.supplier import Supplier
from harness.waiting import eventually

USAGE = 64


def new_line(binary: Path) -> str:
    result = run(binary, "secrets", "generate")
    assert result.returncode == 0 and result.stderr == ""
    return result.stdout.strip()


def rotate(server: Carillon, *arguments: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    source = [] if key else ["--secrets-key-file", str(server.secrets.sealing_file)]
    variables = {"CARILLON_SECRETS_KEY": key} if key else {}
    result = run(
        server.binary, "secrets", "rotate", "--database-owner-url", server.database.owner_url, *source, *arguments,
        env=environment(**variables),
    )  # fmt: skip
    for line in (key or server.secrets.sealing_file.read_text()).split():
        assert line not in result.stdout + result.stderr
    return result


def wrappers(server: Carillon) -> set[str]:
    """The keys that data keys are wrapped with."""
    rows = server.database.execute("SELECT DISTINCT encode(substr(wrapped_data_key, 1, 8), 'hex') FROM carillon.tenant")
    return set(rows.split())


def spell(password: str) -> list[str]:
    """The forms in which a password could get out without being seen at once."""
    octets = password.encode()
    return [password, octets.hex(), base64.b64encode(octets).decode().rstrip("="), password[::-1]]


def mails_get_through(supplier: Supplier, relay: MailServer) -> None:
    """The relay takes mails of those alone who know the password."""
    before = len(relay.mails())
    supplier.publish("invoice.created")
    eventually(lambda: len(relay.mails()) > before, "the mail is sent with the stored password")


def test_the_key_is_rotated_while_a_server_runs(
    make_server: Callable[..., Carillon], make_mail_server: Callable[..., MailServer]
) -> None:
    server = make_server(flags=["--loops", "1", "--database-connections", "2"])
    file = server.secrets.sealing_file
    old = file.read_text().strip()
    server.start()
    relay = make_mail_server()
    suppliers = [Supplier(server) for _ in range(3)]
    for supplier in suppliers:
        supplier.connect_mail(relay)
        supplier.add_account("acme")
        supplier.add_user("dora", "acme")
        supplier.set_default_user("acme", "dora")
    mails_get_through(suppliers[0], relay)
    (old_id,) = wrappers(server)
    check = rotate(server, "--check")
    assert check.returncode == 0 and f"key {old_id} (first of the file): 3 data keys" in check.stdout, check

    # A server that has both can be there before the rotation. It goes on over it.
    new = new_line(server.binary)
    file.write_text(f"{new}\n{old}\n")
    server.running.send(signal.SIGTERM)
    assert server.running.wait() == 0
    server.start()
    mails_get_through(suppliers[0], relay)
    check = rotate(server, "--check")
    assert check.returncode == 1 and "3 data keys are not wrapped by the first key" in check.stdout, check
    assert f"key {old_id} (older): 3 data keys" in check.stdout
    assert wrappers(server) == {old_id}

    result = rotate(server)
    assert result.returncode == 0 and "older keys can be removed" in result.stdout, result
    assert "wrapped 3 of 3 data keys anew" in result.stderr
    (new_id,) = wrappers(server)
    assert new_id != old_id and f"key {new_id} (first of the file): 3 data keys" in result.stdout
    assert f"key {old_id} (older): 0 data keys" in result.stdout
    # The server read its tenants before and after; what it made meanwhile is wrapped by the new key.
    for supplier in suppliers:
        mails_get_through(supplier, relay)
    late = Supplier(server)
    late.connect_mail(relay)
    assert wrappers(server) == {new_id}

    # Without the old key everything still opens; without the new one the data keys do not, and that is told.
    file.write_text(f"{new}\n")
    server.running.send(signal.SIGTERM)
    assert server.running.wait() == 0
    server.start()
    mails_get_through(suppliers[0], relay)
    assert rotate(server, "--check").returncode == 0
    lost = rotate(server, key=old)
    assert lost.returncode == 1 and f"key {new_id} (not in the file): 4 data keys" in lost.stdout, lost
    assert f"the data key of {suppliers[0].id} does not open" in lost.stderr
    assert wrappers(server) == {new_id}


def test_a_rotation_can_be_killed_and_met_by_others(make_server: Callable[..., Carillon]) -> None:
    """What was half done is done by the next, and several at once do it together."""
    server = make_server(flags=["--loops", "1", "--database-connections", "2", "--worker-enabled", "false"])
    file = server.secrets.sealing_file
    old = file.read_text().strip()
    server.start()
    suppliers = [Supplier(server) for _ in range(4)]
    new = new_line(server.binary)
    file.write_text(f"{new}\n{old}\n")
    command = [
        str(server.binary), "secrets", "rotate", "--database-owner-url", server.database.owner_url,
        "--secrets-key-file", str(file),
    ]  # fmt: skip
    with server.database.row_locked(f"carillon.tenant WHERE tenant_id = '{max(one.id for one in suppliers)}'"):
        # It waits for the lock with all of its batch; then it is gone.
        killed = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        eventually(
            lambda: server.database.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carillon secrets'"
            ) != "0",
            "the rotation is connected",
        )  # fmt: skip
        killed.kill()
        killed.communicate()
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(3)]
    # A server with the old key alone makes a tenant meanwhile.
    late = Supplier(server)
    for one in several:
        output, _ = one.communicate(timeout=60)
        assert one.returncode in (0, 1), output
    result = rotate(server)
    assert result.returncode == 0, result
    assert len(wrappers(server)) == 1
    count = server.database.execute("SELECT count(*) FROM carillon.tenant")
    assert f"(first of the file): {count} data keys" in result.stdout
    server.kill()
    server.start()
    for supplier in [*suppliers, late]:
        supplier.api.channels.PutProvider(provider(supplier, "opens", "hunter2-opens"))


def provider(supplier: Supplier, identifier: str, password: str) -> object:
    settings = v1.SmtpSettings(
        host="relay.example.com", port=587, security=v1.SMTP_SECURITY_STARTTLS, username="u", password=password,
        from_address=f"news@{supplier.domain}",
    )  # fmt: skip
    return v1.PutProviderRequest(
        provider=v1.Provider(provider_id=identifier, channel=v1.CHANNEL_EMAIL, smtp=settings)
    )


def test_a_password_goes_in_and_never_comes_out(server: Carillon, supplier: Supplier) -> None:
    """Not in an answer, the database, its audit or the log."""
    password = "correct-horse-battery-staple-7261"
    answers = [supplier.api.channels.PutProvider(provider(supplier, "second", password))]
    answers.append(supplier.api.channels.PutProvider(provider(supplier, "second", password)))
    kept = provider(supplier, "second", "")
    kept.provider.display_name = "renamed"
    answers.append(supplier.api.channels.PutProvider(kept))
    answers.append(supplier.api.channels.ListProviders(v1.ListProvidersRequest()))
    answers.append(server.operator().tenants.GetTenant(v1.GetTenantRequest(tenant_id=supplier.id)))
    answers.append(server.operator().tenants.ListTenants(v1.ListTenantsRequest()))
    told = "".join(f"{answer}{answer.SerializeToString()!r}" for answer in answers)
    assert "relay.example.com" in told

    schemas = [supplier.schema, "carillon"]
    stored = {
        f"{schema}.{table}": server.database.execute(f'SELECT t::text FROM {schema}."{table}" t')
        for schema in schemas
        for table in server.database.tables(schema)
    }
    assert "relay.example.com" in stored[f"{supplier.schema}.provider"]
    assert "relay.example.com" in stored[f"{supplier.schema}.audit"]
    logged = server.logged()
    for form in spell(password):
        assert form not in told
        assert form not in logged
        assert [table for table, rows in stored.items() if form in rows] == []


def test_the_key_can_come_by_the_environment(
    binary: Path, make_server: Callable[..., Carillon]
) -> None:
    """There is no flag, and two places at once are a mistake."""
    key = new_line(binary)
    flag = run(binary, "serve", "--secrets-key", key)
    assert flag.returncode == USAGE
    server = make_server(flags=["--loops", "1", "--worker-enabled", "false"])
    server.start()
    Supplier(server)
    both = run(
        binary, "secrets", "rotate", "--database-owner-url", server.database.owner_url,
        "--secrets-key-file", str(server.secrets.sealing_file), env=environment(CARILLON_SECRETS_KEY=key),
    )  # fmt: skip
    assert both.returncode == USAGE and "CARILLON_SECRETS_KEY" in both.stderr and key not in both.stderr
    good = rotate(server, key=f"{key}\n{server.secrets.sealing_file.read_text()}")
    assert good.returncode == 0, good


@pytest.mark.parametrize("arguments", [["secrets", "rotate"], ["secrets"]])
def test_what_is_missing_is_said(binary: Path, arguments: list[str]) -> None:
    result = run(binary, *arguments)
    if arguments[-1] == "rotate":
        assert result.returncode == USAGE
        assert "CARILLON_DATABASE_OWNER_URL" in result.stderr and "CARILLON_SECRETS_KEY_FILE" in result.stderr
    else:
        assert "rotate" in result.stdout and "generate" in result.stdout
