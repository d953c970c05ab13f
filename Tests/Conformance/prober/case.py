"""What a case of the prober is made of: what is sent, what is waited for, and which outcomes are right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import wire
from .peer import Peer
from .transcript import Stream, Transcript


class Wait(Protocol):
    """Something that is waited for between two sends."""

    def done(self, peer: Peer) -> bool: ...


@dataclass(frozen=True)
class Barrier:
    """The server has handled what was sent so far."""

    def done(self, peer: Peer) -> bool:
        return peer.barrier()


@dataclass(frozen=True)
class Over:
    """A stream is over: ended by the server or reset."""

    stream: int = 1

    def done(self, peer: Peer) -> bool:
        return peer.wait(lambda seen: seen.stream(self.stream).is_over)


@dataclass(frozen=True)
class Answering:
    """The header fields of an answer came."""

    stream: int = 1

    def done(self, peer: Peer) -> bool:
        return peer.wait(lambda seen: bool(seen.stream(self.stream).blocks))


@dataclass(frozen=True)
class Acknowledged:
    """The server has acknowledged so many SETTINGS frames, that of the preface included."""

    count: int = 2

    def done(self, peer: Peer) -> bool:
        return peer.wait(lambda seen: seen.settings_acks >= self.count)


@dataclass(frozen=True)
class Body:
    """So many octets of an answer came."""

    count: int
    stream: int = 1

    def done(self, peer: Peer) -> bool:
        return peer.wait(lambda seen: len(seen.stream(self.stream).body) >= self.count)


BARRIER = Barrier()


# Outcomes


@dataclass(frozen=True)
class Outcome:
    """What a server may do; `barred` outcomes are judged only after a final barrier."""

    text: str
    test: Callable[[Transcript], bool]
    barred: bool = False

    def __str__(self) -> str:
        return self.text


def names(codes: Collection[int]) -> str:
    return " or ".join(wire.error_name(code) for code in codes)


def connection_error(*codes: int) -> Outcome:
    """GOAWAY with one of the codes, and then the end of the connection in good order (§5.4.1)."""
    return Outcome(f"a connection error {names(codes)}", lambda seen: seen.error in codes and seen.ending == "closed")


def closed() -> Outcome:
    """The end of the connection in good order, with or without GOAWAY."""
    return Outcome("a closed connection", lambda seen: seen.ending == "closed")


def stream_error(*codes: int, stream: int = 1) -> Outcome:
    """RST_STREAM with one of the codes (§5.4.2), or the same as a connection error, as §5.4 allows."""
    whole = connection_error(*codes)
    return Outcome(
        f"an error {names(codes)} of stream {stream}",
        lambda seen: seen.stream(stream).reset in codes or whole.test(seen),
    )


def reset(*codes: int, stream: int = 1) -> Outcome:
    """RST_STREAM with one of the codes, on a connection that goes on."""
    return Outcome(
        f"RST_STREAM {names(codes)} on stream {stream} only",
        lambda seen: seen.stream(stream).reset in codes and goes_on(seen),
        barred=True,
    )


def goes_on(seen: Transcript) -> bool:
    return seen.error is None and seen.ending is None


def alive(*untouched: int) -> Outcome:
    """The connection goes on, and the streams named were not reset."""
    return Outcome(
        "nothing" if not untouched else f"no reset of {list(untouched)}",
        lambda seen: goes_on(seen) and all(seen.stream(one).reset is None for one in untouched),
        barred=True,
    )


def answered(status: int | Collection[int] | None = None, stream: int = 1, **fields: str | None) -> Outcome:
    """A complete HTTP answer, with one of the statuses if any is given.

    `fields` are header fields, with `_` for `-` in their names, and `None` for those that must not be there.
    """
    allowed = {status} if isinstance(status, int) else status

    def test(seen: Transcript) -> bool:
        one = seen.stream(stream)
        return one.ended and (one.status in allowed if allowed else one.status is not None) and has(one.head, fields)

    return Outcome(f"an answer {allowed or ''} {fields or ''} on stream {stream}".replace("  ", " "), test)


def has(head: dict[str, str], fields: dict[str, str | None]) -> bool:
    return all(head.get(name.replace("_", "-")) == value for name, value in fields.items())


def status(
    *codes: int, stream: int = 1, body: bytes | None = None, trailers_only: bool | None = None,
    also: Callable[[Stream], bool] = lambda _: True,
) -> Outcome:  # fmt: skip
    """A gRPC answer: HTTP 200 with one of the gRPC status codes, and for `body` this one message."""

    def test(seen: Transcript) -> bool:
        one = seen.stream(stream)
        return (
            one.ended
            and one.status == 200
            and one.head.get("content-type", "").startswith("application/grpc")
            and one.grpc_status in codes
            and (body is None or one.body == wire.message(wire.payload(body)))
            and (trailers_only is None or trailers_only == (len(one.blocks) == 1))
            and also(one)
        )

    return Outcome(f"grpc-status {' or '.join(map(str, codes))} on stream {stream}", test)


def sized(*sizes: int, stream: int = 1) -> Outcome:
    """DATA frames of exactly these lengths, and no more of them yet."""
    return Outcome(
        f"DATA of {list(sizes)} octets",
        lambda seen: seen.stream(stream).sizes == list(sizes) and goes_on(seen),
        barred=True,
    )


def both(one: Outcome, other: Outcome) -> Outcome:
    return Outcome(f"{one} and {other}", lambda seen: one.test(seen) and other.test(seen), one.barred or other.barred)


def seen_as(text: str, test: Callable[[Transcript], bool], barred: bool = True) -> Outcome:
    """Any other outcome."""
    return Outcome(text, test, barred)


# Cases


@dataclass(frozen=True)
class Case:
    """One case. Unless it is `raw`, both prefaces are exchanged before anything of it is sent."""

    id: str
    title: str
    source: str
    sends: Sequence[bytes | Wait]
    allowed: Sequence[Outcome]
    settings: tuple[tuple[int, int], ...] = ()
    raw: bool = False
    protocols: tuple[str, ...] = ("h2",)
    vanishes: bool = False
    """Whether the prober is gone after the last send; then only the others' service is judged."""


OK = status(0)
