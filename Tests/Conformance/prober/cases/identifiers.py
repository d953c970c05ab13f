"""Stream identifiers (RFC 9113 §5.1.1) and how many streams may be open (§5.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from ..case import BARRIER, OK, Case, Over, alive, answered, both, connection_error, seen_as, status, stream_error
from ..peer import Peer
from ..transcript import Transcript
from ..wire import (
    GET,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    PREFACE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    STREAM_CLOSED,
    call,
    data,
    headers,
    message,
    payload,
    pieces,
    rst,
    settings,
    window_update,
)

SECTION, CONCURRENCY = "RFC 9113 §5.1.1", "RFC 9113 §5.1.2"

UNEXPECTED = [connection_error(PROTOCOL_ERROR)]
# Answers whose DATA waits for the window keep their streams open.
HELD = ((INITIAL_WINDOW_SIZE, 0),)
LAST = 2**31 - 1


@dataclass(frozen=True)
class Open:
    """Opens as many streams as the server allows, and `more`; the first is 1."""

    more: int = 0

    def done(self, peer: Peer) -> bool:
        if not peer.wait(lambda seen: seen.settings_count > 0):
            return False
        count = peer.seen.settings.get(MAX_CONCURRENT_STREAMS, 0) + self.more
        for part in pieces(b"".join(headers(2 * one + 1, GET) for one in range(count)), 65_536):
            peer.send(part)
        return peer.barrier()


def refusals(seen: Transcript) -> list[int]:
    return [number for number, one in seen.streams.items() if one.reset in (REFUSED_STREAM, PROTOCOL_ERROR)]


def limit(seen: Transcript) -> int:
    return seen.settings.get(MAX_CONCURRENT_STREAMS, 0)


EXCESS_REFUSED = seen_as(
    "the one stream above the limit refused",
    lambda seen: refusals(seen) == [2 * limit(seen) + 1] and seen.error is None,
)

# Two calls whose DATA frames take turns.
FIRST, SECOND = message(payload(b"first")), message(payload(b"other"))
IN_TURN = b"".join(data(1, bytes([one])) + data(3, bytes([other])) for one, other in zip(FIRST, SECOND, strict=True))

CASES = [
    Case("ids/even", "HEADERS with an even identifier", SECTION, [headers(2, GET)], UNEXPECTED),
    Case("ids/lower", "an identifier below one that was used", SECTION, [headers(5, GET), headers(3, GET)], UNEXPECTED),
    Case(
        "ids/lower-later",
        "an identifier below one whose stream is closed",
        SECTION,
        [headers(5, GET), Over(5), BARRIER, headers(3, GET)],
        UNEXPECTED,
    ),
    Case(
        "ids/lower-call",
        "a call with an identifier below that of a call under way",
        SECTION,
        [headers(7, call(), end=False), BARRIER, headers(1, call(), end=False)],
        UNEXPECTED,
    ),
    Case("ids/zero", "HEADERS on stream 0", "RFC 9113 §6.2", [headers(0, GET)], UNEXPECTED),
    Case(
        "ids/skipped-data",
        "DATA on a stream that was closed by the use of a higher one",
        SECTION,
        [headers(5, GET), Over(5), data(3, b"test")],
        [stream_error(STREAM_CLOSED, PROTOCOL_ERROR, stream=3)],
    ),
    Case(
        "ids/skip",
        "identifiers may be skipped",
        SECTION,
        [headers(1, GET), Over(1), headers(101, GET)],
        [answered(stream=101)],
    ),
    Case("ids/last", "the highest identifier", SECTION, [headers(LAST, GET)], [answered(stream=LAST)]),
    Case(
        "ids/after-last",
        "an identifier below the highest, which was used",
        SECTION,
        [headers(LAST, GET), Over(LAST), headers(1, GET)],
        # Nobody remembers all identifiers; so far below the highest it may as well have been closed.
        [connection_error(PROTOCOL_ERROR, STREAM_CLOSED)],
    ),
    Case(
        "ids/same-half-closed",
        "HEADERS twice on one stream",
        SECTION,
        [headers(5, GET) + headers(5, GET)],
        [stream_error(STREAM_CLOSED, stream=5)],
    ),
    Case(
        "ids/in-turn",
        "two calls whose DATA takes turns",
        "RFC 9113 §5",
        [headers(1, call(), end=False) + headers(3, call(), end=False), IN_TURN, data(3, end=True) + data(1, end=True)],
        [both(status(0, body=b"first"), status(0, stream=3, body=b"other"))],
    ),
    Case(
        "streams/limit-announced",
        "a limit of at least 100 is announced",
        "RFC 9113 §6.5.2",
        [],
        [seen_as("100 or more", lambda seen: limit(seen) >= 100)],
    ),
    Case(
        "streams/as-many-as-allowed",
        "as many streams as are allowed",
        CONCURRENCY,
        [Open()],
        [
            seen_as(
                "as many answers",
                lambda seen: (
                    sum(bool(one.blocks) for one in seen.streams.values()) == limit(seen) and seen.error is None
                ),
            )
        ],
        settings=HELD,
    ),
    Case(
        "streams/one-too-many",
        "one stream more than is allowed",
        CONCURRENCY,
        [Open(1)],
        [EXCESS_REFUSED, connection_error(PROTOCOL_ERROR, REFUSED_STREAM)],
        settings=HELD,
    ),
    Case(
        "streams/one-too-many-before-ack",
        "one stream too many by a client that cannot know it yet",
        CONCURRENCY,
        [PREFACE + settings(*HELD), Open(1)],
        [EXCESS_REFUSED, alive()],
        raw=True,
    ),
    Case(
        "streams/room-again",
        "a reset makes room for another stream",
        CONCURRENCY,
        [Open(), rst(1), BARRIER, headers(99_999, GET), window_update(99_999, 1000)],
        [answered(stream=99_999)],
        settings=HELD,
    ),
    Case(
        "streams/many-in-turn",
        "many calls one after the other do not add up",
        CONCURRENCY,
        [
            part
            for one in range(1, 4001, 2)
            for part in (
                [headers(one, call(), end=False) + data(one, message(), end=True)]
                + ([Over(one)] if one % 50 == 1 else [])
            )
        ],
        [both(OK, status(0, stream=3999))],
    ),
]
