"""The commands of the binary, as an operator meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.certificates import Authority, Certificate
from harness.cluster import Cluster
from harness.credentials import ServerSecrets, make_key
from harness.interface import v1
from harness.load import free_port
from harness.processes import Program
from harness.server import HOST, Carillon, environment, run
from harness.waiting import eventually

USAGE, UNAVAILABLE = 64, 69
VARIABLES = (
    "CARILLON_TLS_CERTIFICATE", "CARILLON_TLS_KEY", "CARILLON_DATABASE_URL", "CARILLON_OPERATOR_KEY_FILE",
    "CARILLON_SECRETS_KEY_FILE",
)  # fmt: skip


def test_version(binary: Path) -> None:
    result = run(binary, "version")
    assert result.returncode == 0
    assert result.stdout.startswith("carillon ") and any(letter.isdigit() for letter in result.stdout)
    assert result.stderr == ""


def test_help_names_every_command(binary: Path) -> None:
    result = run(binary, "--help")
    assert result.returncode == 0
    for command in ("serve", "dev", "migrate", "tenant", "audit", "health", "version", "demo"):
        assert command in result.stdout


@pytest.mark.parametrize("arguments", [["serve", "--no-such-flag"], ["no-such-command"], ["tenant", "create"]])
def test_a_wrong_command_line_exits_with_64(binary: Path, arguments: list[str]) -> None:
    result = run(binary, *arguments)
    assert result.returncode == USAGE, result.stderr
    assert result.stdout == "" and result.stderr


def test_everything_missing_is_said_at_once(binary: Path) -> None:
    result = run(binary, "serve")
    assert result.returncode == USAGE
    for variable in VARIABLES:
        assert variable in result.stderr, result.stderr
    assert result.stdout == ""


def test_everything_wrong_is_said_at_once(binary: Path, tmp_path: Path, secrets: ServerSecrets) -> None:
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "operator").write_text(make_key("live"))
    (tmp_path / "sealing").write_text("c2hvcnQ=")
    result = run(
        binary, "serve", "--listen", "nowhere", "--tls-certificate", str(tmp_path / "text.pem"),
        "--tls-key", str(tmp_path / "absent.pem"), "--database-url", "postgresql://carillon_serve:hunter2@/x",
        "--operator-key-file", str(tmp_path / "operator"), "--secrets-key-file", str(tmp_path / "sealing"),
        "--loops", "1000", "--database-connections", "many", "--drain-grace", "0", "--log-level", "loud",
        "--worker-enabled", "perhaps",
    )  # fmt: skip
    assert result.returncode == USAGE, result.stderr
    for flag in ("--listen", "--tls-key", "--operator-key-file", "--secrets-key-file", "--loops",
                 "--database-connections", "--drain-grace", "--log-level", "--worker-enabled"):  # fmt: skip
        assert flag in result.stderr, f"{flag} is not in:\n{result.stderr}"
    for secret in ("hunter2", (tmp_path / "operator").read_text(), "c2hvcnQ="):
        assert secret not in result.stderr


def test_a_key_that_does_not_fit_its_certificate_is_a_mistake(
    binary: Path, authority: Authority, secrets: ServerSecrets
) -> None:
    first, second = authority.issue("first"), authority.issue("second")
    result = run(
        binary, "serve", "--tls-certificate", str(first.certificate), "--tls-key", str(second.key),
        "--database-url", "postgresql://x", "--operator-key-file", str(secrets.operator_file),
        "--secrets-key-file", str(secrets.sealing_file),
    )  # fmt: skip
    assert result.returncode == USAGE and "--tls-certificate" in result.stderr, result.stderr


def test_unknown_keys_of_the_file_are_mistakes(binary: Path, tmp_path: Path) -> None:
    file = tmp_path / "carillon.json"
    file.write_text(json.dumps({"tls": {"certficate": "a.pem"}, "colour": "red"}))
    result = run(binary, "serve", "--config", str(file))
    assert result.returncode == USAGE
    assert "tls.certficate" in result.stderr and "tls.certificate" in result.stderr
    assert "colour" in result.stderr


def test_flags_come_before_environment_before_file(
    binary: Path, cluster: Cluster, tmp_path: Path, authority: Authority, certificate: Certificate
) -> None:
    server = Carillon(binary, tmp_path / "server", cluster.make_database(), authority, certificate)
    ports = [free_port() for _ in range(3)]
    file = tmp_path / "carillon.json"
    file.write_text(
        json.dumps(
            {
                "listen": f"{HOST}:{ports[2]}",
                "tls": {"certificate": str(certificate.certificate), "key": str(certificate.key)},
                "database": {
                    "url": server.database.serving_url, "worker-url": server.database.worker_url,
                    "owner-url": server.database.owner_url,
                },
                "operator": {"key-file": str(server.secrets.operator_file)},
                "secrets": {"key-file": str(server.secrets.sealing_file)},
            }
        )
    )
    for flags, variables, port in [
        (["--listen", f"{HOST}:{ports[0]}"], {"CARILLON_LISTEN": f"{HOST}:{ports[1]}"}, ports[0]),
        ([], {"CARILLON_LISTEN": f"{HOST}:{ports[1]}"}, ports[1]),
        ([], {}, ports[2]),
    ]:
        server.port_file.unlink(missing_ok=True)
        server.program = Program(
            [str(binary), "serve", "--config", str(file), "--port-file", str(server.port_file), *flags],
            server.log, env=environment(**variables),
        )  # fmt: skip
        try:
            assert int(eventually(server.announced_port, "it listens", 30, seen=server.running.tail)) == port
        finally:
            server.kill()


def test_health_exits_by_the_answer(binary: Path, server: Carillon) -> None:
    trust = ("--ca", str(server.authority.file))
    good = run(binary, "health", "--address", server.address, *trust)
    assert (good.returncode, good.stdout.strip()) == (0, "serving"), good.stderr
    service = run(binary, "health", "--address", server.address, *trust, "--service", "carillon.v1.InboxService")
    assert service.returncode == 0
    alive = run(binary, "health", "--address", server.address, *trust, "--service", "liveness")
    assert (alive.returncode, alive.stdout.strip()) == (0, "serving"), alive.stderr
    unknown = run(binary, "health", "--address", server.address, *trust, "--service", "no.Service")
    assert unknown.returncode == 1 and unknown.stderr
    silent = run(binary, "health", "--address", f"{HOST}:{free_port()}", *trust, "--timeout", "2")
    assert silent.returncode == UNAVAILABLE and silent.stderr


def test_health_trusts_nobody_by_chance(binary: Path, server: Carillon, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger")
    result = run(binary, "health", "--address", server.address, "--ca", str(stranger.file), "--timeout", "3")
    assert result.returncode == UNAVAILABLE and result.stderr


def test_tenant_create_prints_the_key_alone(binary: Path, server: Carillon) -> None:
    command = [
        "tenant", "create", "clitenant", "--display-name", "By Command", "--portal-url", "https://portal.cli.example",
        "--address", server.address, "--ca", str(server.authority.file),
        "--operator-key-file", str(server.secrets.operator_file),
    ]  # fmt: skip
    first = run(binary, *command)
    assert first.returncode == 0, first.stderr
    key = first.stdout.strip()
    server.issued_keys.append(key)
    assert first.stdout == key + "\n" and key.startswith("cr_live_")
    server.session(key).accounts.ListUsers(v1.ListUsersRequest())
    again = run(binary, *command)
    assert (again.returncode, again.stdout) == (0, "") and again.stderr


def test_tenant_create_says_what_is_wrong(binary: Path, server: Carillon) -> None:
    result = run(
        binary, "tenant", "create", "Wrong-Name", "--display-name", "x", "--portal-url", "https://a.example",
        "--address", server.address, "--ca", str(server.authority.file),
        "--operator-key-file", str(server.secrets.operator_file),
    )  # fmt: skip
    assert result.returncode not in (0, USAGE) and "tenant_id" in result.stderr


def test_migrate_twice_changes_nothing(binary: Path, cluster: Cluster) -> None:
    database = cluster.make_database()
    first = run(binary, "migrate", "--database-owner-url", database.owner_url)
    assert first.returncode == 0, first.stderr
    version = database.execute("SELECT * FROM carillon.schema_version ORDER BY 1")
    assert version
    second = run(binary, "migrate", "--database-owner-url", database.owner_url)
    assert second.returncode == 0, second.stderr
    assert database.execute("SELECT * FROM carillon.schema_version ORDER BY 1") == version


def test_migrate_without_a_database_fails_with_words(binary: Path, tmp_path: Path) -> None:
    result = run(binary, "migrate", "--database-owner-url", f"postgresql://carillon_owner@/x?host={tmp_path}")
    assert result.returncode not in (0, USAGE) and result.stderr


def test_a_database_that_was_not_migrated_is_not_served(
    binary: Path, cluster: Cluster, authority: Authority, certificate: Certificate, secrets: ServerSecrets
) -> None:
    database = cluster.make_database()
    result = run(
        binary, "serve", "--listen", f"{HOST}:0", "--tls-certificate", str(certificate.certificate),
        "--tls-key", str(certificate.key), "--database-url", database.serving_url,
        "--database-worker-url", database.worker_url,
        "--operator-key-file", str(secrets.operator_file), "--secrets-key-file", str(secrets.sealing_file),
        within=40,
    )  # fmt: skip
    assert result.returncode not in (0, USAGE), result.stderr
    assert "migrate" in result.stderr


def test_a_port_in_use_is_said(binary: Path, server: Carillon, tmp_path: Path) -> None:
    result = run(binary, "serve", *server.arguments(server.address), within=40)
    assert result.returncode not in (0, USAGE)
    assert str(server.port) in result.stderr, result.stderr


def test_the_serving_process_shows_no_secret(server: Carillon) -> None:
    """Everybody on the machine can read the command line."""
    command = Path(f"/proc/{server.running.pid}/cmdline").read_bytes().decode()
    for secret in server.secrets.all():
        assert secret not in command
