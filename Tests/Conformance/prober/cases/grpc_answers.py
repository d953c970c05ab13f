"""Answers of gRPC calls: status and metadata (PROTOCOL-HTTP2, "Responses"), early ends and cancellation."""

from __future__ import annotations

from ..case import BARRIER, OK, Case, Outcome, Over, alive, answered, both, seen_as, status
from ..wire import (
    CANCEL,
    FRAME_SIZE,
    HANG,
    INLINE,
    INTERNAL_ERROR,
    INTEROP,
    NO_ERROR,
    STREAM,
    call,
    data,
    field,
    headers,
    message,
    payload,
    pieces,
    rst,
    window_update,
)

RESPONSES, METADATA, ERRORS = (
    "gRPC PROTOCOL-HTTP2: Responses",
    "gRPC PROTOCOL-HTTP2: Custom-Metadata",
    "gRPC PROTOCOL-HTTP2: Errors",
)
STATUS_MESSAGE = "gRPC PROTOCOL-HTTP2: Status-Message"
INTERNAL, UNIMPLEMENTED, UNKNOWN = 13, 12, 2
UNARY, FULL_DUPLEX, SERVER_STREAM = (
    f"{INTEROP}/UnaryCall",
    f"{INTEROP}/FullDuplexCall",
    f"{INTEROP}/StreamingOutputCall",
)

HANGING = headers(1, call(HANG), end=False) + data(1, message(), end=True)
NEXT = headers(3, call(), end=False) + data(3, message(), end=True)


def echo_status(code: int, text: str) -> bytes:
    """A SimpleRequest that asks for this status."""
    return message(field(7, field(1, code) + field(2, text.encode())))


def says(id: str, title: str, code: int, text: str, coded: str) -> Case:
    """The status message as it must be on the wire."""
    sends = [headers(1, call(UNARY), end=False), data(1, echo_status(code, text), end=True)]
    allowed = status(code, also=lambda one: one.trailers.get("grpc-message", "") == coded)
    return Case(f"status/{id}", title, STATUS_MESSAGE, sends, [allowed])


def with_metadata(id: str, title: str, *extra: tuple[str, str], allowed: Outcome, path: str = UNARY) -> Case:
    return Case(
        f"metadata/{id}",
        title,
        METADATA,
        [headers(1, call(path, extra), end=False), data(1, message(), end=True)],
        [allowed],
    )


INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


def leading(value: str) -> Outcome:
    return status(0, also=lambda one: one.head.get(INITIAL) == value)


def trailing(*values: str) -> Outcome:
    return status(0, also=lambda one: one.trailers.get(TRAILING) in values)


