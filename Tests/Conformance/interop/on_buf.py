"""A part of the interop table on `buf curl` (connect-go) in gRPC, gRPC-Web and Connect, each with protobuf."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson

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
from .programs import program, run

PROTOCOLS = ("grpc", "grpcweb", "connect")


@dataclass
class Outcome:
    """What buf printed."""

    result: subprocess.CompletedProcess[bytes]

    @property
    def messages(self) -> list[dict]:
        """The answers; fails when the call did."""
        expect(self.result.returncode, 0, f"exit status ({self.words})")
        return list(documents(self.result.stdout.decode()))

    @property
    def error(self) -> dict:
        """The error of a call that failed: the documents before it are lines of the log."""
        text = self.words
        expect(self.result.returncode >= 8, True, f"the call failed with a status ({text})")
        return json.loads(text[text.index("{") :])

    @property
    def words(self) -> str:
        return self.result.stderr.decode().strip()

    def fields(self) -> dict[str, str]:
        """Header and trailer fields of the answer, from the verbose log, by lower-case names."""
        lines = (line.partition(") ")[2] for line in self.words.splitlines() if line.startswith("buf: < "))
        pairs = (line.partition(": ") for line in lines if ": " in line)
        return {name.lower(): value for name, _, value in pairs}


def documents(text: str) -> Iterator[dict]:
    """JSON documents, one after the other."""
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].strip()


def size_of(message: dict) -> int:
    return len(base64.b64decode(message["payload"]["body"]))


class Table:
    """The cases of one protocol."""

    ONCE = {"reflection_lists", "reflection_calls", "reflection_v1alpha"}
    """Those that are played in gRPC alone: reflection itself knows no other."""

    SHORT = {"empty_unary", "server_streaming", "custom_metadata", "error_with_details", "reflection_calls"}
    """The cases of the short run: a process for each takes its time."""

    def __init__(self, target: Target, protocol: str) -> None:
        self.target = target
        self.protocol = protocol
        self.interface = Interface(target.descriptors)
        self.buf = [program("buf"), "curl", "--cacert", str(target.authority)]

    def cases(self) -> Iterator[tuple[str, Callable[[], None]]]:
        for name in vars(type(self)):
            case = name.removeprefix("case_")
            if case == name or (self.target.is_short and case not in self.SHORT):
                continue
            if case not in self.ONCE or self.protocol == "grpc":
                yield case, getattr(self, name)

    def call(self, service: str, name: str, *requests: object, flags: tuple[str, ...] = ()) -> Outcome:
        given = "\n".join(MessageToJson(one) for one in requests).encode()
        url = f"https://{self.target.address}/{service}/{name}"
        schema = ["--schema", str(self.target.descriptors)]
        command = [*self.buf, *schema, "--protocol", self.protocol, "--data", "@-", *flags, url]
        return Outcome(run(command, given))

    def case_empty_unary(self) -> None:
        expect(self.call(TEST, "EmptyCall", self.interface.message("grpc.testing.Empty")()).messages, [{}], "answer")

    def case_large_unary(self) -> None:
        (answer,) = self.call(TEST, "UnaryCall", self.interface.simple_request()).messages
        expect(size_of(answer), BIG_RESPONSE, "the size")

    def case_compressed_response(self) -> None:
        request = self.interface.simple_request(payload=1)
        request.response_compressed.value = True
        outcome = self.call(TEST, "UnaryCall", request, flags=("--verbose",))
        field = "content-encoding" if self.protocol == "connect" else "grpc-encoding"
        expect(outcome.fields().get(field), "gzip", field)
        (answer,) = outcome.messages
        expect(size_of(answer), BIG_RESPONSE, "the size")

    def case_server_streaming(self) -> None:
        answers = self.call(TEST, "StreamingOutputCall", self.interface.output_request(*RESPONSE_SIZES)).messages
        expect([size_of(one) for one in answers], list(RESPONSE_SIZES), "sizes")

    def case_server_streaming_fails_late(self) -> None:
        request = self.interface.fail_request(9, "not so", messages=2)
        outcome = self.call(ECHO, "FailLate", request)
        expect(list(documents(outcome.result.stdout.decode())), [{}, {}], "messages")
        expect(outcome.error, {"code": "failed_precondition", "message": "not so"}, "error")

    def case_client_streaming(self) -> None:
        requests = [self.interface.input_request(size) for size in REQUEST_SIZES]
        (answer,) = self.call(TEST, "StreamingInputCall", *requests).messages
        expect(answer, {"aggregatedPayloadSize": sum(REQUEST_SIZES)}, "answer")

    def case_ping_pong(self) -> None:
        requests = [
            self.interface.output_request(asked, payload=sent) for asked, sent in zip(RESPONSE_SIZES, REQUEST_SIZES)
        ]
        answers = self.call(TEST, "FullDuplexCall", *requests).messages
        expect([size_of(one) for one in answers], list(RESPONSE_SIZES), "sizes")

    def case_empty_stream(self) -> None:
        expect(self.call(TEST, "FullDuplexCall").messages, [], "messages")

    def case_custom_metadata(self) -> None:
        name, value = ECHO_TRAILING
        coded = base64.b64encode(value).decode()
        flags = ("--verbose", "--header", f"{ECHO_INITIAL[0]}: {ECHO_INITIAL[1]}", "--header", f"{name}: {coded}")
        request = self.interface.simple_request(size=1, payload=1)
        fields = self.call(TEST, "UnaryCall", request, flags=flags).fields()
        expect(fields.get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        # In gRPC-Web trailers are in the body, which the log leaves out.
        if self.protocol != "grpcweb":
            trailer = name if self.protocol == "grpc" else f"trailer-{name}"
            expect(fields.get(trailer, "").rstrip("="), coded.rstrip("="), "trailing metadata")

    def case_status_code_and_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, "test status message"
        error = self.call(TEST, "UnaryCall", request).error
        expect(error, {"code": "unknown", "message": "test status message"}, "error")

    def case_special_status_message(self) -> None:
        request = self.interface.simple_request(size=0, payload=1)
        request.response_status.code, request.response_status.message = 2, SPECIAL_MESSAGE
        expect(self.call(TEST, "UnaryCall", request).error["message"], SPECIAL_MESSAGE, "message")

    def case_error_with_details(self) -> None:
        details = self.interface.status_with_details(9, "not so")
        request = self.interface.fail_request(9, "not so", details.SerializeToString())
        (detail,) = self.call(ECHO, "Fail", request).error["details"]
        expect(detail["type"], "google.rpc.BadRequest", "the type of the detail")
        value = base64.b64decode(detail["value"] + "==")
        expect(value, details.details[0].value, "the detail")

    def case_unimplemented_method(self) -> None:
        empty = self.interface.message("grpc.testing.Empty")()
        expect(self.call(TEST, "UnimplementedCall", empty).error["code"], "unimplemented", "code")

    def case_unimplemented_service(self) -> None:
        empty = self.interface.message("grpc.testing.Empty")()
        outcome = self.call("grpc.testing.UnimplementedService", "UnimplementedCall", empty)
        expect(outcome.error["code"], "unimplemented", "code")

    def case_timeout(self) -> None:
        outcome = self.call(ECHO, "Hang", self.interface.echo(b""), flags=("--timeout", "300ms"))
        assert outcome.result.returncode != 0 and "deadline" in outcome.words, outcome
        (counts,) = self.call(ECHO, "Count", self.interface.message("carillon.testing.v1.CountRequest")()).messages
        expect(counts.get("running", "0"), "0", "handlers that still run")

    def case_message_over_the_limit(self) -> None:
        outcome = self.call(ECHO, "Async", self.interface.echo(bytes(4 * 1024 * 1024 + 1)))
        expect(outcome.error["code"], "resource_exhausted", "code")

    # Reflection

    def reflected(self, *arguments: str, version: str = "grpc-v1") -> Outcome:
        return Outcome(run([*self.buf, "--reflect", "--reflect-protocol", version, *arguments]))

    def case_reflection_lists(self) -> None:
        outcome = self.reflected("--list-methods", f"https://{self.target.address}")
        expect(outcome.result.returncode, 0, f"exit status ({outcome.words})")
        methods = outcome.result.stdout.decode().split()
        assert f"{TEST}/UnaryCall" in methods and f"{ECHO}/Stream" in methods, methods

    def called_by_reflection(self, version: str) -> None:
        url = f"https://{self.target.address}/{TEST}/UnaryCall"
        outcome = self.reflected("--protocol", "grpc", "--data", '{"responseSize": 7}', url, version=version)
        expect([size_of(one) for one in outcome.messages], [7], "sizes")

    def case_reflection_calls(self) -> None:
        self.called_by_reflection("grpc-v1")

    def case_reflection_v1alpha(self) -> None:
        self.called_by_reflection("grpc-v1alpha")


def play(target: Target, report: Report) -> None:
    """Plays every case in every protocol."""
    for protocol in PROTOCOLS:
        for name, run_case in Table(target, protocol).cases():
            report.play(protocol, name, run_case)


if __name__ == "__main__":
    run_as_program("buf", play)
