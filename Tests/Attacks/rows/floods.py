"""Rows 31 and 32: frames that cost the sender nothing, without end."""

from __future__ import annotations

import struct

from arena import frames
from arena.stage import Stage, attack, storm

OPEN = frames.pack(frames.head(frames.ECHO + "Stream"))
OPENED = frames.headers(1, OPEN)
# An acknowledgement between the frames of a header block would be an error of another kind.
HOLD = {"acknowledges": False}
FIELDS = frames.pack([("x-%05d" % number, "y" * 100) for number in range(120)])


@attack(31, "continuations", short=True)
def continuations(stage: Stage) -> str:
    """CVE-2024-27316: a header block that never ends."""
    begun = frames.headers(1, OPEN, complete=False)
    return str(storm(stage, [frames.continuation(1, FIELDS)] * 8, prelude=begun, **HOLD))


@attack(31, "empty-continuations", short=True)
def empty_continuations(stage: Stage) -> str:
    """The same without a single octet of fields."""
    begun = frames.headers(1, OPEN, complete=False)
    return str(storm(stage, [frames.continuation(1, b"") * 1000], prelude=begun, **HOLD))


@attack(31, "continuations-across-streams", short=True)
def continuations_across_streams(stage: Stage) -> str:
    """As many CONTINUATIONs as are let pass, on stream after stream, 60 KiB each, over the limit for header lists."""

    def burst(number: int) -> bytes:
        stream = 2 * number + 1
        parts = [frames.continuation(stream, FIELDS) for _ in range(2)]
        return frames.headers(stream, OPEN, complete=False) + b"".join(parts) + frames.continuation(stream, b"", True)

    return str(storm(stage, burst, within=3.0, **HOLD))


def empty(kind: int, stream: int = 0, flags: int = 0, payload: bytes = b"") -> list[bytes]:
    return [frames.frame(kind, flags, stream, payload) * 1000]


def thrash(setting: int, value: int) -> bytes:
    return (frames.settings((setting, 0)) + frames.settings((setting, value))) * 500


# A stream that the server has reset: what comes for it from here on is late.
GONE = OPENED + frames.window_update(1, frames.LARGEST_WINDOW)
# The prefix of a message that does not end soon.
BEGUN = OPENED + frames.data(1, b"\x00\x00\x3f\x00\x00")

# name: prelude, bursts, codes, options
FLOODS = {
    "ping": (b"", [frames.ping() * 1000], (11,), {}),
    "ping-unread": (b"", [frames.ping() * 1000], (11, None), {"reads": False}),
    "ping-acks": (b"", [frames.ping(flags=frames.ACK) * 1000], (11,), {}),
    "settings": (b"", [frames.settings() * 1000], (11,), {}),
    "settings-unread": (b"", [frames.settings() * 1000], (11, None), {"reads": False}),
    "settings-acks": (b"", [frames.SETTINGS_ACK * 1000], (11, 1), {}),
    "settings-of-2700": (b"", [frames.settings(*[(frames.MAX_HEADER_LIST_SIZE, 9)] * 2700) * 10], (11,), {}),
    "settings-table-thrash": (
        b"",
        [thrash(frames.HEADER_TABLE_SIZE, 2**32 - 1)],
        (11,), {},
    ),
    "settings-window-thrash": (
        b"".join(frames.headers(stream, OPEN) for stream in range(1, 1601, 2)),
        [thrash(frames.INITIAL_WINDOW_SIZE, 2**30)],
        (11,), {},
    ),
    "empty-data": (OPENED, empty(frames.DATA, 1), (11,), {}),
    "padded-empty-data": (OPENED, empty(frames.DATA, 1, 0x8, b"\x04\x00\x00\x00\x00"), (11,), {}),
    "late-empty-data": (GONE, empty(frames.DATA, 1), (11,), {}),
    # A stream ends once.
    "late-ends": (GONE, [frames.data(1, b"", ends=True) * 1000], (5,), {}),
    # As much as a window may have been under way.
    "late-data": (GONE, [frames.data(1, b"x" * 1024) * 100], (11,), {}),
    "late-trailers": (GONE, [frames.headers(1, frames.pack([("x", "y")])) * 100], (11,), {}),
    "priority-paid-by-octets": (BEGUN, [(frames.data(1, b"x") + frames.priority(9, 0) * 3) * 250], (11,), {}),
    "priority": (
        OPENED,
        [b"".join(frames.priority(stream, (stream * 7) % 2000, stream % 256) for stream in range(3, 4003, 2))],
        (11,), {},
    ),
    "window-update": (b"", [frames.window_update(0, 1) * 1000], (11,), {}),
    "window-update-of-a-stream": (OPENED, [frames.window_update(1, 1) * 1000], (11,), {}),
    "window-update-of-closed-streams": (
        frames.headers(1, OPEN) + frames.rst_stream(1), [frames.window_update(1, 1) * 1000], (11, 1, 5), {},
    ),
    "resets-of-closed-streams": (
        frames.headers(1, OPEN) + frames.rst_stream(1), [frames.rst_stream(1) * 1000], (11, 1, 5), {},
    ),
    "unknown-frames": (b"", [frames.frame(0xBA, 0, 0, b"x") * 1000], (11,), {}),
    "push-promises": (b"", [frames.frame(frames.PUSH_PROMISE, 4, 1, struct.pack(">I", 2) + OPEN)], (11, 1), {}),
    "goaways": (OPENED, [frames.goaway() * 1000], (11,), {}),
}  # fmt: skip


def flood(name: str) -> None:
    prelude, bursts, codes, options = FLOODS[name]

    # The window thrash goes over streams that are open and wait.
    @attack(32, name, seconds=1.6, short=True, handlers=1000 if name == "settings-window-thrash" else 100)
    def flooded(stage: Stage) -> str:
        return str(storm(stage, bursts, prelude=prelude, codes=codes, **options))


for one in FLOODS:
    flood(one)


@attack(32, "empty-headers", seconds=1.6, short=True)
def empty_headers(stage: Stage) -> str:
    """CVE-2019-9516: header blocks without fields, or with fields that are empty."""
    blocks = [b"", b"\x00\x00\x00"]

    def burst(number: int) -> bytes:
        start = 400 * number + 1
        return b"".join(frames.headers(stream, blocks[stream // 2 % 2]) for stream in range(start, start + 400, 2))

    return str(storm(stage, burst, codes=(11, 1)))


@attack(32, "data-dribble", seconds=2.5, memory=16, short=True)
def data_dribble(stage: Stage) -> str:
    """CVE-2019-9511: an answer that is asked for octet by octet."""
    body = frames.echo(b"x" * 65536)
    prelude = frames.call(1, frames.pack(frames.head(frames.ECHO + "Inline")), body)
    greeting = frames.settings((frames.INITIAL_WINDOW_SIZE, 0))
    return str(storm(stage, [frames.window_update(1, 1) * 1000], prelude=prelude, greeting=greeting))
