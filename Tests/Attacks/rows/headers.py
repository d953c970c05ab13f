"""Row 33: header blocks that are more than they seem."""

from __future__ import annotations

from arena import frames
from arena.stage import Stage, attack, storm

HEAD = frames.head(frames.ECHO + "Inline")
INLINE = frames.pack(HEAD)
# A literal that enters the dynamic table (RFC 7541 §6.2.1) with 4 KiB less what an entry costs.
BIG = b"\x40\x01x" + b"\x7f" + frames.varint(4096 - 32 - 1 - 127 - 16) + b"y" * (4096 - 32 - 1 - 16)
NEWEST = b"\xbe"


@attack(33, "hpack-bomb", seconds=2.5, short=True)
def hpack_bomb(stage: Stage) -> str:
    """One entry of 4 KiB in the table, named 16,000 times by an octet each: 64 MiB in one frame."""
    bomb = INLINE + NEWEST * (frames.FRAME_SIZE - len(INLINE))
    prelude = frames.headers(1, INLINE + BIG, ends=True)
    return str(storm(stage, lambda number: frames.headers(2 * number + 3, bomb, ends=True), prelude=prelude))


@attack(33, "hpack-bomb-on-a-gone-stream", seconds=1.6, short=True)
def hpack_bomb_late(stage: Stage) -> str:
    """The same for a stream that the server has reset, where libnghttp2 decodes and tells nobody."""
    prelude = frames.headers(1, INLINE) + frames.window_update(1, frames.LARGEST_WINDOW) + frames.headers(1, BIG)
    return str(storm(stage, [frames.headers(1, NEWEST * 16_000)], prelude=prelude))


@attack(33, "hpack-firecracker", seconds=0.5, short=True)
def hpack_firecracker(stage: Stage) -> str:
    """Twenty times 4 KiB: the call is refused, the connection is of further use."""
    with stage.connect(decodes=True) as peer:
        peer.send(frames.headers(1, INLINE + BIG, ends=True))
        peer.wait_answer(1)
        answers = []
        for stream, block in ((3, INLINE + NEWEST * 20), (5, INLINE)):
            peer.send(frames.headers(stream, block) + frames.data(stream, frames.echo(), ends=True))
            answers.append(peer.wait_answer(stream).status)
        stage.expect(answers == [8, 0], f"answered with {answers}; {peer.end} {peer.goaways}")
    return "status(8),then-served"


@attack(33, "1000-headers", seconds=0.5, short=True)
def thousand_headers(stage: Stage) -> str:
    """A thousand short fields, 38 KB by RFC 9113's count, on several streams."""
    with stage.connect(decodes=True) as peer:
        advertised = peer.wait(lambda: frames.MAX_HEADER_LIST_SIZE in peer.settings)
        stage.expect(advertised, "SETTINGS_MAX_HEADER_LIST_SIZE is not advertised")
        block = frames.pack([*HEAD, *[("x-%d" % number, "") for number in range(1000)]])
        for stream in range(1, 20, 2):
            peer.send(frames.headers(stream, block) + frames.data(stream, frames.echo(), ends=True))
        statuses = {peer.wait_answer(stream).status for stream in range(1, 20, 2)}
        stage.expect(statuses == {8}, f"answered with {statuses}; {peer.end} {peer.goaways}")
        served = peer.call(21, HEAD, frames.echo()).status
        stage.expect(served == 0, f"afterwards {served}")
    return "status(8),then-served"


@attack(33, "header-of-60-KiB", seconds=0.5, short=True)
def one_big_header(stage: Stage) -> str:
    """One field over several frames."""
    with stage.connect(decodes=True) as peer:
        block = frames.pack([*HEAD, ("x-big", "y" * 60_000)])
        parts = [block[at : at + frames.FRAME_SIZE] for at in range(0, len(block), frames.FRAME_SIZE)]
        peer.send(frames.headers(1, parts[0], complete=False))
        for part in parts[1:]:
            peer.send(frames.continuation(1, part, complete=part is parts[-1]))
        peer.send(frames.data(1, frames.echo(), ends=True))
        answer = peer.wait_answer(1)
        stage.expect(answer.status == 8 or peer.code in (11, 9, 1), f"{answer}; {peer.end} {peer.goaways}")
    return f"status({answer.status})" if answer.status else f"GOAWAY({peer.code})"


@attack(33, "table-size-thrash", seconds=2.0, short=True, share=80)
def table_size_thrash(stage: Stage) -> str:
    """Each block empties the table, makes it large again and fills it: two changes, which is what RFC 7541 allows."""
    block = b"\x20\x3f\xe1\x1f" + INLINE + BIG
    calls = stage.pick(3000, 300)
    with stage.connect() as peer:
        body = frames.data(0, frames.echo(), ends=True)
        for stream in range(1, 2 * calls, 2):
            octets = frames.headers(stream, block) + body[:5] + stream.to_bytes(4, "big") + body[9:]
            if not peer.send(octets):
                break
            # A good client's number of calls at once.
            peer.wait(lambda: peer.over >= stream // 2 - 64)
        done = peer.wait(lambda: peer.over >= calls)
        stage.expect(done or peer.code == 11, f"{peer.over} of {calls} answered; {peer.end} {peer.goaways}")
    return f"served({peer.over})" if done else f"GOAWAY({peer.code})"


@attack(33, "table-size-above-the-limit", seconds=0.5, short=True)
def table_size_above(stage: Stage) -> str:
    """A table of 1 GiB, of which SETTINGS says nothing."""
    block = b"\x3f" + frames.varint(2**30 - 31) + INLINE
    return str(storm(stage, [frames.headers(1, block)], codes=(9,)))


@attack(33, "broken-huffman", seconds=1.0, short=True)
def broken_huffman(stage: Stage) -> str:
    """A string whose code is EOS all over, which is an error of compression."""
    return str(storm(stage, [frames.headers(1, INLINE + b"\x00\x01x\xfe" + b"\xff" * 126)], codes=(9,)))
