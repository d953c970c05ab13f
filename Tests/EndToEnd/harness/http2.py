"""HTTP/2 by hand, over Python's own TLS and the h2 library: for what a gRPC library would never send."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events

from .server import HOST, Carillon

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATIENCE = 10.0

Headers = Sequence[tuple[str, str]]


def tls_context(server: Carillon, protocols: Sequence[str] = ("h2",)) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(server.authority.file))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def connect(server: Carillon, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    """A TLS connection; nothing of HTTP has been said on it."""
    plain = socket.create_connection((HOST, server.port), timeout=PATIENCE)
    try:
        return (context or tls_context(server)).wrap_socket(plain, server_hostname="localhost")
    except BaseException:
        plain.close()
        raise


def read_to_end(connection: socket.socket) -> bytes:
    """Everything until the server closes; a reset or a TLS alert counts as closing, a silence does not."""
    received = b""
    connection.settimeout(PATIENCE)
    try:
        while part := connection.recv(65536):
            received += part
    except TimeoutError as error:
        raise AssertionError(f"the server does not close the connection; it sent {received!r}") from error
    except (ConnectionError, ssl.SSLError):
        pass
    return received


@dataclass
class Answer:
    """What came on one stream."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None

    @property
    def grpc_status(self) -> int | None:
        """The gRPC status, from the trailers or from an answer that is nothing but trailers."""
        text = self.trailers.get("grpc-status", self.headers.get("grpc-status"))
        return None if text is None else int(text)

    @property
    def message(self) -> str:
        return self.trailers.get("grpc-message", self.headers.get("grpc-message", ""))


def frame(message: bytes, flag: int = 0, length: int | None = None) -> bytes:
    """A gRPC message with its prefix; `length` may lie."""
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


class Connection:
    """One HTTP/2 connection, for one request at a time. Use it in a `with` statement."""

    def __init__(self, server: Carillon) -> None:
        self.server = server
        self.socket = connect(server)
        assert self.socket.selected_alpn_protocol() == "h2"
        # What we send is to be wrong at times, so nothing is checked on our side.
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False,
                header_encoding="utf-8",
            )
        )  # fmt: skip
        self.http.initiate_connection()
        self.flush()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.http.data_to_send())

    def request(self, method: str, path: str, extra: Headers = (), body: bytes = b"", ends: bool = True) -> Answer:
        """Sends a request and waits for the end of its answer."""
        head = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *extra]
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, head, end_stream=ends and not body)
        size = self.http.max_outbound_frame_size
        for start in range(0, len(body), size):
            self.http.send_data(stream, body[start : start + size], end_stream=ends and start + size >= len(body))
        self.flush()
        return self.answer(stream)

    def call(self, path: str, body: bytes, extra: Headers = (), ends: bool = True) -> Answer:
        """Sends a gRPC request whose whole body is given."""
        usual = [("content-type", "application/grpc"), ("te", "trailers")]
        names = {name for name, _ in extra}
        return self.request("POST", path, [*[one for one in usual if one[0] not in names], *extra], body, ends)

    def answer(self, stream: int) -> Answer:
        answer = Answer()
        self.socket.settimeout(PATIENCE)
        while True:
            received = self.socket.recv(65536)
            assert received, f"the connection ended before the answer: {answer}"
            for event in self.http.receive_data(received):
                if isinstance(event, h2.events.ConnectionTerminated):
                    raise AssertionError(f"GOAWAY {event.error_code!r} {event.additional_data!r} before {answer}")
                if getattr(event, "stream_id", None) == stream and self.take(event, answer):
                    self.flush()
                    return answer
            self.flush()

    def take(self, event: h2.events.Event, answer: Answer) -> bool:
        """Adds an event to the answer; whether it was the last."""
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = dict(event.headers)
            answer.status = int(answer.headers[":status"])
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = int(event.error_code)
            return True
        return isinstance(event, h2.events.StreamEnded)


def goaway_codes(received: bytes) -> list[int]:
    """The error codes of the GOAWAY frames in what a server sent."""
    codes = []
    while len(received) >= 9:
        length = int.from_bytes(received[:3], "big")
        kind, payload = received[3], received[9 : 9 + length]
        if kind == 7 and len(payload) >= 8:
            codes.append(int.from_bytes(payload[4:8], "big"))
        received = received[9 + length :]
    return codes


def once(server: Carillon, ask: Callable[[Connection], Answer]) -> Answer:
    """Asks on a connection of its own."""
    with Connection(server) as connection:
        return ask(connection)