CASES = [
    # Status
    Case(
        "status/ok-in-trailers",
        "the status of a call that went well is in the trailers",
        RESPONSES,
        [headers(1, call(), end=False), data(1, message(), end=True)],
        [
            status(
                0,
                also=lambda one: (
                    len(one.blocks) == 2 and "grpc-status" not in one.head and one.trailers["grpc-status"] == "0"
                ),
            )
        ],
    ),
    Case(
        "status/trailers-only",
        "a refusal is one block with :status, content-type and grpc-status",
        RESPONSES,
        [headers(1, call("/no.Service/Method"))],
        [status(UNIMPLEMENTED, trailers_only=True)],
    ),
    Case(
        "status/error-without-messages",
        "an error before any message is Trailers-Only",
        "gRFC A6",
        [headers(1, call(UNARY), end=False), data(1, echo_status(5, "no"), end=True)],
        [status(5, trailers_only=True)],
    ),
    says("plain", "a message of visible characters", 2, "test status message", "test status message"),
    says(
        "special",
        "line ends, tabs and characters beyond ASCII",
        2,
        "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
        "%09%0Atest with whitespace%0D%0Aand Unicode BMP %E2%98%BA and non-BMP %F0%9F%98%88%09%0A",
    ),
    says("percent", "a percent sign", 2, "100% of %20", "100%25 of %2520"),
    says("delete", "the limits of what goes plain", 2, " ~\x7f\x1f", "%20~%7F%1F"),
    Case(
        "status/long-message",
        "a message of 20000 octets is cut, not sent",
        STATUS_MESSAGE,
        [
            headers(1, call(UNARY), end=False),
            *[data(1, one) for one in pieces(echo_status(2, "☺" * 6000), FRAME_SIZE)],
            data(1, end=True),
        ],
        [status(2, also=lambda one: len(one.trailers.get("grpc-message", "")) <= 4096)],
    ),
    *(
        Case(
            f"status/code-{code}",
            f"a handler that fails with {code}",
            "gRPC statuscodes.md",
            [headers(1, call(UNARY), end=False), data(1, echo_status(code, ""), end=True)],
            [status(code)],
        )
        for code in (1, 3, 16)
    ),
    Case(
        "status/code-unknown",
        "a handler that fails with a code that there is not is UNKNOWN",
        "gRPC statuscodes.md",
        [headers(1, call(UNARY), end=False), data(1, echo_status(999, "?"), end=True)],
        [status(UNKNOWN)],
    ),
    Case(
        "status/after-messages",
        "an error behind messages is in the trailers",
        RESPONSES,
        [
            headers(1, call(FULL_DUPLEX), end=False),
            data(1, message(field(2, field(1, 10)))),
            data(1, message(field(7, field(1, 5)))),
            BARRIER,
            data(1, end=True),
        ],
        [status(5, trailers_only=False)],
    ),
    Case(
        "status/no-headers-before",
        "header fields wait for the first message",
        "gRFC A6",
        [HANGING, BARRIER],
        [both(seen_as("nothing yet", lambda seen: not seen.stream(1).blocks), alive(1))],
    ),
    # Metadata
    with_metadata(
        "leading",
        "leading metadata",
        (INITIAL, "test_initial_metadata_value"),
        allowed=leading("test_initial_metadata_value"),
    ),
    with_metadata("trailing", "trailing metadata in base64", (TRAILING, "q6ur"), allowed=trailing("q6ur")),
    with_metadata("padded", "base64 with padding; without is said back", (TRAILING, "qw=="), allowed=trailing("qw")),
    with_metadata("unpadded", "base64 without padding", (TRAILING, "qw"), allowed=trailing("qw")),
    with_metadata("empty", "binary metadata of 0 octets", (TRAILING, ""), allowed=trailing("")),
    with_metadata("joined", "two binary values joined by a comma", ("x-some-bin", "qw,q6ur"), allowed=OK),
    with_metadata(
        "joined-padded", "two padded binary values joined by a comma", ("x-some-bin", "qw==,q6s="), allowed=OK
    ),
    with_metadata("broken", "binary metadata that is no base64", ("x-some-bin", "%%%"), allowed=status(INTERNAL)),
    with_metadata("broken-length", "base64 of an impossible length", ("x-some-bin", "q6urq"), allowed=status(INTERNAL)),
    with_metadata(
        "broken-padding", "base64 with padding in its middle", ("x-some-bin", "q=w="), allowed=status(INTERNAL)
    ),
    with_metadata(
        "broken-inline",
        "the same for a method that reads no metadata",
        ("x-some-bin", "%%%"),
        allowed=status(INTERNAL),
        path=INLINE,
    ),
    with_metadata(
        "many", "two hundred fields of metadata", *((f"x-{one}", str(one)) for one in range(200)), allowed=OK
    ),
    # Early ends
    Case(
        "early/refusal",
        "a refusal before the end of the request: trailers, then RST_STREAM NO_ERROR",
        ERRORS,
        [headers(1, call("/no.Service/Method"), end=False)],
        [both(status(UNIMPLEMENTED), seen_as("RST_STREAM NO_ERROR", lambda seen: seen.stream(1).reset == NO_ERROR))],
    ),
    Case(
        "early/refusal-complete",
        "no RST_STREAM behind a refusal of a complete request",
        ERRORS,
        [headers(1, call("/no.Service/Method"))],
        [both(status(UNIMPLEMENTED), alive(1))],
    ),
    Case(
        "early/error-of-stream",
        "a handler that fails while the client still sends",
        ERRORS,
        [headers(1, call(FULL_DUPLEX), end=False), data(1, message(field(7, field(1, 5))))],
        [both(status(5), seen_as("RST_STREAM NO_ERROR", lambda seen: seen.stream(1).reset == NO_ERROR))],
    ),
    Case(
        "early/then-next",
        "the connection serves on after an early end",
        ERRORS,
        [headers(1, call("/no.Service/Method"), end=False), Over(1), data(1, message()), NEXT],
        [status(0, stream=3)],
    ),
    # Cancellation
    Case(
        "cancel/running",
        "a running call is cancelled without an answer",
        ERRORS,
        [HANGING, BARRIER, rst(1), BARRIER, NEXT],
        [both(status(0, stream=3), both(alive(1), seen_as("no answer", lambda seen: not seen.stream(1).blocks)))],
    ),
    Case(
        "cancel/at-once",
        "a call that is cancelled in the same record",
        ERRORS,
        [HANGING + rst(1) + NEXT],
        [both(status(0, stream=3), alive(1))],
    ),
    Case(
        "cancel/with-error",
        "a call that is reset with INTERNAL_ERROR",
        ERRORS,
        [HANGING, BARRIER, rst(1, INTERNAL_ERROR), NEXT],
        [both(status(0, stream=3), alive(1))],
    ),
    Case(
        "cancel/stream",
        "a stream that is cancelled between messages",
        ERRORS,
        [headers(1, call(STREAM), end=False), data(1, message(payload(b"a"))), BARRIER, rst(1, CANCEL), NEXT],
        [both(status(0, stream=3), alive(1))],
    ),
    Case(
        "cancel/server-stream",
        "a server stream of 1000 messages that is cancelled after a while",
        ERRORS,
        [
            window_update(0, 1_000_000),
            headers(1, call(SERVER_STREAM), end=False),
            data(1, message(field(2, field(1, 1000)) * 1000), end=True),
            BARRIER,
            rst(1),
            NEXT,
        ],
        [status(0, stream=3)],
    ),
    Case(
        "cancel/hundred",
        "a hundred calls that are cancelled at once",
        ERRORS,
        [
            b"".join(headers(one, call(HANG), end=False) + data(one, message(), end=True) for one in range(5, 205, 2)),
            BARRIER,
            b"".join(rst(one) for one in range(5, 205, 2)),
            headers(301, call(), end=False),
            data(301, message(), end=True),
        ],
        [status(0, stream=301)],
    ),
    Case(
        "cancel/vanish",
        "a client that leaves while its calls run",
        ERRORS,
        [
            b"".join(headers(one, call(HANG), end=False) + data(one, message(), end=True) for one in range(1, 41, 2)),
            BARRIER,
        ],
        [],
        vanishes=True,
    ),
    Case(
        "early/page-beside-calls",
        "a page beside a running call",
        RESPONSES,
        [HANGING, headers(3, [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "localhost")])],
        [both(answered(stream=3), alive(1))],
    ),
]
