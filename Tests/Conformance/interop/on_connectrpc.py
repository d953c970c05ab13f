"""A part of the interop table on connectrpc, in the three protocols that it speaks, each with protobuf and with JSON."""

from __future__ import annotations

import base64
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectrpc.client import ConnectClientSync, ResponseMetadata
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.compression.gzip import GzipCompression
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.protocol import ProtocolType
from google.protobuf.message import Message
from pyqwest import HTTPVersion, SyncClient, SyncHTTPTransport

from .messages import (
    BIG_RESPONSE,
    ECHO,
    ECHO_INITIAL,
    ECHO_TRAILING,
    REQUEST_SIZES,
    RESPONSE_SIZES,
    SPECIAL_MESSAGE,
    TEST,
    Interface,
)
from .outcome import Report, Target, expect, run_as_program

PATIENCE_MS = 20_000

PROTOCOLS = {"grpc": ProtocolType.GRPC, "web": ProtocolType.GRPC_WEB, "connect": ProtocolType.CONNECT}
CODECS: dict[str, Callable[[], Codec]] = {"proto": google_protobuf_binary_codec, "json": google_protobuf_json_codec}
STREAMS = {
    (False, False): StreamType.UNARY,
    (False, True): StreamType.SERVER_STREAM,
    (True, False): StreamType.CLIENT_STREAM,
    (True, True): StreamType.BIDI_STREAM,
}


def trailing_value(text: str) -> bytes:
    """A `-bin` value, padded or not."""
    return base64.b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def failing(code: Code, words: str | None = None) -> Iterator[list[ConnectError]]:
    """Expects the block to fail with a code; the error is in the list afterwards."""
    caught: list[ConnectError] = []
    try:
        yield caught
    except ConnectError as error:
        expect((error.code, error.message if words is not None else None), (code, words), "error")
        caught.append(error)
        return
    raise AssertionError(f"the call went well instead of failing with {code.name}")


