"""What a server said on one connection, taken down frame by frame, and whether it may say so."""

from __future__ import annotations

from dataclasses import dataclass, field

import hpack
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from . import wire

Block = list[tuple[str, str]]


@dataclass
class Stream:
    """What came on one stream."""

    blocks: list[Block] = field(default_factory=list)
    body: bytes = b""
    sizes: list[int] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None
    window: int = 0
    """Octets that the server may still send; negative when a change of SETTINGS made it so (§6.9.2)."""

    @property
    def is_over(self) -> bool:
        return self.ended or self.reset is not None

    @property
    def head(self) -> dict[str, str]:
        return dict(self.blocks[0]) if self.blocks else {}

    @property
    def trailers(self) -> dict[str, str]:
        return dict(self.blocks[-1]) if self.blocks else {}

    @property
    def status(self) -> int | None:
        text = self.head.get(":status")
        return int(text) if text else None

    @property
    def grpc_status(self) -> int | None:
        text = self.trailers.get("grpc-status")
        return int(text) if text is not None and text.isdigit() else None

    def __str__(self) -> str:
        parts = []
        if self.blocks:
            parts.append(f"answered {self.status}")
        if self.grpc_status is not None:
            parts.append(f"grpc-status {self.grpc_status} {self.trailers.get('grpc-message', '')!r}")
        if self.body:
            parts.append(f"{len(self.body)} octets")
        if self.reset is not None:
            parts.append(f"RST_STREAM {wire.error_name(self.reset)}")
        elif not self.ended:
            parts.append("open")
        return ", ".join(parts) or "open"


