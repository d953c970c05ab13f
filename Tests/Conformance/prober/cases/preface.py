"""How a connection begins: ALPN (RFC 9113 §3.2, RFC 7301) and the connection preface (§3.4)."""

from __future__ import annotations

from ..case import Case, Over, alive, answered, both, closed, connection_error, seen_as
from ..wire import (
    ACK,
    FRAME_SIZE_ERROR,
    GET,
    PREFACE,
    PROTOCOL_ERROR,
    SETTINGS,
    frame,
    headers,
    pieces,
    ping,
    priority,
    settings,
)

SECTION = "RFC 9113 §3.4"

# A connection error, or just the end: "a GOAWAY frame MAY be omitted in this case".
INVALID = [connection_error(PROTOCOL_ERROR), closed()]
# The first frame must be SETTINGS.
NO_SETTINGS = [connection_error(PROTOCOL_ERROR)]
REFUSED = seen_as("a refusal", lambda seen: seen.ending is not None and not seen.streams, barred=False)

CASES = [
    Case(
        "preface/settings-first",
        "the server's preface is a SETTINGS frame",
        SECTION,
        [PREFACE + settings()],
        [seen_as("SETTINGS first and one ACK", lambda seen: seen.settings_count == 1 and seen.settings_acks == 1)],
        raw=True,
    ),
    Case(
        "preface/invalid",
        "octets that are no preface",
        SECTION,
        [b"INVALID CONNECTION PREFACE\r\n\r\n"],
        INVALID,
        raw=True,
    ),
    Case(
        "preface/http1",
        "an HTTP/1.1 request",
        SECTION,
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        INVALID,
        raw=True,
    ),
    Case(
        "preface/last-octet",
        "a preface whose last octet is wrong",
        SECTION,
        [PREFACE[:-1] + b"!" + settings()],
        INVALID,
        raw=True,
    ),
    Case("preface/lower-case", "a preface in lower case", SECTION, [PREFACE.lower() + settings()], INVALID, raw=True),
    Case(
        "preface/frames-only", "SETTINGS without the 24 octets before it", SECTION, [settings() * 4], INVALID, raw=True
    ),
    Case(
        "preface/octet-by-octet",
        "a preface in 24 records",
        SECTION,
        [*pieces(PREFACE, 1), *pieces(settings(), 1), headers(1, GET)],
        [answered()],
        raw=True,
    ),
    Case(
        "preface/request-at-once",
        "a request before any frame of the server",
        SECTION,
        [PREFACE + settings() + headers(1, GET)],
        [answered()],
        raw=True,
    ),
    Case(
        "preface/request-without-ack",
        "requests by a client that does not acknowledge the server's SETTINGS",
        "RFC 9113 §6.5.3",
        [PREFACE + settings() + headers(1, GET), Over(1), headers(3, GET)],
        [answered(stream=3)],
        raw=True,
    ),
    Case(
        "preface/headers-first", "HEADERS before SETTINGS", SECTION, [PREFACE + headers(1, GET)], NO_SETTINGS, raw=True
    ),
    Case("preface/ping-first", "PING before SETTINGS", SECTION, [PREFACE + ping()], NO_SETTINGS, raw=True),
    Case("preface/priority-first", "PRIORITY before SETTINGS", SECTION, [PREFACE + priority(1)], NO_SETTINGS, raw=True),
    Case(
        "preface/ack-first",
        "an acknowledgement before SETTINGS",
        SECTION,
        [PREFACE + frame(SETTINGS, 0, flags=ACK)],
        NO_SETTINGS,
        raw=True,
    ),
    Case(
        "preface/unknown-first",
        "a frame of unknown type before SETTINGS",
        SECTION,
        [PREFACE + frame(0x42, 0, b"12345678")],
        NO_SETTINGS,
        raw=True,
    ),
    Case(
        "preface/settings-too-long",
        "a first SETTINGS frame beyond the frame size",
        "RFC 9113 §4.2",
        [PREFACE + frame(SETTINGS, 0, b"\x00" * 600, length=2**24 - 4)],
        [connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)],
        raw=True,
    ),
    Case(
        "preface/twice",
        "the preface again, where a frame is due",
        SECTION,
        [PREFACE + settings()],
        [connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)],
    ),
    Case("alpn/none", "no ALPN", "RFC 9113 §3.2", [PREFACE + settings()], [REFUSED], raw=True, protocols=()),
    Case(
        "alpn/http1",
        "ALPN without h2",
        "RFC 7301 §3.2",
        [PREFACE + settings()],
        [REFUSED],
        raw=True,
        protocols=("http/1.1", "h2c"),
    ),
    Case(
        "alpn/choice",
        "ALPN with h2 among others",
        "RFC 7301 §3.2",
        [headers(1, GET)],
        [both(answered(), alive())],
        protocols=("http/1.1", "h2"),
    ),
]
