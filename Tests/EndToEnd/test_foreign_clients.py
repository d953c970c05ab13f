"""The real binary, spoken to by clients that are not gRPC C-core: the same answers in every protocol and codec.

What grpcio hears is what the others have to hear. How deep the transport goes is the business of Tests/Conformance.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
from connectrpc.client import ConnectClientSync
from connectrpc.code import Code
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from google.protobuf.json_format import MessageToDict
from google.rpc import error_details_pb2
from grpclib.client import Channel, UnaryUnaryMethod
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

from harness import interface
from harness.interface import PROTOS, health, v1
from harness.server import Carillon
from harness.supplier import Supplier

TYPE = "invoice.created"
PREFERENCES = "carillon.v1.PreferenceService"
INBOX = "carillon.v1.InboxService"
HEALTH = "grpc.health.v1.Health"
PATIENCE_MS = 20_000

DIALECTS = {
    f"{name}-{codec}": (protocol, coder)
    for name, protocol in (
        ("grpc", ProtocolType.GRPC), ("web", ProtocolType.GRPC_WEB), ("connect", ProtocolType.CONNECT)
    )  # fmt: skip
    for codec, coder in (("proto", google_protobuf_binary_codec), ("json", google_protobuf_json_codec))
}


@pytest.fixture
def customers(supplier: Supplier) -> Supplier:
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    return supplier


def check_request() -> object:
    return v1.CheckPreferenceRequest(user_id="dora", notification_type=TYPE)


def verdict(customers: Supplier) -> dict:
    """What grpcio hears, in JSON."""
    return MessageToDict(customers.api.preferences.CheckPreference(check_request()))


# curl, as fetch in a browser would ask


def curl(server: Carillon, path: str, fields: Mapping[str, str], document: object = None) -> tuple[int, dict]:
    command = [
        "curl", "--silent", "--show-error", "--http2", "--max-time", "20", "--cacert", str(server.authority.file),
        "--connect-to", f"localhost:{server.port}:127.0.0.1:{server.port}", "--write-out", "\n%{http_code}",
    ]  # fmt: skip
    for name, value in fields.items():
        command += ["--header", f"{name}: {value}"]
    if document is not None:
        command += ["--data-binary", "@-"]
    given = json.dumps(document) if document is not None else ""
    result = subprocess.run(
        [*command, f"https://localhost:{server.port}{path}"], input=given, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    body, _, status = result.stdout.rpartition("\n")
    return int(status), json.loads(body)


def credential(supplier: Supplier) -> dict[str, str]:
    return {"authorization": f"Bearer {supplier.key}"}


def test_json_by_post(customers: Supplier) -> None:
    fields = {"content-type": "application/json", **credential(customers)}
    question = {"userId": "dora", "notificationType": TYPE}
    status, answer = curl(customers.server, f"/{PREFERENCES}/CheckPreference", fields, question)
    assert (status, answer) == (200, verdict(customers))


def test_json_by_get(customers: Supplier) -> None:
    question = urlencode(
        {"connect": "v1", "encoding": "json", "message": json.dumps({"userId": "dora", "notificationType": TYPE})}
    )
    path = f"/{PREFERENCES}/CheckPreference?{question}"
    assert curl(customers.server, path, credential(customers)) == (200, verdict(customers))


def test_json_without_a_credential(customers: Supplier) -> None:
    fields = {"content-type": "application/json"}
    status, answer = curl(customers.server, f"/{PREFERENCES}/CheckPreference", fields, {"userId": "dora"})
    assert (status, answer["code"]) == (401, "unauthenticated")


def test_json_with_a_wrong_field(customers: Supplier) -> None:
    """The details are those that gRPC carries in grpc-status-details-bin."""
    fields = {"content-type": "application/json", **credential(customers)}
    question = {"userId": "no such id!", "notificationType": TYPE}
    status, answer = curl(customers.server, f"/{PREFERENCES}/CheckPreference", fields, question)
    assert (status, answer["code"]) == (400, "invalid_argument")
    (detail,) = (one for one in answer["details"] if one["type"] == "google.rpc.BadRequest")
    bad = error_details_pb2.BadRequest.FromString(base64.b64decode(detail["value"] + "=="))
    assert [one.field for one in bad.field_violations] == ["user_id"]


# connectrpc


@pytest.fixture(scope="module")
def http(server: Carillon) -> SyncClient:
    return SyncClient(SyncHTTPTransport(tls_ca_cert=server.authority.pem, http_version=HTTPVersion.HTTP2))


@pytest.fixture(params=DIALECTS)
def client(request: pytest.FixtureRequest, server: Carillon, http: SyncClient) -> Iterator[ConnectClientSync]:
    protocol, coder = DIALECTS[request.param]
    with ConnectClientSync(
        f"https://localhost:{server.port}", codec=coder(), protocol=protocol, http_client=http, timeout_ms=PATIENCE_MS
    ) as client:
        yield client


def method(service: str, name: str) -> MethodInfo:
    described = interface.services[service].methods_by_name[name]
    return MethodInfo(
        name=name, service_name=service, input=interface.message_class(described.input_type),
        output=interface.message_class(described.output_type), idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS,
        stream_type=StreamType.SERVER_STREAM if described.server_streaming else StreamType.UNARY,
    )  # fmt: skip


def test_health_in_every_dialect(client: ConnectClientSync) -> None:
    answer = client.execute_unary(request=health.HealthCheckRequest(), method=method(HEALTH, "Check"))
    assert answer.status == health.HealthCheckResponse.SERVING


def test_check_in_every_dialect(client: ConnectClientSync, customers: Supplier) -> None:
    answer = client.execute_unary(
        request=check_request(), method=method(PREFERENCES, "CheckPreference"), headers=credential(customers)
    )
    assert MessageToDict(answer) == verdict(customers)


def test_a_refusal_in_every_dialect(client: ConnectClientSync) -> None:
    with pytest.raises(ConnectError) as refusal:
        client.execute_unary(request=check_request(), method=method(PREFERENCES, "CheckPreference"))
    assert refusal.value.code is Code.UNAUTHENTICATED, refusal.value


def test_the_inbox_is_watched_in_every_dialect(client: ConnectClientSync, customers: Supplier) -> None:
    """The stream of the portal: the counts at once, and the item when it comes."""
    token = customers.portal("dora").token
    watch = client.execute_server_stream(
        request=v1.WatchInboxRequest(), method=method(INBOX, "WatchInbox"), headers={"authorization": f"Bearer {token}"}
    )
    first = next(watch)
    assert (first.WhichOneof("update"), first.counts.total) == ("counts", 0)
    customers.publish(TYPE)
    while (update := next(watch)).WhichOneof("update") != "item":
        pass
    assert update.item.notification_type == TYPE
    watch.close()


# grpclib, buf and k6


async def ask_by_grpclib(customers: Supplier) -> object:
    context = ssl.create_default_context(cafile=str(customers.server.authority.file))
    context.set_alpn_protocols(["h2"])
    async with Channel("localhost", customers.server.port, ssl=context) as channel:
        path = f"/{PREFERENCES}/CheckPreference"
        call = UnaryUnaryMethod(channel, path, v1.CheckPreferenceRequest, v1.CheckPreferenceResponse)
        return await call(check_request(), timeout=20, metadata=credential(customers))


def test_check_by_grpclib(customers: Supplier) -> None:
    assert MessageToDict(asyncio.run(ask_by_grpclib(customers))) == verdict(customers)


def beside(name: str) -> str:
    """A program from PyPI, beside the interpreter that runs the tests."""
    return str(Path(sys.executable).parent / name)


@pytest.mark.parametrize("protocol", ["grpc", "grpcweb", "connect"])
def test_check_by_buf(customers: Supplier, protocol: str) -> None:
    server = customers.server
    command = [
        beside("buf"), "curl", "--cacert", str(server.authority.file), "--schema", str(PROTOS), "--protocol", protocol,
        "--header", f"authorization: Bearer {customers.key}", "--data",
        json.dumps({"userId": "dora", "notificationType": TYPE}),
        f"https://localhost:{server.port}/{PREFERENCES}/CheckPreference",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == verdict(customers)


K6 = """
import grpc from 'k6/net/grpc';
import http from 'k6/http';
export const options = { vus: 2, iterations: 20 };
const authority = open(__ENV.CA);
const client = new grpc.Client();
client.load([__ENV.PROTOS], 'carillon/v1/preference_service.proto');
const path = 'carillon.v1.PreferenceService/CheckPreference';
const question = { userId: 'dora', notificationType: 'invoice.created' };
const authorization = `Bearer ${__ENV.KEY}`;
export default function () {
  client.connect(__ENV.ADDRESS, { tls: { cacerts: [authority] } });
  const answer = client.invoke(path, question, { metadata: { authorization } });
  console.log(JSON.stringify([answer.status, answer.message]));
  client.close();
  const fetched = http.post(`https://${__ENV.ADDRESS}/${path}`, JSON.stringify(question),
    { headers: { authorization, 'content-type': 'application/json' } });
  console.log(JSON.stringify([fetched.status === 200 ? 0 : fetched.status, fetched.json()]));
}
"""


def test_check_by_k6(customers: Supplier, tmp_path: Path) -> None:
    """grpc-go, and fetch as net/http of Go does it: two users, twenty turns."""
    script = tmp_path / "check.js"
    script.write_text(K6)
    server = customers.server
    command = [
        beside("k6"), "run", "--quiet", "--no-usage-report", "--no-summary", "--log-format", "raw",
        "--env", f"ADDRESS=localhost:{server.port}", "--env", f"CA={server.authority.file}",
        "--env", f"PROTOS={PROTOS}", "--env", f"KEY={customers.key}", str(script),
    ]  # fmt: skip
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SSL_CERT_FILE": str(server.authority.file)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    answers = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("[")]
    wanted = verdict(customers)
    assert len(answers) == 40 and all(status == 0 for status, _ in answers), answers[:3]
    # grpc-go writes defaults too.
    assert all(
        {one["channel"] for one in answer["channels"]} == {one["channel"] for one in wanted["channels"]}
        for _, answer in answers
    )
