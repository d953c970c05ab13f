"""An HTTP/2 server on the h2 library that answers gRPC calls in ways that a proper server does not.

The path of a call says what happens to it: `/case/NAME` or `/case/NAME/ARGUMENT`. It prints `port N`, then a line for each thing
that a test may wait for, and ends with its standard input. The bad ways of the interop tests for clients
(negative-http2-interop-test-descriptions.md: goaway, rst_after_header, rst_during_data, rst_after_data, ping, max_streams) are
among the cases.
"""

from __future__ import annotations

import argparse
import collections
import socket
import ssl
import sys
import threading

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    PingAckReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

HEADERS = [(":status", "200"), ("content-type", "application/grpc")]
OK = [("grpc-status", "0")]
UNAVAILABLE = [("grpc-status", "14"), ("grpc-message", "not now")]


def frame(text: str, flag: int = 0) -> bytes:
    """A length-prefixed google.protobuf.StringValue."""
    octets = text.encode()
    assert len(octets) < 128
    message = b"\x0a" + bytes([len(octets)]) + octets if octets else b""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def say(line: str) -> None:
    """Tells the test. One write, so that the lines of two threads do not run into one another."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


FROZEN: list[socket.socket] = []
"""Connections that are read no more, to be dropped by a word on the standard input."""


class Shared:
    """What all connections know."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.attempts: collections.Counter[str] = collections.Counter()
        self.connections = 0

    def attempt(self, path: str) -> int:
        """Counts a call of a path; the first is 1."""
        with self.lock:
            self.attempts[path] += 1
            return self.attempts[path]