class Transcript:
    """All that a server sent, in order. `faults` are its own breaches of the protocol."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.streams: dict[int, Stream] = {}
        self.settings: dict[int, int] = {}
        self.settings_count = 0
        self.settings_acks = 0
        """Acknowledgements of the case's own SETTINGS, in the order of which all are acknowledged (§6.5.3)."""
        self.barriers = 0
        """Acknowledgements of SETTINGS that were sent only to be acknowledged."""
        self.pongs: list[bytes] = []
        self.goaways: list[int] = []
        self.debug = b""
        self.last_stream: int | None = None
        self.ending: str | None = None
        """How the connection ended: `closed` (in order), `cut` (FIN without close_notify), `reset` or a TLS alert."""
        self.faults: list[str] = []
        self.window = 65_535
        self.initial_window = 65_535
        self.frame_size = wire.FRAME_SIZE
        self._unparsed = b""
        self._unacknowledged: list[bool] = []
        self._decoder = hpack.Decoder()
        self._block: tuple[int, bytes, bool] | None = None

    def stream(self, number: int) -> Stream:
        if number not in self.streams:
            self.streams[number] = Stream(window=self.initial_window)
        return self.streams[number]

    @property
    def error(self) -> int | None:
        """The code of the last GOAWAY."""
        return self.goaways[-1] if self.goaways else None

    def sent(self, octets: bytes, is_barrier: bool = False) -> None:
        """Follows what the probe allows the server to send: windows and settings, of well-formed frames only."""
        octets = octets.removeprefix(wire.PREFACE)
        while len(octets) >= 9:
            length, kind = int.from_bytes(octets[:3], "big"), octets[3]
            stream, payload = int.from_bytes(octets[5:9], "big"), octets[9 : 9 + length]
            if kind == wire.WINDOW_UPDATE and length == 4:
                self._opened(stream, int.from_bytes(payload, "big"))
            elif kind == wire.SETTINGS and length == len(payload) and not octets[4] & wire.ACK:
                self._unacknowledged.append(is_barrier)
                for start in range(0, length, 6):
                    name = int.from_bytes(payload[start : start + 2], "big")
                    self._set(name, int.from_bytes(payload[start + 2 : start + 6], "big"))
            octets = octets[9 + length :]

    def _opened(self, stream: int, increment: int) -> None:
        if stream == 0:
            self.window += increment
        else:
            self.stream(stream).window += increment

    def _set(self, name: int, value: int) -> None:
        # A larger window holds from now on. For a smaller one the server may have sent before it knew; then cases
        # that care wait for the acknowledgement and look at the sizes themselves.
        if name == wire.INITIAL_WINDOW_SIZE:
            for stream in self.streams.values():
                stream.window += value - self.initial_window
            self.initial_window = value
        elif name == wire.MAX_FRAME_SIZE:
            self.frame_size = max(self.frame_size, value)
        elif name == wire.HEADER_TABLE_SIZE:
            self._decoder.max_allowed_table_size = min(value, 65_536)

    def received(self, octets: bytes) -> None:
        self._unparsed += octets
        while len(self._unparsed) >= 9:
            one, length = Frame.parse_frame_header(memoryview(self._unparsed[:9]))
            if length > self.frame_size:
                self.faults.append(f"a frame of {length} octets")
            if len(self._unparsed) < 9 + length:
                return
            body, self._unparsed = self._unparsed[9 : 9 + length], self._unparsed[9 + length :]
            try:
                one.parse_body(memoryview(body))
            except HyperframeError as error:
                self.faults.append(f"a broken frame: {error}")
                continue
            self._take(one, length)

    def _take(self, one: Frame, length: int) -> None:
        if not self.frames and (not isinstance(one, SettingsFrame) or "ACK" in one.flags):
            self.faults.append(f"the first frame is no SETTINGS (RFC 9113 §3.4) but {one}")
        self.frames.append(one)
        if self._block is not None and not isinstance(one, ContinuationFrame):
            self.faults.append("a frame within a header block")
        match one:
            case SettingsFrame():
                self._take_settings(one)
            case PingFrame():
                if "ACK" in one.flags:
                    self.pongs.append(one.opaque_data)
            case GoAwayFrame():
                self.goaways.append(one.error_code)
                self.debug, self.last_stream = one.additional_data, one.last_stream_id
            case PushPromiseFrame():
                self.faults.append("PUSH_PROMISE")
            case HeadersFrame() | ContinuationFrame():
                self._take_block(one)
            case DataFrame():
                self._take_data(one, length)
            case RstStreamFrame():
                stream = self.stream(one.stream_id)
                if stream.reset is not None:
                    self.faults.append(f"stream {one.stream_id} was reset twice")
                stream.reset = one.error_code
            case WindowUpdateFrame():
                if one.stream_id and one.stream_id not in self.streams:
                    self.stream(one.stream_id)

    def _take_settings(self, one: SettingsFrame) -> None:
        if "ACK" in one.flags:
            if self._unacknowledged and self._unacknowledged.pop(0):
                self.barriers += 1
            else:
                self.settings_acks += 1
        else:
            self.settings_count += 1
            self.settings.update(one.settings)

    def _take_data(self, one: DataFrame, length: int) -> None:
        stream = self._writable(one.stream_id, "DATA")
        if not stream.blocks:
            self.faults.append("DATA before HEADERS")
        stream.body += one.data
        stream.sizes.append(length)
        stream.window -= length
        self.window -= length
        if length and (stream.window < 0 or self.window < 0):
            self.faults.append(f"DATA of {length} octets beyond the window of stream {one.stream_id}")
        stream.ended |= "END_STREAM" in one.flags

    def _writable(self, number: int, what: str) -> Stream:
        stream = self.stream(number)
        if stream.is_over:
            self.faults.append(f"{what} on stream {number} after its end")
        return stream

    def _take_block(self, one: HeadersFrame | ContinuationFrame) -> None:
        if isinstance(one, HeadersFrame):
            self._block = (one.stream_id, one.data, "END_STREAM" in one.flags)
        elif self._block is None or self._block[0] != one.stream_id:
            self.faults.append("CONTINUATION without HEADERS")
            return
        else:
            self._block = (self._block[0], self._block[1] + one.data, self._block[2])
        if "END_HEADERS" not in one.flags:
            return
        number, octets, ends = self._block
        self._block = None
        stream = self._writable(number, "HEADERS")
        try:
            fields = [(str(name), str(value)) for name, value in self._decoder.decode(octets)]
        except (hpack.HPACKError, UnicodeDecodeError) as error:
            self.faults.append(f"a broken header block: {error!r}")
            return
        if not stream.blocks and dict(fields).get(":status", "").startswith("1") and not ends:
            # An interim answer (§8.1) precedes the one that counts.
            return
        self._judge(fields, is_first=not stream.blocks, ends=ends)
        stream.blocks.append(fields)
        stream.ended |= ends

    def _judge(self, fields: Block, is_first: bool, ends: bool) -> None:
        """The rules of §8.2 and §8.3.2 for the fields of answers."""
        names = [name for name, _ in fields]
        pseudo = [name for name in names if name.startswith(":")]
        if (is_first and names[:1] != [":status"]) or pseudo != ([":status"] if is_first else []):
            self.faults.append(f"pseudo-fields {pseudo} in {'an answer' if is_first else 'trailers'}")
        if not is_first and not ends:
            self.faults.append("trailers without END_STREAM")
        for name, value in fields:
            if name != name.lower() or name in ("connection", "keep-alive", "transfer-encoding", "upgrade"):
                self.faults.append(f"the field {name}")
            if value != value.strip() or any(ord(one) < 0x20 and one != "\t" for one in value):
                self.faults.append(f"the value {value!r} of {name}")

    def __str__(self) -> str:
        parts = [f"stream {number}: {stream}" for number, stream in self.streams.items()]
        parts += [f"GOAWAY {wire.error_name(code)} {self.debug.decode(errors='replace')!r}" for code in self.goaways]
        parts.append(self.ending or "the connection stays open")
        return "; ".join(parts)