class Table:
    """The cases of one protocol and codec."""

    CONNECT = {"get", "get_compressed", "get_of_what_may_not", "http_status_of_errors", "unknown_codec"}
    """Those that only Connect has."""

    def __init__(self, target: Target, interface: Interface, http: SyncClient, protocol: str, codec: str) -> None:
        self.target = target
        self.interface = interface
        self.http = http
        self.protocol = protocol
        self.codec = codec
        self.empty = interface.message("grpc.testing.Empty")()
        self.client = self.make_client()

    def make_client(self, **options: object) -> ConnectClientSync:
        return ConnectClientSync(
            f"https://{self.target.address}", codec=CODECS[self.codec](), protocol=PROTOCOLS[self.protocol],
            http_client=self.http, timeout_ms=PATIENCE_MS, **options,
        )  # fmt: skip

    def cases(self) -> Iterator[tuple[str, Callable[[], None]]]:
        for name in vars(type(self)):
            case = name.removeprefix("case_")
            if case != name and (case not in self.CONNECT or self.protocol == "connect"):
                yield case, getattr(self, name)

    def method(self, service: str, name: str) -> MethodInfo:
        found = self.interface.method(service, name)
        request, response = self.interface.classes(found)
        is_safe = found.GetOptions().idempotency_level == 1
        return MethodInfo(
            name=name, service_name=service, input=request, output=response,
            idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS if is_safe else IdempotencyLevel.UNKNOWN,
            stream_type=STREAMS[(found.client_streaming, found.server_streaming)],
        )  # fmt: skip

    def unary(self, service: str, name: str, request: Message, **options: object) -> Message:
        client = options.pop("client", self.client)
        return client.execute_unary(request=request, method=self.method(service, name), **options)

    def answers(self, service: str, name: str, request: Message, **options: object) -> Iterator[Message]:
        client = options.pop("client", self.client)
        return client.execute_server_stream(request=request, method=self.method(service, name), **options)

    def nothing_runs(self) -> None:
        request = self.interface.message("carillon.testing.v1.CountRequest")()
        end = time.monotonic() + 20
        while running := self.unary(ECHO, "Count", request).running:
            assert time.monotonic() < end, f"{running} handlers still run"
            time.sleep(0.02)

    # One message each way

    def case_empty_unary(self) -> None:
        expect(self.unary(TEST, "EmptyCall", self.empty), self.empty, "the message")

    def case_large_unary(self) -> None:
        answer = self.unary(TEST, "UnaryCall", self.interface.simple_request())
        expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")

    def case_uncompressed_unary(self) -> None:
        client = self.make_client(send_compression=None, accept_compression=())
        answer = self.unary(TEST, "UnaryCall", self.interface.simple_request(), client=client)
        expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")

    def case_compressed_request(self) -> None:
        client = self.make_client(send_compression=GzipCompression(), accept_compression=())
        request = self.interface.simple_request()
        request.expect_compressed.value = True
        answer = self.unary(TEST, "UnaryCall", request, client=client)
        expect(len(answer.payload.body), BIG_RESPONSE, "the size")

    def case_compressed_response(self) -> None:
        client = self.make_client(send_compression=None, accept_compression=(GzipCompression(),))
        request = self.interface.simple_request()
        request.response_compressed.value = True
        with ResponseMetadata() as sent:
            answer = self.unary(TEST, "UnaryCall", request, client=client)
        expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")
        field = "content-encoding" if self.protocol == "connect" else "grpc-encoding"
        # The HTTP client takes content-encoding away as it decodes.
        if self.protocol != "connect":
            expect(sent.headers.get(field), "gzip", field)

    # Streams

    def case_server_streaming(self) -> None:
        answers = self.answers(TEST, "StreamingOutputCall", self.interface.output_request(*RESPONSE_SIZES))
        expect([len(one.payload.body) for one in answers], list(RESPONSE_SIZES), "sizes")

    def case_server_streaming_compressed(self) -> None:
        request = self.interface.output_request(31415, 92653)
        request.response_parameters[0].compressed.value = True
        answers = self.answers(TEST, "StreamingOutputCall", request)
        expect([one.payload.body for one in answers], [bytes(31415), bytes(92653)], "payloads")

    def case_server_streaming_of_nothing(self) -> None:
        expect(list(self.answers(TEST, "StreamingOutputCall", self.interface.output_request())), [], "messages")

    def case_server_streaming_fails_late(self) -> None:
        details = self.interface.status_with_details(9, "not so")
        request = self.interface.fail_request(9, "not so", details.SerializeToString(), 3)
        answers = self.answers(ECHO, "FailLate", request)
        for _ in range(3):
            next(answers)
        with failing(Code.FAILED_PRECONDITION, "not so") as caught:
            next(answers)
        self.check_details(caught[0])

    def case_server_streaming_fails_at_once(self) -> None:
        request = self.interface.fail_request(5, "nothing here")
        with failing(Code.NOT_FOUND, "nothing here"):
            list(self.answers(ECHO, "FailLate", request))

    def case_large_stream(self) -> None:
        """4 MiB, many times the window of a stream."""
        request = self.interface.message("carillon.testing.v1.PourRequest")(messages=64, size=65536)
        expect([len(one.payload) for one in self.answers(ECHO, "Pour", request)], [65536] * 64, "sizes")

    def case_client_streaming(self) -> None:
        requests = (self.interface.input_request(size) for size in REQUEST_SIZES)
        answer = self.client.execute_client_stream(
            request=requests, method=self.method(TEST, "StreamingInputCall")
        )
        expect(answer.aggregated_payload_size, sum(REQUEST_SIZES), "aggregated_payload_size")

    def case_ping_pong(self) -> None:
        waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        answers = self.client.execute_bidi_stream(
            request=iter(waiting.get, None), method=self.method(TEST, "FullDuplexCall")
        )
        for asked, sent in zip(RESPONSE_SIZES, REQUEST_SIZES):
            waiting.put(self.interface.output_request(asked, payload=sent))
            expect(len(next(answers).payload.body), asked, "the size")
        waiting.put(None)
        expect(list(answers), [], "further messages")

    # Metadata and errors

    def check_details(self, error: ConnectError) -> None:
        (detail,) = error.details
        expect(detail.type_name, "google.rpc.BadRequest", "the type of the detail")
        bad = self.interface.message("google.rpc.BadRequest").FromString(detail.message_bytes)
        expect(bad.field_violations[0].description, "too long ☺", "the detail")

    def case_error_with_details(self) -> None:
        details = self.interface.status_with_details(9, "not so").SerializeToString()
        with failing(Code.FAILED_PRECONDITION, "not so") as caught:
            self.unary(ECHO, "Fail", self.interface.fail_request(9, "not so", details))
        self.check_details(caught[0])

    def case_every_code(self) -> None:
        for number, code in enumerate(Code, start=1):
            with failing(code, f"number {number}"):
                self.unary(ECHO, "Fail", self.interface.fail_request(number, f"number {number}"))

    def case_status_code_and_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, "test status message"
        with failing(Code.UNKNOWN, "test status message"):
            self.unary(TEST, "UnaryCall", request)

    def case_special_status_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, SPECIAL_MESSAGE
        with failing(Code.UNKNOWN, SPECIAL_MESSAGE):
            self.unary(TEST, "UnaryCall", request)

    def custom_metadata(self, call: Callable[[dict[str, str]], object]) -> None:
        name, value = ECHO_TRAILING
        with ResponseMetadata() as sent:
            call({ECHO_INITIAL[0]: ECHO_INITIAL[1], name: base64.b64encode(value).decode()})
        expect(sent.headers.get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        expect(trailing_value(sent.trailers.get(name) or ""), value, "trailing metadata")

    def case_custom_metadata_unary(self) -> None:
        request = self.interface.simple_request()
        self.custom_metadata(lambda headers: self.unary(TEST, "UnaryCall", request, headers=headers))

    def case_custom_metadata_streaming(self) -> None:
        request = self.interface.output_request(5)
        self.custom_metadata(
            lambda headers: list(self.answers(TEST, "StreamingOutputCall", request, headers=headers))
        )

    def case_unimplemented_method(self) -> None:
        with failing(Code.UNIMPLEMENTED):
            self.unary(TEST, "UnimplementedCall", self.empty)

    def case_unimplemented_service(self) -> None:
        with failing(Code.UNIMPLEMENTED):
            self.unary("grpc.testing.UnimplementedService", "UnimplementedCall", self.empty)

    def case_unsupported_payload_type(self) -> None:
        request = self.interface.simple_request(size=1, payload=1)
        request.response_type = 77
        with failing(Code.INVALID_ARGUMENT):
            self.unary(TEST, "UnaryCall", request)

    # Ends before the end, and limits

    def case_deadline_stops_the_handler(self) -> None:
        with failing(Code.DEADLINE_EXCEEDED):
            self.unary(ECHO, "Hang", self.interface.echo(b""), timeout_ms=200)
        self.nothing_runs()

    def case_deadline_of_a_stream(self) -> None:
        request = self.interface.output_request(1, 2, interval_us=300_000)
        with failing(Code.DEADLINE_EXCEEDED):
            list(self.answers(TEST, "StreamingOutputCall", request, timeout_ms=400))
        self.nothing_runs()

    def case_cancel_after_first_response(self) -> None:
        waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        answers = self.client.execute_bidi_stream(
            request=iter(waiting.get, None), method=self.method(TEST, "FullDuplexCall")
        )
        waiting.put(self.interface.output_request(31415, payload=27182))
        expect(len(next(answers).payload.body), 31415, "the size")
        answers.close()
        waiting.put(None)
        self.nothing_runs()

    def case_leaving_a_stream(self) -> None:
        """The client stops to read in the middle: the handler must end."""
        request = self.interface.message("carillon.testing.v1.PourRequest")(messages=1_000_000, size=65536)
        answers = self.answers(ECHO, "Pour", request)
        next(answers)
        answers.close()
        self.nothing_runs()

    def case_message_over_the_limit(self) -> None:
        client = self.make_client(send_compression=None)
        with failing(Code.RESOURCE_EXHAUSTED):
            self.unary(ECHO, "Async", self.interface.echo(bytes(4 * 1024 * 1024 + 1)), client=client)

    def case_bomb(self) -> None:
        """16 MiB of zeros, in 16 KiB."""
        with failing(Code.RESOURCE_EXHAUSTED):
            self.unary(ECHO, "Async", self.interface.echo(bytes(16 * 1024 * 1024)))

    # Connect alone

    def case_get(self) -> None:
        client = self.make_client(send_compression=None)
        answer = self.unary(ECHO, "Get", self.interface.echo(b"over GET \xff"), client=client, use_get=True)
        expect(answer.payload, b"over GET \xff", "the payload")

    def case_get_compressed(self) -> None:
        answer = self.unary(ECHO, "Get", self.interface.echo(bytes(5000)), use_get=True)
        expect(answer.payload, bytes(5000), "the payload")

    def case_get_of_what_may_not(self) -> None:
        """A method that has side effects is not to be had by GET: 405, and what may be used."""
        answer = self.http.get(
            f"https://{self.target.address}/{ECHO}/Async?connect=v1&encoding=json&message=%7B%7D", timeout=20.0
        )
        expect(answer.status, 405, "HTTP status")
        expect(answer.headers.get("allow"), "POST", "allow")

    def case_http_status_of_errors(self) -> None:
        wanted = (499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
        got = []
        for number in range(1, 17):
            with ResponseMetadata() as sent, failing(list(Code)[number - 1]):
                self.unary(ECHO, "Fail", self.interface.fail_request(number, ""))
            got.append(sent.http_status)
        expect(tuple(got), wanted, "HTTP statuses")

    def case_unknown_codec(self) -> None:
        answer = self.http.post(
            f"https://{self.target.address}/{ECHO}/Async", headers={"content-type": "application/xml"},
            content=b"<a/>", timeout=20.0,
        )  # fmt: skip
        expect(answer.status, 415, "HTTP status")
        assert answer.headers.get("accept-post"), "accept-post does not say what is taken"


def play(target: Target, report: Report) -> None:
    """Plays every case in every dialect, all over one HTTP/2 connection or few."""
    interface = Interface(target.descriptors)
    transport = SyncHTTPTransport(tls_ca_cert=target.authority.read_bytes(), http_version=HTTPVersion.HTTP2)
    http = SyncClient(transport)
    for protocol in PROTOCOLS:
        for codec in CODECS:
            table = Table(target, interface, http, protocol, codec)
            for name, run in table.cases():
                report.play(f"{protocol}-{codec}", name, run)


if __name__ == "__main__":
    run_as_program("connectrpc", play)