class Connection:
    """One connection: a thread that reads, and the cases."""

    def __init__(self, sock: ssl.SSLSocket, shared: Shared, max_streams: int | None, hangs_up: bool) -> None:
        self.sock = sock
        self.hangs_up = hangs_up
        self.shared = shared
        with shared.lock:
            shared.connections += 1
            self.number = shared.connections
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        if max_streams is not None:
            # Before anything was sent there is nothing for the client to acknowledge: the first SETTINGS say it.
            self.h2.local_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = max_streams
            self.h2.local_settings.acknowledge()
        self.requests: dict[int, dict[str, str]] = {}
        self.bodies: dict[int, bytes] = collections.defaultdict(bytes)
        self.held: dict[int, int] = {}
        self.flooding: dict[int, int] = {}
        self.most_open = 0
        self.pings: dict[bytes, int] = {}
        self.frozen = False

    def run(self) -> None:
        """Serves until the connection ends."""
        say(f"connection {self.number}")
        self.h2.initiate_connection()
        # Only the windows of streams are to hold a client up.
        self.h2.increment_flow_control_window(1 << 24)
        self.flush()
        if self.hangs_up:
            self.sock.recv(65536)
            self.sock.close()
            return
        try:
            while not self.frozen and (octets := self.sock.recv(65536)):
                for event in self.h2.receive_data(octets):
                    self.handle(event)
                self.flush()
            if self.frozen:
                FROZEN.append(self.sock)
                say("frozen")
                return
        except (OSError, ProtocolError) as error:
            say(f"broken {self.number} {error!r}")
        say(f"closed {self.number}")
        self.sock.close()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def handle(self, event: object) -> None:
        if isinstance(event, RequestReceived):
            self.requests[event.stream_id] = dict(event.headers)
            self.most_open = max(self.most_open, len(self.requests))
            name, _, argument = self.path(event.stream_id).removeprefix("/case/").partition("/")
            early = getattr(self, f"early_{name}", None)
            if early:
                early(event.stream_id, argument)
        elif isinstance(event, DataReceived):
            name = self.path(event.stream_id).removeprefix("/case/")
            self.bodies[event.stream_id] += event.data
            if name == "hold":
                self.held[event.stream_id] = self.held.get(event.stream_id, 0) + event.flow_controlled_length
                if self.held[event.stream_id] == 65535:
                    say("window full")
            else:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            name, _, argument = self.path(event.stream_id).removeprefix("/case/").partition("/")
            ended = getattr(self, f"case_{name}", None)
            if ended:
                ended(event.stream_id, argument)
        elif isinstance(event, StreamReset):
            self.requests.pop(event.stream_id, None)
            self.flooding.pop(event.stream_id, None)
            say(f"reset {int(event.error_code)}")
        elif isinstance(event, PingAckReceived):
            self.acknowledged(event.ping_data)
        elif isinstance(event, WindowUpdated):
            self.pour()

    def path(self, stream: int) -> str:
        return self.requests.get(stream, {}).get(":path", "")

    def answer(self, stream: int, text: str, trailers: list[tuple[str, str]] | None = None) -> None:
        """A proper answer with one message."""
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame(text))
        self.h2.send_headers(stream, OK + (trailers or []), end_stream=True)
        self.requests.pop(stream, None)

    def trailers_only(self, stream: int, fields: list[tuple[str, str]]) -> None:
        self.h2.send_headers(stream, HEADERS + fields, end_stream=True)
        self.requests.pop(stream, None)

    def reset(self, stream: int, code: int = 0) -> None:
        self.h2.reset_stream(stream, code)
        self.requests.pop(stream, None)

    # The interop tests for clients.

    def case_where(self, stream: int, _: str) -> None:
        """Names the connection and how many calls were open at once."""
        self.answer(stream, f"{self.number} {self.most_open}")

    def case_echo_length(self, stream: int, _: str) -> None:
        """Answers with the length of the request's body."""
        self.answer(stream, str(len(self.bodies[stream])))

    def case_goaway(self, stream: int, _: str) -> None:
        self.answer(stream, str(self.number))
        self.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=stream)

    def case_rst_after_header(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.reset(stream)

    def case_rst_during_data(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame("only half of this comes")[:10])
        self.reset(stream)

    def case_rst_after_data(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame("whole"))
        self.reset(stream)

    def case_ping(self, stream: int, _: str) -> None:
        """Answers when the client has answered three pings."""
        for number in range(3):
            data = stream.to_bytes(4, "big") + number.to_bytes(4, "big")
            self.pings[data] = stream
            self.h2.ping(data)

    def acknowledged(self, data: bytes) -> None:
        stream = self.pings.pop(data)
        if stream not in self.pings.values():
            self.answer(stream, "three pings were answered")

    # What was not processed.

    def case_goaway_unprocessed(self, stream: int, _: str) -> None:
        """The first call meets a server that has just gone; the second one is answered."""
        if self.shared.attempt("goaway_unprocessed") == 1:
            # h2 itself would refuse to go on: its own GOAWAY frame, then the end.
            self.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=0)
        else:
            self.answer(stream, f"{self.number} {self.requests[stream].get('grpc-previous-rpc-attempts', 'none')}")

    def case_refused(self, stream: int, count: str) -> None:
        """Refuses so many times, then answers."""
        if self.shared.attempt(self.path(stream)) <= int(count):
            self.reset(stream, ErrorCodes.REFUSED_STREAM)
        else:
            self.answer(stream, self.requests[stream].get("grpc-previous-rpc-attempts", "none"))

    def case_attempts(self, stream: int, path: str) -> None:
        """How often a path was called."""
        with self.shared.lock:
            count = self.shared.attempts[f"/case/{path}"]
        self.answer(stream, str(count))

    # Retries.

    def case_unavailable(self, stream: int, count: str) -> None:
        """Is not available so many times, then answers with the request's body size and the attempts before."""
        if self.shared.attempt(self.path(stream)) <= int(count):
            self.trailers_only(stream, UNAVAILABLE)
        else:
            before = self.requests[stream].get("grpc-previous-rpc-attempts", "none")
            self.answer(stream, f"{len(self.bodies[stream])} {before}")

    def case_pushback(self, stream: int, value: str) -> None:
        """Is not available once, with a pushback."""
        if self.shared.attempt(self.path(stream)) == 1:
            self.trailers_only(stream, [*UNAVAILABLE, ("grpc-retry-pushback-ms", value)])
        else:
            self.answer(stream, "at last")

    def case_headers_then_unavailable(self, stream: int, _: str) -> None:
        self.shared.attempt(self.path(stream))
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_headers(stream, UNAVAILABLE, end_stream=True)
        self.requests.pop(stream, None)

    def early_unavailable_early(self, stream: int, _: str) -> None:
        """Fails before the request is complete, the first time."""
        if self.shared.attempt(self.path(stream)) == 1:
            self.trailers_only(stream, UNAVAILABLE)
            self.h2.reset_stream(stream, ErrorCodes.NO_ERROR)

    def case_unavailable_early(self, stream: int, _: str) -> None:
        self.answer(stream, str(len(self.bodies[stream])))

    # Answers that are not as they should be.

    def case_rst(self, stream: int, code: str) -> None:
        self.reset(stream, int(code))

    def case_http(self, stream: int, status: str) -> None:
        self.h2.send_headers(stream, [(":status", status), ("content-type", "text/html")])
        self.h2.send_data(stream, b"<html>no</html>", end_stream=True)
        self.requests.pop(stream, None)

    def case_type(self, stream: int, subtype: str) -> None:
        """A proper answer of another content type; `none` for none."""
        fields = [(":status", "200")] + ([("content-type", f"application/{subtype}")] if subtype != "none" else [])
        self.h2.send_headers(stream, fields)
        self.h2.send_data(stream, frame("typed"))
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def case_no_trailers(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame("cut"), end_stream=True)
        self.requests.pop(stream, None)

    def case_no_status(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame("cut"))
        self.h2.send_headers(stream, [("x-trailer", "1")], end_stream=True)
        self.requests.pop(stream, None)

    def case_trailers_only(self, stream: int, status: str) -> None:
        self.trailers_only(stream, [("grpc-status", status), ("grpc-message", "50%25 %zz"), ("x-only", "1")])

    def case_messages(self, stream: int, count: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        for _ in range(int(count)):
            self.h2.send_data(stream, frame("again"))
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def case_half_message(self, stream: int, _: str) -> None:
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, frame("half")[:7])
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def case_encoding(self, stream: int, encoding: str) -> None:
        """A message that is marked as compressed in a way that nobody knows."""
        self.h2.send_headers(stream, [*HEADERS, ("grpc-encoding", encoding)])
        self.h2.send_data(stream, frame("squeezed", flag=1))
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def case_large(self, stream: int, length: str) -> None:
        """The prefix of a message of that length, and a little of it."""
        self.h2.send_headers(stream, HEADERS)
        self.h2.send_data(stream, b"\x00" + int(length).to_bytes(4, "big") + b"x" * 100)

    def case_headers_of(self, stream: int, size: str) -> None:
        self.h2.send_headers(stream, [*HEADERS, *[("x-large", "x" * 1000)] * (int(size) // 1000)])
        self.h2.send_data(stream, frame("much"))
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def case_wrong_length(self, stream: int, _: str) -> None:
        """A body that is longer than its content-length: a stream error (RFC 9113, section 8.1.1)."""
        self.h2.send_headers(stream, [*HEADERS, ("content-length", "3")])
        self.h2.send_data(stream, frame("more than three"))

    def case_metadata(self, stream: int, _: str) -> None:
        """Leading and trailing metadata, what the client sent among them."""
        sent = self.requests[stream]
        self.h2.send_headers(
            stream, [*HEADERS, ("x-lead", "a"), ("x-lead", "b"), ("x-sent-bin", sent.get("x-sent-bin", "none"))]
        )
        self.h2.send_data(stream, frame(sent.get("user-agent", "none")))
        self.h2.send_headers(stream, [*OK, ("x-trail-bin", "q6ur,AQI="), ("x-te", sent.get("te", ""))], end_stream=True)
        self.requests.pop(stream, None)

    def case_timeout(self, stream: int, _: str) -> None:
        self.answer(stream, self.requests[stream].get("grpc-timeout", "none"))

    def case_authority(self, stream: int, _: str) -> None:
        self.answer(stream, self.requests[stream].get(":authority", "none"))

    # Flow.

    def early_early_headers(self, stream: int, _: str) -> None:
        """The header block comes at once, the rest with the end of the request."""
        self.h2.send_headers(stream, [*HEADERS, ("x-early", "1")])

    def case_early_headers(self, stream: int, _: str) -> None:
        self.h2.send_data(stream, frame("late"))
        self.h2.send_headers(stream, OK, end_stream=True)
        self.requests.pop(stream, None)

    def early_early_answer(self, stream: int, _: str) -> None:
        """Answers before the request is complete, and never asks for the rest."""
        self.answer(stream, "enough")

    def case_hold(self, stream: int, _: str) -> None:
        self.answer(stream, str(len(self.bodies[stream])))

    def case_release(self, stream: int, _: str) -> None:
        """Takes what calls of `hold` have sent, and from then on everything."""
        for held, octets in self.held.items():
            self.requests[held][":path"] = "/case/released"
            self.h2.acknowledge_received_data(octets, held)
        self.held = {}
        self.answer(stream, "released")

    def case_released(self, stream: int, _: str) -> None:
        self.answer(stream, str(len(self.bodies[stream])))

    def case_flood(self, stream: int, megabytes: str) -> None:
        """Sends messages of 1 KiB as long as the windows allow."""
        self.h2.send_headers(stream, HEADERS)
        self.flooding[stream] = int(megabytes) * 1024
        self.pour()

    def pour(self) -> None:
        message = b"\x0a\xf8\x07" + b"x" * 1016
        one = b"\x00" + len(message).to_bytes(4, "big") + message
        for stream in list(self.flooding):
            while self.flooding[stream] and self.h2.local_flow_control_window(stream) >= len(one):
                self.h2.send_data(stream, one)
                self.flooding[stream] -= 1
            if self.flooding[stream] == 0:
                del self.flooding[stream]
                self.h2.send_headers(stream, OK, end_stream=True)
                self.requests.pop(stream, None)
            else:
                say(f"left {self.flooding[stream]}")

    # Silence.

    def case_never(self, _stream: int, _: str) -> None:
        say("never")

    def case_freeze(self, _stream: int, _: str) -> None:
        """Reads nothing more, and leaves the connection open."""
        self.frozen = True


def main() -> None:
    """Serves until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--max-streams", type=int)
    parser.add_argument("--hang-up", action="store_true", help="end each connection right after the SETTINGS")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0))
    shared = Shared()
    kept: list[object] = []

    def serve(plain: socket.socket) -> None:
        try:
            sock = context.wrap_socket(plain, server_side=True)
            connection = Connection(sock, shared, options.max_streams, options.hang_up)
        except (OSError, ssl.SSLError) as error:
            say(f"handshake {error!r}")
            return
        kept.append(connection)
        connection.run()

    def accept() -> None:
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=serve, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    say(f"port {listener.getsockname()[1]}")
    for line in sys.stdin:
        assert line == "drop\n", line
        while FROZEN:
            FROZEN.pop().close()


if __name__ == "__main__":
    main()
