"""Calls that break the rules of gRPC: each gets the status that the protocol has for it, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc import StatusCode

from harness import interface
from harness.http2 import Answer, Connection, frame, once
from harness.interface import v1
from harness.mail import MailServer
from harness.refusals import Refusal
from harness.server import Carillon
from harness.supplier import Supplier

CHECK = "/carillon.v1.PreferenceService/CheckPreference"
LIST_USERS = "/carillon.v1.AccountService/ListUsers"
PUBLISH = "/carillon.v1.DeliveryService/Publish"
TYPE = "invoice.created"
MEGABYTE = 1024 * 1024

OK, INVALID_ARGUMENT, DEADLINE, EXHAUSTED, UNIMPLEMENTED, INTERNAL = 0, 3, 4, 8, 12, 13


@pytest.fixture(scope="module")
def customers(server: Carillon, channel: grpc.Channel, mail_server: MailServer) -> Iterator[Supplier]:
    """A tenant in which, after all tests of this file, nothing was written."""
    supplier = Supplier(server, channel, name="strict")
    supplier.connect_mail(mail_server)
    supplier.add_account("acme")
    supplier.add_user("dora", "acme")
    supplier.set_default_user("acme", "dora")
    rows = server.database.fingerprint(supplier.schema, frozenset({"queue_owner"}))
    yield supplier
    assert server.database.fingerprint(supplier.schema, frozenset({"queue_owner"})) == rows
    assert mail_server.mails_to(supplier.domain) == []


@pytest.fixture(autouse=True)
def still_serving(customers: Supplier) -> Iterator[None]:
    """After each test the next correct call is answered, by the same process."""
    process = customers.server.running.pid
    yield
    assert customers.server.running.is_running and customers.server.running.pid == process
    request = v1.CheckPreferenceRequest(user_id="dora", notification_type=TYPE)
    assert customers.api.preferences.CheckPreference(request).channels


def key(supplier: Supplier) -> tuple[str, str]:
    return ("authorization", f"Bearer {supplier.key}")


def ask(supplier: Supplier, body: bytes, *extra: tuple[str, str], path: str = CHECK, ends: bool = True) -> Answer:
    return once(supplier.server, lambda one: one.call(path, body, [key(supplier), *extra], ends))


def check_request() -> bytes:
    return v1.CheckPreferenceRequest(user_id="dora", notification_type=TYPE).SerializeToString()


def test_the_right_call_is_answered(customers: Supplier) -> None:
    """What the wrong ones below differ from."""
    answer = ask(customers, frame(check_request()))
    assert (answer.status, answer.grpc_status) == (200, OK)
    assert answer.headers["content-type"].startswith("application/grpc")
    assert len(v1.CheckPreferenceResponse.FromString(answer.body[5:]).channels) == 2


def test_a_message_may_come_in_pieces(customers: Supplier) -> None:
    body = frame(check_request())
    with Connection(customers.server) as connection:
        stream = connection.http.get_next_available_stream_id()
        head = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", CHECK),
                ("content-type", "application/grpc"), ("te", "trailers"), key(customers)]  # fmt: skip
        connection.http.send_headers(stream, head)
        connection.flush()
        for position in range(len(body)):
            connection.http.send_data(stream, body[position : position + 1], end_stream=position == len(body) - 1)
            connection.flush()
        assert connection.answer(stream).grpc_status == OK


# Messages


def test_an_oversized_message_is_refused(customers: Supplier) -> None:
    channel = customers.server.channel(("grpc.max_send_message_length", -1))
    session = customers.server.session(customers.key, channel)
    event = customers.event(TYPE, object="x" * (5 * MEGABYTE))
    with pytest.raises(grpc.RpcError) as error:
        session.delivery.Publish(event)
    assert Refusal(error.value).code == StatusCode.RESOURCE_EXHAUSTED


def test_an_oversized_length_is_refused_at_once(customers: Supplier) -> None:
    """The body never comes, and nobody waits for it."""
    answer = ask(customers, frame(b"", length=0xFFFFFFFF), ends=False)
    assert answer.grpc_status == EXHAUSTED


MESSAGES: dict[str, tuple[bytes, int]] = {
    "not protobuf": (frame(b"\xff\xff\xff\xff\xff\xff"), INTERNAL),
    "cut off": (frame(b"\x0a\x20dora"), INTERNAL),
    # Protocol buffers take a field of another wire type for an unknown one; then the user is not there.
    "a wrong wire type": (frame(b"\x08\x01"), INVALID_ARGUMENT),
    "field 0": (frame(b"\x02\x01a"), INTERNAL),
    "an endless varint": (frame(b"\x08" + b"\x80" * 12), INTERNAL),
    "a group without end": (frame(b"\x7b"), INTERNAL),
    "invalid UTF-8": (frame(b"\x0a\x02\xc3\x28"), INTERNAL),
    "half a surrogate": (frame(b"\x0a\x03\xed\xa0\x80"), INTERNAL),
    "a length without a message": (frame(b"", length=10), INTERNAL),
    "half a prefix": (b"\x00\x00\x00", INTERNAL),
    "compressed without saying how": (frame(b"\x0a\x04dora", flag=1), INTERNAL),
    "an unknown flag": (frame(b"\x0a\x04dora", flag=2), INTERNAL),
    "no message": (b"", UNIMPLEMENTED),
    "two messages": (frame(b"\x0a\x04dora") * 2, UNIMPLEMENTED),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_broken_message_is_refused(customers: Supplier, what: str) -> None:
    body, status = MESSAGES[what]
    answer = ask(customers, body)
    assert (answer.status, answer.grpc_status) == (200, status), answer
    assert answer.message


def test_deep_nesting_is_refused(customers: Supplier) -> None:
    """Lists in lists in lists, by hand: a recursive decoder must not run out of stack."""
    value = b""
    for _ in range(4_000):
        # ContextObject.fields (1) of ObjectList.objects (1) of ContextValue.object_list (11).
        for tag in (b"\x0a", b"\x0a", b"\x5a"):
            value = tag + varint(len(value)) + value
    answer = ask(customers, frame(b"\x4a" + varint(len(value)) + value), path=PUBLISH)
    assert answer.grpc_status == INTERNAL, answer


def varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, number])


def test_unknown_fields_are_passed_over(customers: Supplier) -> None:
    """A client of a later version is served."""
    answer = ask(customers, frame(check_request() + b"\xfa\x7f\x03abc"))
    assert answer.grpc_status == OK


@pytest.mark.parametrize("name", sorted(["Publish", "UpsertUser", "CreateTenant", "PutProvider", "ListInbox"]))
def test_noise_is_refused_by_every_kind_of_method(customers: Supplier, name: str) -> None:
    method = next(m for service in interface.services.values() for m in service.methods if m.name == name)
    tokens = {
        "TenantService": customers.server.secrets.operator_key,
        "InboxService": customers.signer.token("dora"),
    }
    token = tokens.get(method.containing_service.name, customers.key)
    fields = [("authorization", f"Bearer {token}")]
    path = interface.method_path(method)
    answer = once(customers.server, lambda one: one.call(path, frame(b"\xff" * 40), fields))
    assert answer.grpc_status == INTERNAL


# Headers


@pytest.mark.parametrize(
    "path",
    [
        "/carillon.v1.PreferenceService/Nothing",
        "/carillon.v1.NoService/CheckPreference",
        "/carillon.v1.PreferenceService",
        "/CheckPreference",
        "/",
        CHECK + "/",
        CHECK + "?a=b",
        CHECK.lower(),
        "//carillon.v1.PreferenceService/CheckPreference",
    ],
)
def test_an_unknown_method_is_unimplemented(customers: Supplier, path: str) -> None:
    answer = ask(customers, frame(check_request()), path=path)
    assert (answer.status, answer.grpc_status) == (200, UNIMPLEMENTED)


@pytest.mark.parametrize(
    "content_type",
    ["application/json5", "text/plain", "application/grpc-web-text", "application/grpc+thrift", "application/grpcx", ""],
)
def test_a_wrong_content_type_is_415(customers: Supplier, content_type: str) -> None:
    answer = ask(customers, frame(check_request()), ("content-type", content_type))
    assert (answer.status, answer.grpc_status) == (415, None), answer


@pytest.mark.parametrize(
    "content_type", ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8", "Application/GRPC"]
)
def test_each_right_content_type_is_taken(customers: Supplier, content_type: str) -> None:
    assert ask(customers, frame(check_request()), ("content-type", content_type)).grpc_status == OK


GRPC = [("content-type", "application/grpc")]


@pytest.mark.parametrize(
    ("method", "path", "extra", "statuses"),
    [
        ("GET", CHECK, GRPC, {405}),
        ("PUT", CHECK, GRPC, {405}),
        # A call that may be made by GET, without its message (Connect).
        ("GET", CHECK, [], {415}),
        ("GET", PUBLISH, [], {405}),
        ("GET", "/nowhere", [], {404}),
        ("GET", "/", [], {404}),
        ("GET", "/livez/", [], {404}),
        ("GET", "/livez?verbose", [], {200, 404}),
        ("POST", "/livez", [], {405, 415}),
        ("DELETE", "/readyz", [], {405, 415}),
    ],
)
def test_a_wrong_method_or_page_is_said_by_http(
    server: Carillon, method: str, path: str, extra: list[tuple[str, str]], statuses: set[int]
) -> None:
    answer = once(server, lambda connection: connection.request(method, path, extra))
    assert answer.status in statuses and answer.grpc_status is None, answer
    if answer.status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize("timeout", ["", "1", "S", "1x", "-1S", "1.5S", " 1S", "123456789S", "1 S"])
def test_a_malformed_timeout_is_refused(customers: Supplier, timeout: str) -> None:
    answer = ask(customers, frame(check_request()), ("grpc-timeout", timeout))
    # Blanks around a value are cut off by HTTP itself (RFC 9110 §5.5) or make it malformed (RFC 9113 §8.2.1).
    if timeout != timeout.strip():
        assert answer.grpc_status in (OK, INTERNAL) or answer.reset is not None
    else:
        assert answer.grpc_status == INTERNAL, answer


@pytest.mark.parametrize(
    ("path", "timeout"), [(CHECK, "0S"), (CHECK, "0n"), (LIST_USERS, "0S"), (LIST_USERS, "1n"), (LIST_USERS, "1u")]
)
def test_a_deadline_that_is_over_is_exceeded(customers: Supplier, path: str, timeout: str) -> None:
    """Nothing that needs the database can be done within a microsecond."""
    body = frame(check_request()) if path == CHECK else frame(b"")
    answer = ask(customers, body, ("grpc-timeout", timeout), path=path)
    assert answer.grpc_status == DEADLINE


@pytest.mark.parametrize("timeout", ["99999999H", "10S", "5000m", "00000001M"])
def test_each_right_timeout_is_taken(customers: Supplier, timeout: str) -> None:
    assert ask(customers, frame(check_request()), ("grpc-timeout", timeout)).grpc_status == OK


def test_an_unknown_compression_is_unimplemented(customers: Supplier) -> None:
    answer = ask(customers, frame(check_request()), ("grpc-encoding", "brotli"))
    assert answer.grpc_status == UNIMPLEMENTED
    assert "brotli" not in answer.headers.get("grpc-accept-encoding", "absent")
    assert "identity" in answer.headers.get("grpc-accept-encoding", "")


def test_headers_without_measure_are_refused(customers: Supplier) -> None:
    answer = ask(customers, frame(check_request()), *[(f"x-{number}", "y" * 1000) for number in range(40)])
    assert answer.grpc_status == EXHAUSTED or answer.status == 431 or answer.reset is not None, answer
    assert answer.grpc_status != OK


MALFORMED: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "connection": lambda: [("connection", "close")],
    "transfer-encoding": lambda: [("transfer-encoding", "chunked")],
    "capitals": lambda: [("X-Capital", "a")],
    "two paths": lambda: [(":path", "/other")],
    "te: gzip": lambda: [("te", "gzip")],
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_headers_reset_the_stream(customers: Supplier, what: str) -> None:
    try:
        answer = ask(customers, frame(check_request()), *MALFORMED[what]())
    except AssertionError as ended:
        assert "GOAWAY" in str(ended)
        return
    assert answer.reset is not None or answer.status == 400 or answer.grpc_status == INTERNAL, answer


def test_a_cancelled_call_is_forgotten(customers: Supplier) -> None:
    """Many streams that are opened and reset do not keep others from being served."""
    with Connection(customers.server) as connection:
        head = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", CHECK),
                ("content-type", "application/grpc"), ("te", "trailers"), key(customers)]  # fmt: skip
        for _ in range(200):
            stream = connection.http.get_next_available_stream_id()
            connection.http.send_headers(stream, head)
            connection.http.reset_stream(stream, 8)
        connection.flush()
        assert connection.call(CHECK, frame(check_request()), [key(customers)]).grpc_status == OK
