"""What a server counts, and that a real Prometheus can read it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import yaml
from conftest import ServerMaker

from harness import interface
from harness.interface import v1
from harness.mail import MailServer
from harness.metrics import Metrics, MetricsKey, Sample
from harness.processes import Program
from harness.server import HOST, Carillon, environment, run
from harness.supplier import Supplier
from harness.waiting import eventually

PAGE = Path(__file__).resolve().parents[2] / "Sources/carillon/carillon.docc/Metrics.md"


@pytest.fixture(scope="module")
def counted(make_server: ServerMaker, tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """A server of its own: what it counts is what these tests do."""
    key = MetricsKey(tmp_path_factory.mktemp("metrics"))
    return Metrics(make_server(flags=key.flags).start(), key)


@pytest.fixture
def shop(counted: Metrics, mail_server: MailServer) -> Supplier:
    """A tenant with an account of two, one of whom is the default user."""
    supplier = Supplier(counted.server)
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.add_user("mike", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def check(supplier: Supplier, user: str, notification_type: str = "invoice.created", channel: int = 0) -> v1:
    request = v1.CheckPreferenceRequest(user_id=user, notification_type=notification_type, channel=channel)
    return supplier.api.preferences.CheckPreference(request)


def growth(before: Sample, after: Sample, label: str, name: str, **labels: str) -> dict[str, float]:
    """By how much the values of a name have grown, by those of one label."""
    first, last = before.by(label, name, **labels), after.by(label, name, **labels)
    return {one: value - first.get(one, 0) for one, value in last.items() if value != first.get(one, 0)}


DECISIONS = "carillon_decisions_total"


def test_checks_are_counted_by_reason_and_channel(counted: Metrics, shop: Supplier) -> None:
    check(shop, "dora")
    before = counted.read()
    for _ in range(5):
        check(shop, "dora", channel=v1.CHANNEL_EMAIL)
    answer = check(shop, "mike")
    shop.choose("mike", v1.CHOICE_OFF, notification_type="payment.processing")
    check(shop, "mike", "payment.processing", v1.CHANNEL_EMAIL)
    after = counted.read()
    assert growth(before, after, "reason", DECISIONS, where="check", channel="email") == {
        "mandatory_default_user": 5, next(one.reason for one in answer.channels if one.channel == v1.CHANNEL_EMAIL): 1,
        "opted_out": 1,
    }  # fmt: skip
    assert growth(before, after, "verdict", DECISIONS, where="check", channel="email") == {"deliver": 6, "suppress": 1}
    assert sum(growth(before, after, "channel", DECISIONS, where="check").values()) == 5 + len(answer.channels) + 1
    calls = growth(before, after, "code", "carillon_calls_total", method="carillon.v1.PreferenceService/CheckPreference")
    assert calls == {"OK": 7}
    durations = {"method": "carillon.v1.PreferenceService/CheckPreference"}
    name = "carillon_call_duration_seconds"
    assert after.value(f"{name}_count", **durations) - before.value(f"{name}_count", **durations) == 7
    assert after.value(f"{name}_bucket", le="+Inf", **durations) == after.value(f"{name}_count", **durations)


def test_an_event_is_counted_from_publishing_to_its_end(
    counted: Metrics, shop: Supplier, mail_server: MailServer
) -> None:
    before = counted.read()
    event = shop.event("invoice.created")
    response = shop.api.delivery.Publish(event)
    assert shop.api.delivery.Publish(event).replayed
    shop.settled(event_id=response.event_id)
    after = counted.read()
    mails = sum(
        one.channel == v1.CHANNEL_EMAIL and one.verdict == v1.VERDICT_DELIVER
        for recipient in response.recipients
        for one in recipient.channels
    )
    assert mails == len(mail_server.mails_to(shop.domain)) > 0
    assert after.value("carillon_events_published_total") - before.value("carillon_events_published_total") == 1
    for where in ("publish", "send"):
        assert growth(before, after, "verdict", DECISIONS, where=where, channel="email").get("deliver") == mails, where
    told = sum(len(recipient.channels) for recipient in response.recipients)
    assert sum(growth(before, after, "channel", DECISIONS, where="publish").values()) == told
    assert growth(before, after, "outcome", "carillon_delivery_words_total", channel="email") == {"delivered": mails}
    sends = "carillon_send_duration_seconds_count"
    assert after.value(sends, channel="email") - before.value(sends, channel="email") == mails


def test_duties_that_move_are_counted(counted: Metrics, shop: Supplier) -> None:
    before = counted.read()
    shop.add_user("dora", "acme", state=v1.USER_STATE_DISABLED)
    shop.publish("balance.overdue")
    assert growth(before, counted.read(), "to", "carillon_duties_moved_total") == {"stand_in": 1}


def test_a_zone_that_gives_way_is_counted(counted: Metrics, shop: Supplier) -> None:
    """Nobody can store such a zone; it was renamed since."""
    counted.server.database.execute(
        f"UPDATE {shop.schema}.app_user SET time_zone = 'Mars/Olympus' WHERE user_id = 'mike'"
    )
    before = counted.read().value("carillon_zone_fallbacks_total")
    check(shop, "mike")
    assert counted.read().value("carillon_zone_fallbacks_total") > before


def test_what_is_open_and_known_is_measured(counted: Metrics, shop: Supplier) -> None:
    check(shop, "dora")
    sample = counted.read()
    assert sample.value("carillon_ready") == 1
    assert sample.value("carillon_connections_open") >= 1
    assert 0 < sample.value("carillon_facts_bytes") < sample.value("carillon_facts_limit_bytes") == 256 << 20
    assert sample.value("carillon_facts_users") >= 1
    assert sample.value("carillon_facts_users_read_total") >= 1
    for login in ("serve", "work"):
        assert sample.value("carillon_database_connections", login=login) >= 1
    assert sample.value("carillon_worker_tenants") >= 1
    assert 0 < sample.value("process_cpu_seconds_total")
    assert 10 << 20 < sample.value("process_resident_memory_bytes") < 4 << 30
    assert sample.value("metrics_dropped_total") == 0
    watch = shop.portal("dora").inbox.WatchInbox(v1.WatchInboxRequest())
    next(iter(watch))
    assert counted.read().value("carillon_inbox_watchers") == 1
    watch.cancel()
    eventually(lambda: counted.read().value("carillon_inbox_watchers") == 0, "the watch is over")


def test_calls_that_reach_no_method_are_told_apart(counted: Metrics) -> None:
    before = counted.read()
    with pytest.raises(grpc.RpcError):
        counted.server.channel().unary_unary("/made.up.by.a.Stranger/Word")(b"", timeout=10)
    after = counted.read()
    assert growth(before, after, "code", "carillon_calls_total", method="none") == {"UNIMPLEMENTED": 1}
    assert "Stranger" not in after.text


def test_labels_come_from_closed_sets(counted: Metrics, shop: Supplier) -> None:
    check(shop, "dora")
    shop.settled(event_id=shop.publish("invoice.created").event_id)
    methods = {f"{name}/{method.name}" for name, one in interface.services.items() for method in one.methods}
    channels = {name.removeprefix("CHANNEL_").lower() for name in v1.Channel.keys()} - {"unspecified"}
    closed = {
        "method": methods | {"none", "grpc.health.v1.Health/List"},
        "code": {code.name for code in grpc.StatusCode},
        "channel": channels,
        "where": {"check", "publish", "send"},
        "verdict": {"deliver", "defer", "digest", "suppress"},
        "to": {"stand_in", "mailbox", "nobody"},
        "cause": {"abuse", "gave_way", "other"},
        "login": {"serve", "work"},
        "outcome": {
            "delivered", "failed", "suppressed", "expired", "cancelled", "outcome_unknown", "retry", "postponed",
            "released",
        },
    }  # fmt: skip
    source = (PAGE.parents[2] / "Domain/Decision/Reason.swift").read_text()
    codes = re.findall(r"^    case (\w+)(?: = \"([^\"]+)\")?$", source, re.MULTILINE)
    closed["reason"] = {given or case for case, given in codes}
    for name, value in counted.read().label_values():
        if name in closed:
            assert value in closed[name], (name, value)
        else:
            assert name in ("le", "version"), name


def test_the_page_tells_of_what_is_shown(counted: Metrics) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == counted.read().kinds


def test_promtool_has_nothing_to_say(counted: Metrics, shop: Supplier) -> None:
    check(shop, "dora")
    shop.settled(event_id=shop.publish("invoice.created").event_id)
    text = counted.read().text
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


# Who may read


@pytest.mark.parametrize("key", ["", "another-word-of-a-good-length"])
def test_without_the_key_nothing_is_shown(counted: Metrics, key: str) -> None:
    for shown in (key, counted.key.word[:-1], counted.server.secrets.operator_key):
        status, body = counted.ask(key=shown) if shown else counted.ask(key="")
        assert status == 401
        assert "carillon_" not in body and counted.key.word not in body


def test_there_is_nothing_else_on_the_port_and_metrics_are_on_no_other(counted: Metrics) -> None:
    assert counted.ask("/livez")[0] == 404
    assert counted.ask("/metrics", port=counted.server.port)[0] == 404
    credentials = grpc.ssl_channel_credentials(counted.server.authority.pem)
    with grpc.secure_channel(f"{HOST}:{counted.port}", credentials) as channel:
        with pytest.raises(grpc.RpcError) as error:
            channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_it_is_not_shown_to_other_machines_without_a_key(binary: Path, counted: Metrics) -> None:
    arguments = [one for one in counted.server.arguments(f"{HOST}:0") if one != "--metrics-key-file"]
    arguments.remove(str(counted.key.file))
    arguments[arguments.index("--metrics-listen") + 1] = "0.0.0.0:0"
    result = run(binary, "serve", *arguments)
    assert result.returncode == 64
    assert "--metrics-listen can be reached from other machines" in result.stderr


# Prometheus


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Prometheus:
    """A real one, which reads every second."""

    def __init__(self, folder: Path, counted: Metrics) -> None:
        self.port = free_port()
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                {
                    "job_name": "carillon",
                    "scheme": "https",
                    "tls_config": {"ca_file": str(counted.server.authority.file), "server_name": "localhost"},
                    "authorization": {"credentials_file": str(counted.key.file)},
                    "static_configs": [{"targets": [f"{HOST}:{counted.port}"]}],
                }
            ],
        }
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration))
        command = [
            "prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{self.port}",
        ]  # fmt: skip
        self.program = Program(command, folder / "prometheus.log", env=environment(), cwd=folder)

    def ask(self, path: str, **parameters: str) -> dict:
        """What its API answers; nothing while it starts."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v1/{path}?{query}", timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            assert self.program.is_running, self.program.tail()
            return {}

    def value(self, expression: str) -> float | None:
        result = self.ask("query", query=expression).get("result", [])
        return float(result[0]["value"][1]) if result else None

    def problems(self) -> object:
        return [one.get("lastError") for one in self.ask("targets").get("activeTargets", [])], self.program.tail(500)


@pytest.fixture
def prometheus(counted: Metrics, tmp_path: Path) -> Iterator[Prometheus]:
    prometheus = Prometheus(tmp_path, counted)
    yield prometheus
    prometheus.program.end()


def test_a_real_prometheus_reads_it(prometheus: Prometheus, counted: Metrics, shop: Supplier) -> None:
    for _ in range(3):
        check(shop, "dora", channel=v1.CHANNEL_EMAIL)
    counted_now = counted.read().value(DECISIONS, where="check", channel="email")
    eventually(lambda: prometheus.value('up{job="carillon"}') == 1, "Prometheus reads", 30, prometheus.problems)
    expression = f'sum({DECISIONS}{{where="check", channel="email"}})'
    eventually(lambda: prometheus.value(expression) == counted_now, "it has what is counted", 30, prometheus.problems)
    quantile = "histogram_quantile(0.99, sum by (le) (carillon_call_duration_seconds_bucket))"
    assert 0 < (prometheus.value(quantile) or 0) < 10
    described = prometheus.ask("metadata", metric=DECISIONS)[DECISIONS][0]
    assert described["type"] == "counter" and described["help"].startswith("What was decided")
