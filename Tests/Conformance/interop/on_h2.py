"""What no gRPC library shows or sends: the compression flags of the messages, both ways, over plain HTTP/2."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from types import SimpleNamespace

from google.protobuf.message import Message
from harness.http2 import Answer, Connection, frame

from .messages import BIG_RESPONSE, TEST, Interface
from .on_curl import envelopes
from .outcome import Report, Target, expect, run_as_program

INVALID_ARGUMENT = 3

Fields = Sequence[tuple[str, str]]
GZIP = ("grpc-encoding", "gzip")
ACCEPTS = ("grpc-accept-encoding", "identity,gzip")


def compressed(message: Message) -> bytes:
    return frame(gzip.compress(message.SerializeToString()), flag=1)


def plain(message: Message) -> bytes:
    return frame(message.SerializeToString())


class Table:
    """The cases, each on a connection of its own."""

    def __init__(self, target: Target) -> None:
        self.interface = Interface(target.descriptors)
        self.server = SimpleNamespace(port=target.port, authority=SimpleNamespace(file=target.authority))

    def call(self, name: str, body: bytes, fields: Fields = ()) -> Answer:
        with Connection(self.server) as connection:
            return connection.call(f"/{TEST}/{name}", body, fields)

    def simple(self, **wants: bool) -> Message:
        # Below the windows that HTTP/2 begins with: this client does not wait for more.
        request = self.interface.simple_request(payload=10_000)
        for field, value in wants.items():
            getattr(request, field).value = value
        return request

    def payload(self, message: tuple[int, bytes], kind: str = "SimpleResponse") -> int:
        flag, octets = message
        octets = gzip.decompress(octets) if flag else octets
        return len(self.interface.message(f"grpc.testing.{kind}").FromString(octets).payload.body)

    def case_client_compressed_unary_probe(self) -> None:
        """A message that should be compressed, and is not, with and without the header field."""
        body = plain(self.simple(expect_compressed=True))
        for fields in ((GZIP,), ()):
            expect(self.call("UnaryCall", body, fields).grpc_status, INVALID_ARGUMENT, "grpc-status")

    def case_client_compressed_unary(self) -> None:
        for expected, form in ((True, compressed), (False, plain)):
            answer = self.call("UnaryCall", form(self.simple(expect_compressed=expected)), (GZIP,))
            expect((answer.grpc_status, len(envelopes(answer.body))), (0, 1), f"status and messages {answer.message}")

    def case_client_compressed_streaming(self) -> None:
        """Compressed and plain messages in one stream."""
        first, second = self.interface.input_request(27182), self.interface.input_request(1828)
        first.expect_compressed.value = True
        second.expect_compressed.value = False
        answer = self.call("StreamingInputCall", compressed(first) + plain(second), (GZIP,))
        expect(answer.grpc_status, 0, f"grpc-status {answer.message}")
        ((_, octets),) = envelopes(answer.body)
        got = self.interface.message("grpc.testing.StreamingInputCallResponse").FromString(octets)
        expect(got.aggregated_payload_size, 27182 + 1828, "aggregated_payload_size")

    def case_client_compressed_streaming_probe(self) -> None:
        request = self.interface.input_request(1828)
        request.expect_compressed.value = True
        answer = self.call("StreamingInputCall", compressed(request) + plain(request), (GZIP,))
        expect(answer.grpc_status, INVALID_ARGUMENT, "grpc-status")

    def case_server_compressed_unary(self) -> None:
        for wanted in (True, False):
            answer = self.call("UnaryCall", plain(self.simple(response_compressed=wanted)), (ACCEPTS,))
            expect(answer.grpc_status, 0, "grpc-status")
            (message,) = envelopes(answer.body)
            expect(message[0], int(wanted), "the flag")
            expect(self.payload(message), BIG_RESPONSE, "the size")
            if wanted:
                expect(answer.headers.get("grpc-encoding"), "gzip", "grpc-encoding")
                assert len(message[1]) < BIG_RESPONSE // 10, "nothing was gained"

    def case_server_compressed_streaming(self) -> None:
        request = self.interface.output_request(31415, 92653)
        request.response_parameters[0].compressed.value = True
        request.response_parameters[1].compressed.value = False
        answer = self.call("StreamingOutputCall", plain(request), (ACCEPTS,))
        expect(answer.headers.get("grpc-encoding"), "gzip", "grpc-encoding")
        messages = envelopes(answer.body)
        expect([flag for flag, _ in messages], [1, 0], "flags")
        sizes = [self.payload(one, "StreamingOutputCallResponse") for one in messages]
        expect(sizes, [31415, 92653], "sizes")

    def case_not_accepted_is_not_sent(self) -> None:
        """Whatever the request says, a client that does not take gzip gets none."""
        for accepts in ((), (("grpc-accept-encoding", "identity"),), (("grpc-accept-encoding", "deflate,br"),)):
            answer = self.call("UnaryCall", plain(self.simple(response_compressed=True)), accepts)
            (message,) = envelopes(answer.body)
            expect((message[0], self.payload(message)), (0, BIG_RESPONSE), f"flag and size for {accepts}")
            expect(answer.headers.get("grpc-encoding", "identity"), "identity", "grpc-encoding")

    def case_accept_encoding_is_said(self) -> None:
        answer = self.call("EmptyCall", frame(b""))
        said = [one.strip() for one in answer.headers["grpc-accept-encoding"].split(",")]
        assert "gzip" in said and "identity" in said, said

    def case_empty_message_marked_as_compressed(self) -> None:
        expect(self.call("EmptyCall", frame(b"", flag=1), (GZIP,)).grpc_status, 0, "grpc-status")


def play(target: Target, report: Report) -> None:
    """Plays every case in the dialect `grpc`."""
    table = Table(target)
    for name in vars(Table):
        if name.startswith("case_"):
            report.play("grpc", name.removeprefix("case_"), getattr(table, name))


if __name__ == "__main__":
    run_as_program("h2", play)
