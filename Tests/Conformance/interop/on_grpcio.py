"""The interop table on grpcio, that is, on gRPC C-core."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.message import Message

from .messages import (
    BIG_REQUEST,
    BIG_RESPONSE,
    ECHO,
    ECHO_INITIAL,
    ECHO_TRAILING,
    HEALTH,
    REFLECTIONS,
    REQUEST_SIZES,
    RESPONSE_SIZES,
    SPECIAL_MESSAGE,
    TEST,
    Interface,
)
from .outcome import Report, Target, expect, run_as_program

PATIENCE = 20.0


class Client:
    """A channel of its own and the calls on it."""

    def __init__(self, target: Target, interface: Interface, *options: tuple[str, object]) -> None:
        self.interface = interface
        credentials = grpc.ssl_channel_credentials(target.authority.read_bytes())
        own = [("grpc.use_local_subchannel_pool", 1), *options]
        self.channel = grpc.secure_channel(target.address, credentials, own)

    def call(self, service: str, name: str) -> Callable:
        method = self.interface.method(service, name)
        request, response = self.interface.classes(method)
        kind = {
            (False, False): self.channel.unary_unary,
            (False, True): self.channel.unary_stream,
            (True, False): self.channel.stream_unary,
            (True, True): self.channel.stream_stream,
        }[(method.client_streaming, method.server_streaming)]
        return kind(f"/{service}/{name}", request.SerializeToString, response.FromString)

    def test(self, name: str) -> Callable:
        return self.call(TEST, name)

    def echo(self, name: str) -> Callable:
        return self.call(ECHO, name)


class Requests:
    """The requests of a streaming call, one at a time, as the test says."""

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def send(self, message: Message) -> None:
        self.waiting.put(message)

    def end(self) -> None:
        self.waiting.put(None)

    def __iter__(self) -> Iterator[Message]:
        while (message := self.waiting.get()) is not None:
            yield message


@contextlib.contextmanager
def failing(code: grpc.StatusCode, words: str | None = None) -> Iterator[list[grpc.RpcError]]:
    """Expects the block to fail with a status; the error is in the list afterwards."""
    caught: list[grpc.RpcError] = []
    try:
        yield caught
    except grpc.RpcError as error:
        expect((error.code(), error.details() if words is not None else None), (code, words), "status")
        caught.append(error)
        return
    raise AssertionError(f"the call went well instead of failing with {code.name}")


def metadata(pairs: object) -> dict[str, object]:
    return {key: value for key, value in pairs or ()}


class Table:
    """The cases. Those whose names are in `LONG` are left out of the short run."""

    LONG = frozenset({"channel_soak", "rpc_soak", "long_deadline_is_kept"})

    def __init__(self, target: Target) -> None:
        self.target = target
        self.interface = Interface(target.descriptors)
        self.client = Client(target, self.interface)
        self.empty = self.interface.message("grpc.testing.Empty")()

    def cases(self) -> list[tuple[str, Callable[[], None]]]:
        names = [name for name in vars(type(self)) if name.startswith("case_")]
        every = [(name.removeprefix("case_"), getattr(self, name)) for name in names]
        return [one for one in every if not (self.target.is_short and one[0] in self.LONG)]

    def counts(self) -> Message:
        request = self.interface.message("carillon.testing.v1.CountRequest")()
        return self.client.echo("Count")(request, timeout=PATIENCE)

    def nothing_runs(self) -> None:
        """Waits until the server has ended every handler."""
        end = time.monotonic() + PATIENCE
        while running := self.counts().running:
            if time.monotonic() > end:
                raise AssertionError(f"{running} handlers still run")
            time.sleep(0.02)

    # One message each way

    def case_empty_unary(self) -> None:
        answer = self.client.test("EmptyCall")(self.empty, timeout=PATIENCE)
        expect(answer.SerializeToString(), b"", "the message")

    def case_cacheable_unary(self) -> None:
        call = self.client.test("CacheableUnaryCall")
        request = self.interface.simple_request(size=0, payload=1)
        answer, sent = call.with_call(request, timeout=PATIENCE, metadata=[("x-user-ip", "1.2.3.4")])
        # Without a cache in between, each answer is a new one, and says how long it may be kept.
        expect(metadata(sent.initial_metadata()).get("cache-control"), "max-age=60, public", "cache-control")
        again = call(request, timeout=PATIENCE)
        assert answer.payload.body and answer.payload.body != again.payload.body

    def case_large_unary(self) -> None:
        answer = self.client.test("UnaryCall")(self.interface.simple_request(), timeout=PATIENCE)
        expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")

    def case_client_compressed_unary(self) -> None:
        request = self.interface.simple_request()
        request.expect_compressed.value = True
        call = self.client.test("UnaryCall")
        answer = call(request, timeout=PATIENCE, compression=grpc.Compression.Gzip)
        expect(len(answer.payload.body), BIG_RESPONSE, "the size")
        with failing(grpc.StatusCode.INVALID_ARGUMENT):
            call(request, timeout=PATIENCE, compression=grpc.Compression.NoCompression)
        request.expect_compressed.value = False
        answer = call(request, timeout=PATIENCE, compression=grpc.Compression.NoCompression)
        expect(len(answer.payload.body), BIG_RESPONSE, "the size")

    def case_server_compressed_unary(self) -> None:
        for compressed in (True, False):
            request = self.interface.simple_request()
            request.response_compressed.value = compressed
            answer = self.client.test("UnaryCall")(request, timeout=PATIENCE)
            expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")

    def case_deflate_unary(self) -> None:
        call = self.client.test("UnaryCall")
        request = self.interface.simple_request()
        try:
            answer = call(request, timeout=PATIENCE, compression=grpc.Compression.Deflate)
        except grpc.RpcError as error:
            # gRPC's compression.md: an encoding that is not supported is UNIMPLEMENTED.
            expect(error.code(), grpc.StatusCode.UNIMPLEMENTED, "status")
        else:
            expect(len(answer.payload.body), BIG_RESPONSE, "the size")

    # Streams

    def case_client_streaming(self) -> None:
        requests = (self.interface.input_request(size) for size in REQUEST_SIZES)
        answer = self.client.test("StreamingInputCall")(requests, timeout=PATIENCE)
        expect(answer.aggregated_payload_size, sum(REQUEST_SIZES), "aggregated_payload_size")

    def case_server_streaming(self) -> None:
        request = self.interface.output_request(*RESPONSE_SIZES)
        answers = self.client.test("StreamingOutputCall")(request, timeout=PATIENCE)
        expect([len(one.payload.body) for one in answers], list(RESPONSE_SIZES), "sizes")

    def case_server_streaming_with_pauses(self) -> None:
        begin = time.monotonic()
        request = self.interface.output_request(1, 2, 3, interval_us=20_000)
        answers = self.client.test("StreamingOutputCall")(request, timeout=PATIENCE)
        expect([len(one.payload.body) for one in answers], [1, 2, 3], "sizes")
        assert time.monotonic() - begin >= 0.06, "the server does not pause"

    def case_client_compressed_streaming(self) -> None:
        call = self.client.test("StreamingInputCall")
        sizes = (27182, 45904)

        def requests() -> Iterator[Message]:
            for size in sizes:
                request = self.interface.input_request(size)
                request.expect_compressed.value = True
                yield request

        answer = call(requests(), timeout=PATIENCE, compression=grpc.Compression.Gzip)
        expect(answer.aggregated_payload_size, sum(sizes), "aggregated_payload_size")
        with failing(grpc.StatusCode.INVALID_ARGUMENT):
            call(requests(), timeout=PATIENCE, compression=grpc.Compression.NoCompression)

    def case_server_compressed_streaming(self) -> None:
        request = self.interface.output_request(31415, 92653)
        request.response_parameters[0].compressed.value = True
        request.response_parameters[1].compressed.value = False
        answers = self.client.test("StreamingOutputCall")(request, timeout=PATIENCE)
        expect([one.payload.body for one in answers], [bytes(31415), bytes(92653)], "payloads")

    def case_ping_pong(self) -> None:
        requests = Requests()
        answers = self.client.test("FullDuplexCall")(iter(requests), timeout=PATIENCE)
        for asked, sent in zip(RESPONSE_SIZES, REQUEST_SIZES):
            requests.send(self.interface.output_request(asked, payload=sent))
            expect(len(next(answers).payload.body), asked, "the size")
        requests.end()
        expect(list(answers), [], "further messages")
        expect(answers.code(), grpc.StatusCode.OK, "status")

    def case_empty_stream(self) -> None:
        answers = self.client.test("FullDuplexCall")(iter(()), timeout=PATIENCE)
        expect(list(answers), [], "messages")
        expect(answers.code(), grpc.StatusCode.OK, "status")

    def case_half_duplex(self) -> None:
        requests = (self.interface.output_request(size) for size in RESPONSE_SIZES)
        answers = self.client.test("HalfDuplexCall")(requests, timeout=PATIENCE)
        expect([len(one.payload.body) for one in answers], list(RESPONSE_SIZES), "sizes")

    def case_long_stream(self) -> None:
        """More messages than any window holds, both ways at once."""
        count = 2000
        requests = (self.interface.echo(number.to_bytes(4) * 256) for number in range(count))
        answers = self.client.echo("Stream")(requests, timeout=PATIENCE)
        for number, answer in enumerate(answers):
            expect(answer.payload, number.to_bytes(4) * 256, f"message {number}")
        expect(number, count - 1, "the last message")

    # Metadata and statuses

    def case_custom_metadata_unary(self) -> None:
        call = self.client.test("UnaryCall")
        _, sent = call.with_call(
            self.interface.simple_request(), timeout=PATIENCE, metadata=[ECHO_INITIAL, ECHO_TRAILING]
        )
        expect(metadata(sent.initial_metadata()).get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        expect(metadata(sent.trailing_metadata()).get(ECHO_TRAILING[0]), ECHO_TRAILING[1], "trailing metadata")

    def case_custom_metadata_bidi(self) -> None:
        requests = iter([self.interface.output_request(BIG_RESPONSE, payload=BIG_REQUEST)])
        answers = self.client.test("FullDuplexCall")(
            requests, timeout=PATIENCE, metadata=[ECHO_INITIAL, ECHO_TRAILING]
        )
        expect(len(next(answers).payload.body), BIG_RESPONSE, "the size")
        expect(list(answers), [], "further messages")
        expect(metadata(answers.initial_metadata()).get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        expect(metadata(answers.trailing_metadata()).get(ECHO_TRAILING[0]), ECHO_TRAILING[1], "trailing metadata")

    def case_custom_metadata_with_an_error(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code = 3
        with failing(grpc.StatusCode.INVALID_ARGUMENT) as caught:
            self.client.test("UnaryCall")(request, timeout=PATIENCE, metadata=[ECHO_INITIAL, ECHO_TRAILING])
        expect(metadata(caught[0].trailing_metadata()).get(ECHO_TRAILING[0]), ECHO_TRAILING[1], "trailing metadata")

    def case_status_code_and_message_unary(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, "test status message"
        with failing(grpc.StatusCode.UNKNOWN, "test status message"):
            self.client.test("UnaryCall")(request, timeout=PATIENCE)

    def case_status_code_and_message_bidi(self) -> None:
        request = self.interface.output_request()
        request.response_status.code, request.response_status.message = 2, "test status message"
        with failing(grpc.StatusCode.UNKNOWN, "test status message"):
            list(self.client.test("FullDuplexCall")(iter([request]), timeout=PATIENCE))

    def case_special_status_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, SPECIAL_MESSAGE
        with failing(grpc.StatusCode.UNKNOWN, SPECIAL_MESSAGE):
            self.client.test("UnaryCall")(request, timeout=PATIENCE)

    def case_every_status_code(self) -> None:
        for code in grpc.StatusCode:
            if code is grpc.StatusCode.OK:
                continue
            with failing(code, f"as {code.name}"):
                request = self.interface.fail_request(code.value[0], f"as {code.name}")
                self.client.echo("Fail")(request, timeout=PATIENCE)

    def case_status_details(self) -> None:
        wanted = self.interface.status_with_details(9, "not so").SerializeToString()
        for name, sent in (("Fail", 0), ("FailLate", 2)):
            with failing(grpc.StatusCode.FAILED_PRECONDITION, "not so") as caught:
                answers = self.client.echo(name)(
                    self.interface.fail_request(9, "not so", wanted, sent), timeout=PATIENCE
                )
                for _ in range(sent + 1):
                    next(answers)
            got = metadata(caught[0].trailing_metadata()).get("grpc-status-details-bin")
            expect(got, wanted, f"details of {name}")

    def case_unsupported_payload_type(self) -> None:
        request = self.interface.simple_request(size=1, payload=1)
        request.response_type = 77
        with failing(grpc.StatusCode.INVALID_ARGUMENT):
            self.client.test("UnaryCall")(request, timeout=PATIENCE)

    def case_unimplemented_method(self) -> None:
        with failing(grpc.StatusCode.UNIMPLEMENTED):
            self.client.test("UnimplementedCall")(self.empty, timeout=PATIENCE)

    def case_unimplemented_service(self) -> None:
        with failing(grpc.StatusCode.UNIMPLEMENTED):
            self.client.call("grpc.testing.UnimplementedService", "UnimplementedCall")(self.empty, timeout=PATIENCE)

    # Ends before the end

    def case_cancel_after_begin(self) -> None:
        requests = Requests()
        call = self.client.test("StreamingInputCall").future(iter(requests), timeout=PATIENCE)
        call.cancel()
        expect(call.code(), grpc.StatusCode.CANCELLED, "status")
        requests.end()
        self.nothing_runs()

    def case_cancel_after_first_response(self) -> None:
        requests = Requests()
        answers = self.client.test("FullDuplexCall")(iter(requests), timeout=PATIENCE)
        requests.send(self.interface.output_request(31415, payload=27182))
        expect(len(next(answers).payload.body), 31415, "the size")
        answers.cancel()
        with failing(grpc.StatusCode.CANCELLED):
            next(answers)
        requests.end()
        self.nothing_runs()

    def case_cancel_stops_the_handler(self) -> None:
        before = self.counts()
        call = self.client.echo("Hang").future(self.interface.echo(b""), timeout=PATIENCE)
        end = time.monotonic() + PATIENCE
        while self.counts().running == 0:
            assert time.monotonic() < end, "the handler does not start"
        call.cancel()
        self.nothing_runs()
        after = self.counts()
        expect((after.started - before.started, after.cancelled - before.cancelled), (1, 1), "started and cancelled")

    def case_timeout_on_sleeping_server(self) -> None:
        requests = Requests()
        answers = self.client.test("FullDuplexCall")(iter(requests), timeout=0.001)
        requests.send(self.interface.output_request(31415, payload=27182, interval_us=5_000_000))
        with failing(grpc.StatusCode.DEADLINE_EXCEEDED):
            list(answers)
        requests.end()
        self.nothing_runs()

    def case_deadline_stops_the_handler(self) -> None:
        with failing(grpc.StatusCode.DEADLINE_EXCEEDED):
            self.client.echo("Hang")(self.interface.echo(b""), timeout=0.2)
        self.nothing_runs()

    # Health and reflection

    def case_health(self) -> None:
        made = self.interface.message("grpc.health.v1.HealthCheckRequest")
        check = self.client.call(HEALTH, "Check")
        for name in ("", TEST, ECHO):
            expect(check(made(service=name), timeout=PATIENCE).status, 1, f"the status of {name!r}")
        with failing(grpc.StatusCode.NOT_FOUND):
            check(made(service="no.Service"), timeout=PATIENCE)

    def case_health_list(self) -> None:
        request = self.interface.message("grpc.health.v1.HealthListRequest")()
        statuses = self.client.call(HEALTH, "List")(request, timeout=PATIENCE).statuses
        assert {"", TEST, ECHO} <= set(statuses), statuses
        assert all(one.status == 1 for one in statuses.values()), statuses

    def case_health_watch(self) -> None:
        made = self.interface.message("grpc.health.v1.HealthCheckRequest")
        for name, status in (("", 1), (ECHO, 1), ("no.Service", 3)):
            watch = self.client.call(HEALTH, "Watch")(made(service=name), timeout=PATIENCE)
            expect(next(watch).status, status, f"the status of {name!r}")
            watch.cancel()

    def case_reflection(self) -> None:
        """One stream for each version: a list, a symbol, a file, and what is not there, after which it goes on."""
        for package in REFLECTIONS:
            made = self.interface.message(f"{package}.ServerReflectionRequest")
            requests = [
                made(list_services=""),
                made(file_containing_symbol=f"{TEST}.UnaryCall"),
                made(file_by_filename="carillon/testing/v1/echo.proto"),
                made(file_containing_symbol="no.such.Thing"),
                made(file_by_filename="grpc/testing/messages.proto"),
            ]
            call = self.client.call(f"{package}.ServerReflection", "ServerReflectionInfo")
            listed, symbol, file, missing, last = call(iter(requests), timeout=PATIENCE)
            names = {one.name for one in listed.list_services_response.service}
            assert {TEST, ECHO, HEALTH} <= names, names
            expect(missing.error_response.error_code, 5, "the error for what is not there")
            wanted = ("grpc/testing/test.proto", "carillon/testing/v1/echo.proto", "grpc/testing/messages.proto")
            for answer, name in zip((symbol, file, last), wanted):
                files = answer.file_descriptor_response.file_descriptor_proto
                found = [descriptor_pb2.FileDescriptorProto.FromString(one).name for one in files]
                assert name in found, (name, found)

    # Limits

    def case_message_over_the_limit(self) -> None:
        client = Client(self.target, self.interface, ("grpc.max_send_message_length", -1))
        with client.channel, failing(grpc.StatusCode.RESOURCE_EXHAUSTED):
            client.echo("Async")(self.interface.echo(bytes(4 * 1024 * 1024 + 1)), timeout=PATIENCE)

    def case_message_at_the_limit(self) -> None:
        # A prefix of five octets, and four of the field's tag and length, which count.
        payload = bytes(4 * 1024 * 1024 - 5)
        client = Client(self.target, self.interface, ("grpc.max_receive_message_length", -1))
        with client.channel:
            answer = client.echo("Async")(self.interface.echo(payload), timeout=PATIENCE)
        expect(len(answer.payload), len(payload), "the size")

    def case_metadata_over_the_limit(self) -> None:
        with failing(grpc.StatusCode.RESOURCE_EXHAUSTED):
            self.client.test("EmptyCall")(self.empty, timeout=PATIENCE, metadata=[("x-large", "a" * 17_000)])
        # The connection goes on.
        self.client.test("EmptyCall")(self.empty, timeout=PATIENCE)

    def case_large_metadata_below_the_limit(self) -> None:
        value = "a" * 8000
        _, sent = self.client.test("UnaryCall").with_call(
            self.interface.simple_request(size=0, payload=1), timeout=PATIENCE, metadata=[(ECHO_INITIAL[0], value)]
        )
        expect(metadata(sent.initial_metadata()).get(ECHO_INITIAL[0]), value, "initial metadata")

    # Many

    def case_many_at_once(self) -> None:
        """More calls than streams are allowed on a connection: gRPC clients queue them."""
        call = self.client.test("UnaryCall")
        calls = [
            call.future(self.interface.simple_request(size=number, payload=1), timeout=PATIENCE)
            for number in range(1500)
        ]
        expect([len(one.result().payload.body) for one in calls], list(range(1500)), "sizes")

    def case_many_threads(self) -> None:
        failures: list[BaseException] = []

        def work() -> None:
            try:
                for _ in range(50):
                    self.case_empty_unary()
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def case_rpc_soak(self) -> None:
        """Large calls one after the other on one channel."""
        for _ in range(100):
            self.case_large_unary()

    def case_channel_soak(self) -> None:
        """Large calls, each on a channel of its own."""
        for _ in range(50):
            client = Client(self.target, self.interface)
            with client.channel:
                answer = client.test("UnaryCall")(self.interface.simple_request(), timeout=PATIENCE)
            expect(len(answer.payload.body), BIG_RESPONSE, "the size")


def play(target: Target, report: Report) -> None:
    """Plays every case in the dialect `grpc`."""
    table = Table(target)
    for name, run in table.cases():
        report.play("grpc", name, run)
    table.client.channel.close()


if __name__ == "__main__":
    run_as_program("grpcio", play)
