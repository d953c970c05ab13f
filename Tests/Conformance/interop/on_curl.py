"""What a browser's fetch and a developer's curl see: Connect in JSON, gRPC-Web, and plain pages, octet by octet."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from .messages import ECHO, ECHO_INITIAL, ECHO_TRAILING, TEST, Interface
from .outcome import Report, Target, expect, run_as_program
from .programs import program, run

MARK = b"\n--written-out--\n"


@dataclass
class Answer:
    """An HTTP answer."""

    version: str
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


def envelopes(body: bytes) -> list[tuple[int, bytes]]:
    """Flag and payload of each message in a body of gRPC, gRPC-Web or Connect streaming."""
    found = []
    while body:
        assert len(body) >= 5, f"a cut prefix: {body!r}"
        length = int.from_bytes(body[1:5])
        assert len(body) >= 5 + length, f"a cut message of {length} octets: {body[:40]!r}"
        found.append((body[0], body[5 : 5 + length]))
        body = body[5 + length :]
    return found


def envelope(payload: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(payload).to_bytes(4) + payload


class Table:
    """The cases; each is named after its dialect and what it shows."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.interface = Interface(target.descriptors)

    def ask(self, path: str, *flags: str, body: bytes | None = None, fields: dict[str, str] | None = None) -> Answer:
        command = [
            program("curl"), "--silent", "--show-error", "--http2", "--cacert", str(self.target.authority),
            "--include", "--max-time", "20", "--write-out", MARK.decode() + "%{http_version} %{http_code}",
        ]  # fmt: skip
        for name, value in (fields or {}).items():
            command += ["--header", f"{name}: {value}"]
        if body is not None:
            command += ["--data-binary", "@-"]
        result = run([*command, *flags, f"https://{self.target.address}{path}"], body or b"")
        assert result.returncode == 0, result.stderr.decode()
        output, _, written = result.stdout.rpartition(MARK)
        head, _, rest = output.partition(b"\r\n\r\n")
        version, status = written.decode().split()
        pairs = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
        return Answer(version, int(status), {name.lower(): value for name, _, value in pairs}, rest)

    def connect(self, service: str, name: str, document: object, **fields: str) -> Answer:
        """A Connect call in JSON, as fetch would send it."""
        named = {key.replace("_", "-"): value for key, value in fields.items()}
        named = {"content-type": "application/json", "connect-protocol-version": "1", **named}
        return self.ask(f"/{service}/{name}", body=json.dumps(document).encode(), fields=named)

    # Connect, one message each way

    def case_connect__unary(self) -> None:
        answer = self.connect(ECHO, "Inline", {"payload": "aGFsbG8="})
        expect((answer.version, answer.status), ("2", 200), "version and status")
        expect(answer.fields["content-type"], "application/json", "content-type")
        expect(answer.json, {"payload": "aGFsbG8="}, "the answer")
        assert "grpc-status" not in answer.fields

    def case_connect__unary_in_a_task(self) -> None:
        expect(self.connect(ECHO, "Async", {"payload": "aGFsbG8="}).json, {"payload": "aGFsbG8="}, "the answer")

    def case_connect__without_the_version_header(self) -> None:
        answer = self.ask(
            f"/{ECHO}/Async", body=b'{"payload":"AA=="}', fields={"content-type": "application/json; charset=utf-8"}
        )
        expect((answer.status, answer.json), (200, {"payload": "AA=="}), "the answer")

    def case_connect__unknown_fields_are_passed_over(self) -> None:
        expect(self.connect(ECHO, "Inline", {"later": {"a": [1]}}).status, 200, "HTTP status")

    def case_connect__json_forms(self) -> None:
        """64-bit numbers are texts, defaults are left out, and both spellings of a name are read."""
        answer = self.connect(ECHO, "Count", {})
        assert isinstance(answer.json["residentBytes"], str), answer.body
        request = {"response_size": 3, "responseType": "COMPRESSABLE", "fillServerId": True}
        body = self.connect(TEST, "UnaryCall", request).json
        expect(body["payload"], {"body": "AAAA"}, "the payload")

    def case_connect__broken_json(self) -> None:
        answer = self.ask(f"/{ECHO}/Async", body=b'{"payload":', fields={"content-type": "application/json"})
        expect((answer.status, answer.json["code"]), (400, "invalid_argument"), "the error")
        expect(answer.fields["content-type"], "application/json", "content-type")

    def case_connect__error(self) -> None:
        details = self.interface.status_with_details(5, "nothing ☺")
        coded = base64.b64encode(details.SerializeToString()).decode()
        answer = self.connect(ECHO, "Fail", {"code": 5, "message": "nothing ☺", "details": coded})
        expect((answer.status, answer.fields["content-type"]), (404, "application/json"), "status and type")
        error = answer.json
        expect((error["code"], error["message"]), ("not_found", "nothing ☺"), "the error")
        (detail,) = error["details"]
        expect(detail["type"], "google.rpc.BadRequest", "the type of the detail")
        expect(detail["value"], base64.b64encode(details.details[0].value).decode().rstrip("="), "the detail")

    def case_connect__metadata(self) -> None:
        coded = base64.b64encode(ECHO_TRAILING[1]).decode()
        fields = {ECHO_INITIAL[0]: ECHO_INITIAL[1], ECHO_TRAILING[0]: coded}
        answer = self.connect(TEST, "UnaryCall", {}, **fields)
        expect(answer.fields.get(ECHO_INITIAL[0]), ECHO_INITIAL[1], "initial metadata")
        trailer = answer.fields.get(f"trailer-{ECHO_TRAILING[0]}", "")
        expect(trailer.rstrip("="), coded.rstrip("="), "trailing metadata")

    def case_connect__unknown_method(self) -> None:
        answer = self.connect(TEST, "UnimplementedCall", {})
        assert answer.status in (404, 501), answer
        expect(answer.json["code"], "unimplemented", "code")

    def case_connect__unknown_version(self) -> None:
        answer = self.connect(ECHO, "Async", {}, connect_protocol_version="2")
        expect((answer.status, answer.json["code"]), (400, "invalid_argument"), "the error")

    def case_connect__timeout(self) -> None:
        answer = self.connect(ECHO, "Hang", {}, connect_timeout_ms="200")
        expect((answer.status, answer.json["code"]), (504, "deadline_exceeded"), "the error")

    def case_connect__bad_timeouts(self) -> None:
        for value in ("", "abc", "-5", "1.5", "99999999999"):
            answer = self.connect(ECHO, "Async", {}, connect_timeout_ms=value or ";")
            expect((answer.status, answer.json["code"]), (400, "invalid_argument"), f"the error for {value!r}")

    def case_connect__gzip_both_ways(self) -> None:
        body = gzip.compress(json.dumps({"responseSize": 5000, "responseCompressed": {"value": True}}).encode())
        fields = {"content-type": "application/json", "content-encoding": "gzip", "accept-encoding": "gzip"}
        answer = self.ask(f"/{TEST}/UnaryCall", body=body, fields=fields)
        expect((answer.status, answer.fields.get("content-encoding")), (200, "gzip"), "status and encoding")
        document = json.loads(gzip.decompress(answer.body))
        expect(len(base64.b64decode(document["payload"]["body"])), 5000, "the size")

    def case_connect__broken_gzip(self) -> None:
        fields = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = self.ask(f"/{ECHO}/Async", body=b"\x1f\x8bnonsense", fields=fields)
        assert answer.json["code"] in ("internal", "invalid_argument"), answer
        assert answer.status in (400, 500), answer

    def case_connect__unknown_encoding(self) -> None:
        fields = {"content-type": "application/json", "content-encoding": "br"}
        answer = self.ask(f"/{ECHO}/Async", body=b"{}", fields=fields)
        expect((answer.status, answer.json["code"]), (501, "unimplemented"), "the error")
        expect(answer.fields.get("accept-encoding"), "gzip", "accept-encoding")

    # Connect by GET

    def get(self, method: str = f"{ECHO}/Get", **parameters: str) -> Answer:
        return self.ask(f"/{method}?{urlencode(parameters)}")

    def case_connect__get(self) -> None:
        answer = self.get(connect="v1", encoding="json", message='{"payload":"aGFsbG8="}')
        expect((answer.status, answer.json), (200, {"payload": "aGFsbG8="}), "the answer")

    def case_connect__get_in_any_order_and_base64(self) -> None:
        # URL-safe, padded and not, in protobuf.
        message = self.interface.echo(b"\xfb\xff\xfe").SerializeToString()
        padded = base64.urlsafe_b64encode(message).decode()
        for coded in {padded, padded.rstrip("=")}:
            answer = self.get(message=coded, base64="1", encoding="proto", connect="v1")
            expect((answer.status, answer.fields["content-type"]), (200, "application/proto"), "status and type")
            expect(answer.body, message, "the answer")

    def case_connect__get_of_what_has_effects(self) -> None:
        answer = self.get(f"{ECHO}/Async", connect="v1", encoding="json", message="{}")
        expect((answer.status, answer.fields.get("allow")), (405, "POST"), "status and allow")

    def case_connect__get_without_a_message(self) -> None:
        answer = self.get(connect="v1", encoding="json")
        expect((answer.status, answer.json["code"]), (400, "invalid_argument"), "the error")

    # Connect, streaming

    def stream(self, name: str, document: object, service: str = TEST, **fields: str) -> Answer:
        named = {"content-type": "application/connect+json", **fields}
        return self.ask(f"/{service}/{name}", body=envelope(json.dumps(document).encode()), fields=named)

    def case_connect__stream(self) -> None:
        answer = self.stream("StreamingOutputCall", {"responseParameters": [{"size": 1}, {"size": 2}]})
        expect((answer.status, answer.fields["content-type"]), (200, "application/connect+json"), "status and type")
        *messages, (flag, end) = envelopes(answer.body)
        sizes = [(flag, json.loads(one)["payload"]["body"]) for flag, one in messages]
        expect(sizes, [(0, "AA=="), (0, "AAA=")], "messages")
        expect((flag, json.loads(end)), (2, {}), "the end of the stream")

    def case_connect__stream_fails_late(self) -> None:
        answer = self.stream("FailLate", {"code": 9, "message": "not so", "messages": 2}, ECHO)
        expect(answer.status, 200, "HTTP status")
        *messages, (flag, end) = envelopes(answer.body)
        expect([(flag, json.loads(one)) for flag, one in messages], [(0, {}), (0, {})], "messages")
        error = {"code": "failed_precondition", "message": "not so"}
        expect((flag, json.loads(end)), (2, {"error": error}), "the end of the stream")

    def case_connect__stream_metadata(self) -> None:
        coded = base64.b64encode(ECHO_TRAILING[1]).decode().rstrip("=")
        answer = self.stream("StreamingOutputCall", {}, **{ECHO_TRAILING[0]: coded})
        flag, end = envelopes(answer.body)[-1]
        expect((flag, json.loads(end)), (2, {"metadata": {ECHO_TRAILING[0]: [coded]}}), "the end of the stream")

    def case_connect__stream_compressed(self) -> None:
        request = {"responseParameters": [{"size": 1000, "compressed": {"value": True}}, {"size": 2}]}
        answer = self.stream("StreamingOutputCall", request, **{"connect-accept-encoding": "gzip"})
        expect(answer.fields.get("connect-content-encoding"), "gzip", "connect-content-encoding")
        (flag, first), *_ = envelopes(answer.body)
        expect(flag, 1, "the flag of the first message")
        size = len(base64.b64decode(json.loads(gzip.decompress(first))["payload"]["body"]))
        expect(size, 1000, "the size")

    def case_connect__stream_with_two_requests(self) -> None:
        fields = {"content-type": "application/connect+json"}
        answer = self.ask(f"/{TEST}/StreamingOutputCall", body=envelope(b"{}") * 2, fields=fields)
        flag, end = envelopes(answer.body)[-1]
        expect((flag, json.loads(end)["error"]["code"]), (2, "unimplemented"), "the end of the stream")

    def case_connect__stream_with_a_false_flag(self) -> None:
        """A message that is marked as compressed without an encoding."""
        fields = {"content-type": "application/connect+json"}
        answer = self.ask(f"/{TEST}/StreamingOutputCall", body=envelope(b"{}", 1), fields=fields)
        flag, end = envelopes(answer.body)[-1]
        expect((flag, json.loads(end)["error"]["code"]), (2, "internal"), "the end of the stream")

    # gRPC-Web

    def web(self, service: str, name: str, message: bytes, content: str = "application/grpc-web+proto") -> Answer:
        fields = {"content-type": content, "x-grpc-web": "1"}
        return self.ask(f"/{service}/{name}", body=envelope(message), fields=fields)

    def trailers(self, payload: bytes) -> dict[str, str]:
        assert payload.endswith(b"\r\n") and not payload.endswith(b"\r\n\r\n"), payload
        pairs = (line.partition(":") for line in payload.decode().removesuffix("\r\n").split("\r\n"))
        return {name: value.strip() for name, _, value in pairs}

    def case_web__unary(self) -> None:
        message = self.interface.echo(b"hallo").SerializeToString()
        for content in ("application/grpc-web", "application/grpc-web+proto"):
            answer = self.web(ECHO, "Inline", message, content)
            expect((answer.status, answer.fields["content-type"]), (200, content), "status and type")
            (flag, said), (last, end) = envelopes(answer.body)
            expect((flag, said, last), (0, message, 0x80), "the message and the flag of the trailers")
            expect(self.trailers(end), {"grpc-status": "0"}, "trailers")

    def case_web__error(self) -> None:
        request = self.interface.fail_request(9, "not ☺").SerializeToString()
        answer = self.web(ECHO, "Fail", request)
        expect(answer.status, 200, "HTTP status")
        # Before the first message the trailers may stand in the header block.
        found = self.trailers(envelopes(answer.body)[-1][1]) if answer.body else answer.fields
        expect((found["grpc-status"], found["grpc-message"]), ("9", "not %E2%98%BA"), "status and message")

    def case_web__error_after_messages(self) -> None:
        request = self.interface.fail_request(9, "late", messages=2).SerializeToString()
        *messages, (flag, end) = envelopes(self.web(ECHO, "FailLate", request).body)
        expect(([flag for flag, _ in messages], flag), ([0, 0], 0x80), "flags")
        expect(self.trailers(end), {"grpc-status": "9", "grpc-message": "late"}, "trailers")

    def case_web__get_is_refused(self) -> None:
        answer = self.ask(f"/{ECHO}/Inline", fields={"content-type": "application/grpc-web+proto"})
        expect((answer.status, answer.fields.get("allow")), (405, "POST"), "status and allow")

    def case_web__text_is_not_taken(self) -> None:
        answer = self.ask(
            f"/{ECHO}/Inline", body=b"AAAAAAA=", fields={"content-type": "application/grpc-web-text+proto"}
        )
        expect(answer.status, 415, "HTTP status")

    # Plain HTTP

    def case_http__page(self) -> None:
        answer = self.ask("/livez")
        expect((answer.version, answer.status, answer.body), ("2", 200, b"ok\n"), "the answer")
        expect(self.ask("/livez", "--head").body, b"", "the body of HEAD")

    def case_http__nothing_there(self) -> None:
        expect(self.ask("/no/such/page").status, 404, "HTTP status")

    def case_http__wrong_type(self) -> None:
        answer = self.ask(f"/{ECHO}/Inline", body=b"a=b", fields={"content-type": "application/x-www-form-urlencoded"})
        expect(answer.status, 415, "HTTP status")
        assert "application/json" in answer.fields.get("accept-post", ""), answer.fields

    def case_http__grpc_by_put(self) -> None:
        answer = self.ask(
            f"/{ECHO}/Inline", "--request", "PUT", body=envelope(b""), fields={"content-type": "application/grpc"}
        )
        expect((answer.status, answer.fields.get("allow")), (405, "POST"), "status and allow")


def play(target: Target, report: Report) -> None:
    """Plays every case; the dialect stands before the two underscores."""
    table = Table(target)
    for name in vars(Table):
        if name.startswith("case_"):
            dialect, _, case = name.removeprefix("case_").partition("__")
            run_case: Callable[[], None] = getattr(table, name)
            report.play(dialect, case, run_case)


if __name__ == "__main__":
    run_as_program("curl", play)
