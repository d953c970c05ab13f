"""A part of the interop table on grpclib: gRPC in pure Python, on the HTTP/2 of hyper."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine

from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpclib.client import Channel, StreamStreamMethod, StreamUnaryMethod, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from .messages import (
    BIG_REQUEST,
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

PATIENCE = 20.0

METHODS = {
    (False, False): UnaryUnaryMethod,
    (False, True): UnaryStreamMethod,
    (True, False): StreamUnaryMethod,
    (True, True): StreamStreamMethod,
}


class Table:
    """The cases, on one channel."""

    def __init__(self, target: Target, interface: Interface, channel: Channel) -> None:
        self.target = target
        self.interface = interface
        self.channel = channel
        self.empty = interface.message("grpc.testing.Empty")()

    def call(self, service: str, name: str):  # noqa: ANN201
        method = self.interface.method(service, name)
        request, response = self.interface.classes(method)
        kind = METHODS[(method.client_streaming, method.server_streaming)]
        return kind(self.channel, f"/{service}/{name}", request, response)

    def test(self, name: str):  # noqa: ANN201
        return self.call(TEST, name)

    def echo(self, name: str):  # noqa: ANN201
        return self.call(ECHO, name)

    async def failing(self, status: Status, words: str | None, call: Coroutine) -> GRPCError:
        try:
            await call
        except GRPCError as error:
            expect(error.status, status, "status")
            if words is not None:
                expect(error.message, words, "message")
            return error
        raise AssertionError(f"the call went well instead of failing with {status.name}")

    async def case_empty_unary(self) -> None:
        expect(await self.test("EmptyCall")(self.empty, timeout=PATIENCE), self.empty, "the message")

    async def case_large_unary(self) -> None:
        answer = await self.test("UnaryCall")(self.interface.simple_request(), timeout=PATIENCE)
        expect(answer.payload.body, bytes(BIG_RESPONSE), "the payload")

    async def case_client_streaming(self) -> None:
        requests = [self.interface.input_request(size) for size in REQUEST_SIZES]
        answer = await self.test("StreamingInputCall")(requests, timeout=PATIENCE)
        expect(answer.aggregated_payload_size, sum(REQUEST_SIZES), "aggregated_payload_size")

    async def case_server_streaming(self) -> None:
        request = self.interface.output_request(*RESPONSE_SIZES)
        answers = await self.test("StreamingOutputCall")(request, timeout=PATIENCE)
        expect([len(one.payload.body) for one in answers], list(RESPONSE_SIZES), "sizes")

    async def case_ping_pong(self) -> None:
        async with self.test("FullDuplexCall").open(timeout=PATIENCE) as stream:
            for asked, sent in zip(RESPONSE_SIZES, REQUEST_SIZES):
                await stream.send_message(self.interface.output_request(asked, payload=sent))
                expect(len((await stream.recv_message()).payload.body), asked, "the size")
            await stream.end()
            expect(await stream.recv_message(), None, "a further message")

    async def case_empty_stream(self) -> None:
        expect(await self.test("FullDuplexCall")([], timeout=PATIENCE), [], "messages")

    async def custom_metadata(self, name: str, request: Message) -> None:
        async with self.test(name).open(timeout=PATIENCE, metadata=dict([ECHO_INITIAL, ECHO_TRAILING])) as stream:
            await stream.send_message(request, end=True)
            expect(len((await stream.recv_message()).payload.body), BIG_RESPONSE, "the size")
            await stream.recv_trailing_metadata()
        expect(stream.initial_metadata.get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        expect(stream.trailing_metadata.get(ECHO_TRAILING[0]), ECHO_TRAILING[1], "trailing metadata")

    async def case_custom_metadata_unary(self) -> None:
        await self.custom_metadata("UnaryCall", self.interface.simple_request())

    async def case_custom_metadata_bidi(self) -> None:
        await self.custom_metadata("FullDuplexCall", self.interface.output_request(BIG_RESPONSE, payload=BIG_REQUEST))

    async def case_status_code_and_message_unary(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, "test status message"
        call = self.test("UnaryCall")(request, timeout=PATIENCE)
        await self.failing(Status.UNKNOWN, "test status message", call)

    async def case_status_code_and_message_bidi(self) -> None:
        request = self.interface.output_request()
        request.response_status.code, request.response_status.message = 2, "test status message"
        call = self.test("FullDuplexCall")([request], timeout=PATIENCE)
        await self.failing(Status.UNKNOWN, "test status message", call)

    async def case_special_status_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, SPECIAL_MESSAGE
        await self.failing(Status.UNKNOWN, SPECIAL_MESSAGE, self.test("UnaryCall")(request, timeout=PATIENCE))

    async def case_status_details(self) -> None:
        wanted = self.interface.status_with_details(9, "not so").SerializeToString()
        request = self.interface.fail_request(9, "not so", wanted)
        error = await self.failing(
            Status.FAILED_PRECONDITION, "not so", self.echo("Fail")(request, timeout=PATIENCE)
        )
        # The client decodes them itself.
        (detail,) = error.details or ()
        expect(type(detail), error_details_pb2.BadRequest, "the type of the detail")
        expect(detail.field_violations[0].description, "too long ☺", "the detail")

    async def case_orca_per_rpc(self) -> None:
        """A load report in the trailers; other clients keep it to themselves."""
        request = self.interface.simple_request(size=0, payload=1)
        wanted = request.orca_per_query_report
        wanted.cpu_utilization, wanted.memory_utilization = 0.8210, 0.5847
        wanted.request_cost["cost"] = 3456.32
        wanted.utilization["util"] = 0.30499
        async with self.test("UnaryCall").open(timeout=PATIENCE) as stream:
            await stream.send_message(request, end=True)
            await stream.recv_message()
            await stream.recv_trailing_metadata()
        made = self.interface.message("xds.data.orca.v3.OrcaLoadReport")
        report = made.FromString(stream.trailing_metadata["endpoint-load-metrics-bin"])
        expect((report.cpu_utilization, report.mem_utilization), (0.8210, 0.5847), "utilizations")
        expect((dict(report.request_cost), dict(report.utilization)), ({"cost": 3456.32}, {"util": 0.30499}), "maps")

    async def case_unimplemented_method(self) -> None:
        call = self.test("UnimplementedCall")(self.empty, timeout=PATIENCE)
        await self.failing(Status.UNIMPLEMENTED, None, call)

    async def case_unimplemented_service(self) -> None:
        call = self.call("grpc.testing.UnimplementedService", "UnimplementedCall")(self.empty, timeout=PATIENCE)
        await self.failing(Status.UNIMPLEMENTED, None, call)

    async def case_cancel_after_first_response(self) -> None:
        async with self.test("FullDuplexCall").open(timeout=PATIENCE) as stream:
            await stream.send_message(self.interface.output_request(31415, payload=27182))
            expect(len((await stream.recv_message()).payload.body), 31415, "the size")
            await stream.cancel()
        await self.nothing_runs()

    async def case_deadline_stops_the_handler(self) -> None:
        try:
            await self.echo("Hang")(self.interface.echo(b""), timeout=0.2)
        except (GRPCError, asyncio.TimeoutError) as error:
            if isinstance(error, GRPCError):
                expect(error.status, Status.DEADLINE_EXCEEDED, "status")
        else:
            raise AssertionError("the call went well")
        await self.nothing_runs()

    async def nothing_runs(self) -> None:
        request = self.interface.message("carillon.testing.v1.CountRequest")()

        async def wait() -> None:
            while (await self.echo("Count")(request, timeout=PATIENCE)).running:
                await asyncio.sleep(0.02)

        await asyncio.wait_for(wait(), PATIENCE)

    async def case_many_at_once(self) -> None:
        call = self.test("UnaryCall")
        requests = [self.interface.simple_request(size=number, payload=1) for number in range(300)]
        answers = await asyncio.gather(*(call(request, timeout=PATIENCE) for request in requests))
        expect([len(one.payload.body) for one in answers], list(range(300)), "sizes")


def play(target: Target, report: Report) -> None:
    """Plays every case in the dialect `grpc`."""

    async def on_a_channel(run: Callable[[Table], Coroutine]) -> None:
        context = ssl.create_default_context(cafile=str(target.authority))
        context.set_alpn_protocols(["h2"])
        async with Channel("localhost", target.port, ssl=context) as channel:
            await run(Table(target, interface, channel))

    interface = Interface(target.descriptors)
    for name, run in vars(Table).items():
        if name.startswith("case_"):
            report.play("grpc", name.removeprefix("case_"), lambda run=run: asyncio.run(on_a_channel(run)))


if __name__ == "__main__":
    run_as_program("grpclib", play)
