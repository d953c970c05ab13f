"""A server that answers gRPC calls with frames drawn by lot: proper answers, broken in one or several places.

A call's field `x-seed` says by which lot, so that a case can be had again. It prints `port N`, and ends with its standard input.
"""

from __future__ import annotations

import argparse
import random
import socket
import ssl
import sys
import threading

from hpack import Decoder, Encoder

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
PREFACE = 24
MESSAGE = b"\x00\x00\x00\x00\x06\x0a\x04good"

Fields = list[tuple[str, str]]


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame, whatever becomes of it."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Lot:
    """What one call is answered with."""

    def __init__(self, seed: str, stream: int, encoder: Encoder) -> None:
        self.dice = random.Random(seed)
        self.stream = stream
        self.encoder = encoder

    def answer(self) -> bytes:
        """A proper answer, with some of its frames left out, doubled, moved or put between others."""
        frames = [self.headers(), frame(DATA, 0, self.stream, MESSAGE), self.trailers()]
        for _ in range(self.dice.randrange(4)):
            place = self.dice.randrange(len(frames) + 1)
            match self.dice.randrange(4):
                case 0 if frames:
                    del frames[min(place, len(frames) - 1)]
                case 1 if frames:
                    frames.insert(place, self.dice.choice(frames))
                case 2:
                    self.dice.shuffle(frames)
                case _:
                    frames.insert(place, self.stray())
        octets = bytearray(b"".join(frames))
        for _ in range(self.dice.choice((0, 0, 0, 1, 3))):
            if octets:
                octets[self.dice.randrange(len(octets))] = self.dice.randrange(256)
        return bytes(octets[: self.dice.randrange(len(octets) + 1)] if self.dice.random() < 0.1 else octets)

    def block(self, fields: Fields) -> bytes:
        return self.encoder.encode(fields)

    def headers(self) -> bytes:
        fields: Fields = [(":status", self.dice.choice(("200", "200", "200", "100", "404", "503", "0", "")))]
        kind = self.dice.choice(("application/grpc", "application/grpc", "application/grpc+proto", "text/html", ""))
        fields.append(("content-type", kind))
        match self.dice.randrange(8):
            case 0:
                fields.append(("grpc-encoding", self.dice.choice(("gzip", "zstd", ""))))
            case 1:
                fields += [("x-large", "x" * 900)] * self.dice.randrange(1, 40)
            case 2:
                fields.append((self.dice.choice(("X-Upper", ":status", "connection", "content-length")), "3"))
        return self.in_frames(HEADERS, self.block(fields))

    def trailers(self) -> bytes:
        fields: Fields = [("grpc-status", self.dice.choice(("0", "0", "14", "99", "-1", "", "0,0")))]
        match self.dice.randrange(6):
            case 0:
                fields.append(("grpc-message", self.dice.choice(("%", "%zz", "%F0%9F%98", "x" * 5000))))
            case 1:
                fields.append(("grpc-retry-pushback-ms", self.dice.choice(("0", "-1", "1", "99999999999"))))
            case 2:
                fields.append(("grpc-status-details-bin", self.dice.choice(("!!", "AAA", "CgQ="))))
        return self.in_frames(HEADERS, self.block(fields), END_STREAM)

    def in_frames(self, kind: int, block: bytes, flags: int = 0) -> bytes:
        """A header block, now and then in pieces."""
        if self.dice.random() < 0.8 or len(block) < 2:
            return frame(kind, flags | END_HEADERS, self.stream, block)
        cut = self.dice.randrange(len(block))
        rest = frame(CONTINUATION, END_HEADERS, self.stream, block[cut:])
        return frame(kind, flags, self.stream, block[:cut]) + rest

    def stray(self) -> bytes:
        """A frame that nobody waits for."""
        stream = self.dice.choice((self.stream, self.stream, 0, self.stream + 2, 2, 2**31 - 1))
        number = self.dice.choice((0, 1, 8, 2**16, 2**31 - 1, 2**32 - 1)).to_bytes(4, "big")
        match self.dice.randrange(11):
            case 0:
                return frame(RST_STREAM, 0, stream, self.dice.randrange(16).to_bytes(4, "big"))
            case 1:
                last = self.dice.choice((0, self.stream, 2**31 - 1)).to_bytes(4, "big")
                return frame(GOAWAY, 0, 0, last + self.dice.randrange(16).to_bytes(4, "big") + b"words")
            case 2:
                return frame(WINDOW_UPDATE, 0, stream, number)
            case 3:
                return frame(SETTINGS, 0, 0, self.dice.randrange(1, 9).to_bytes(2, "big") + number)
            case 4:
                return frame(PING, self.dice.randrange(2), 0, bytes(8))
            case 5:
                return frame(PUSH_PROMISE, END_HEADERS, self.stream, b"\x00\x00\x00\x02" + self.block([(":method", "GET")]))
            case 6:
                return frame(DATA, PADDED, stream, bytes([self.dice.randrange(256)]) + bytes(20))
            case 7:
                # A message of another length than it says, or compressed without a word about it.
                prefix = bytes([self.dice.choice((0, 1, 255))]) + self.dice.choice((0, 3, 99, 2**32 - 1)).to_bytes(4, "big")
                return frame(DATA, self.dice.randrange(2), self.stream, prefix + b"\x0a\x04good")
            case 8:
                return frame(self.dice.randrange(10, 256), self.dice.randrange(256), stream, b"unknown")
            case 9:
                return frame(DATA, 0, self.stream) * self.dice.choice((1, 100, 5000))
            case _:
                return self.dice.randbytes(self.dice.randrange(60))


def serve(plain: socket.socket, context: ssl.SSLContext) -> None:
    """Answers the calls of one connection, each with its lot."""
    with context.wrap_socket(plain, server_side=True) as sock:
        sock.sendall(frame(SETTINGS, 0, 0))
        decoder = Decoder()
        encoder = Encoder()
        received = bytearray()
        while octets := sock.recv(65536):
            received += octets
            if received.startswith(b"PRI"):
                if len(received) < PREFACE:
                    continue
                del received[:PREFACE]
            while len(received) >= 9 and len(received) >= 9 + (length := int.from_bytes(received[:3], "big")):
                kind, flags, stream = received[3], received[4], int.from_bytes(received[5:9], "big")
                payload = bytes(received[9 : 9 + length])
                del received[: 9 + length]
                if kind == SETTINGS and not flags & ACK:
                    sock.sendall(frame(SETTINGS, ACK, 0))
                elif kind == HEADERS:
                    seed = dict(decoder.decode(payload)).get("x-seed", "")
                    lot = Lot(seed, stream, encoder)
                    sock.sendall(lot.answer())
                    if lot.dice.random() < 0.3:
                        return


def main() -> None:
    """Serves until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["h2"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def one(plain: socket.socket) -> None:
        try:
            serve(plain, context)
        except OSError:
            pass

    def accept() -> None:
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=one, args=(plain,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdout.write(f"port {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
