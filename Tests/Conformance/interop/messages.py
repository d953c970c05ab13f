"""The messages of the server's services, made from descriptors at run time: no client needs generated code."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

TEST = "grpc.testing.TestService"
ECHO = "carillon.testing.v1.EchoService"
HEALTH = "grpc.health.v1.Health"
REFLECTIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")

BIG_REQUEST = 271828
BIG_RESPONSE = 314159
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
ECHO_INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
ECHO_TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")


class Interface:
    """Every message and method of a descriptor set."""

    def __init__(self, file: Path) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        files = descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes())
        for one in files.file:
            self.pool.Add(one)

    def method(self, service: str, name: str) -> MethodDescriptor:
        return self.pool.FindServiceByName(service).methods_by_name[name]

    def message(self, name: str) -> type[Message]:
        """The class of a message, by its full name."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    def classes(self, method: MethodDescriptor) -> tuple[type[Message], type[Message]]:
        """The classes of request and response."""
        return (
            message_factory.GetMessageClass(method.input_type),
            message_factory.GetMessageClass(method.output_type),
        )

    # What the cases send

    def simple_request(self, size: int = BIG_RESPONSE, payload: int = BIG_REQUEST, **fields: object) -> Message:
        request = self.message("grpc.testing.SimpleRequest")(response_size=size, **fields)
        request.payload.body = bytes(payload)
        return request

    def output_request(self, *sizes: int, payload: int = 0, interval_us: int = 0) -> Message:
        """A request of StreamingOutputCall or FullDuplexCall for responses of these sizes."""
        request = self.message("grpc.testing.StreamingOutputCallRequest")()
        for size in sizes:
            request.response_parameters.add(size=size, interval_us=interval_us)
        if payload:
            request.payload.body = bytes(payload)
        return request

    def input_request(self, size: int) -> Message:
        request = self.message("grpc.testing.StreamingInputCallRequest")()
        request.payload.body = bytes(size)
        return request

    def echo(self, payload: bytes) -> Message:
        return self.message("carillon.testing.v1.EchoRequest")(payload=payload)

    def status_with_details(self, code: int, words: str) -> Message:
        """A google.rpc.Status with one BadRequest in it."""
        bad = self.message("google.rpc.BadRequest")()
        bad.field_violations.add(field="payload", description="too long ☺")
        status = self.message("google.rpc.Status")(code=code, message=words)
        status.details.add().Pack(bad)
        return status

    def fail_request(self, code: int, words: str, details: bytes = b"", messages: int = 0) -> Message:
        made = self.message("carillon.testing.v1.FailRequest")
        return made(code=code, message=words, details=details, messages=messages)
