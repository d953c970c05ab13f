"""A peer that writes HTTP/2 frames by hand, for what no library would send.

Usage: raw_peer.py PORT CA SCENARIO. Prints one line for each frame of the server, then how the connection ended.
"""

import select
import socket
import ssl
import struct
import sys
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
NAMES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH", "PING", "GOAWAY", "WINDOW_UPDATE"]
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def request(path=b"/", method=0x82):
    """A header block without Huffman codes or a dynamic table: :method (indexed), :scheme https, :path, :authority."""
    return bytes([method, 0x87, 0x04, len(path)]) + path + bytes([0x01, 9]) + b"localhost"


class Peer:
    def __init__(self, port, ca, preface=True):
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("127.0.0.1", port))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls = context.wrap_socket(raw, server_hostname="localhost")
        self.pending = b""
        self.ping = b""
        if preface:
            self.send(PREFACE + frame(SETTINGS))

    def send(self, octets):
        """False when the server has closed."""
        try:
            self.tls.sendall(octets)
            return True
        except OSError:
            return False

    def next(self):
        """The next frame, or None at the end; "reset" if the end was a reset."""
        try:
            while len(self.pending) < 9 or len(self.pending) < 9 + int.from_bytes(self.pending[:3], "big"):
                octets = self.tls.recv(65536)
                if not octets:
                    return None
                self.pending += octets
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return None
        except ConnectionError:
            return "reset"
        length = int.from_bytes(self.pending[:3], "big")
        head, payload = self.pending[:9], self.pending[9 : 9 + length]
        self.pending = self.pending[9 + length :]
        return head[3], head[4], int.from_bytes(head[5:9], "big"), payload

    def tell(self, until=None, acknowledge=True):
        """Prints frames until one of a kind came, or until the end."""
        while True:
            found = self.next()
            if found is None or found == "reset":
                print("end" if found is None else "reset", flush=True)
                return False
            kind, flags, stream, payload = found
            if kind == SETTINGS and not flags & ACK and acknowledge:
                self.send(frame(SETTINGS, ACK))
            if kind == GOAWAY:
                last, code = struct.unpack(">II", payload[:8])
                print("GOAWAY", last, code, payload[8:].decode(), flush=True)
            elif kind == RST_STREAM:
                print("RST_STREAM", stream, int.from_bytes(payload, "big"), flush=True)
            elif kind == PING:
                self.ping = payload
                print("PING", "ACK" if flags & ACK else "", flush=True)
            elif kind not in (SETTINGS, WINDOW_UPDATE):
                print(NAMES[kind], stream, flush=True)
            if kind == until:
                return True


def begin(port, ca, path=b"/"):
    """A peer whose first request was answered: SETTINGS are acknowledged both ways."""
    peer = Peer(port, ca)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, request(path)))
    peer.tell(until=DATA)
    return peer


def flood(peer, octets, times, batch=100):
    """Sends something over and over until the server has had enough."""
    for _ in range(times // batch):
        if not peer.send(octets * batch):
            break
    peer.tell()


def rapid_reset(port, ca):
    peer = begin(port, ca)
    for index in range(1000):
        stream = 3 + 2 * index
        octets = frame(HEADERS, END_STREAM | END_HEADERS, stream, request(b"/never"))
        if not peer.send(octets + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))):
            break
    peer.tell()


def patient_cancel(port, ca):
    """Cancels calls that were under way, many more than may be reset in haste."""
    peer = begin(port, ca)
    for index in range(0, 1000, 10):
        for stream in range(3 + 2 * index, 3 + 2 * (index + 10), 2):
            peer.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, request(b"/never")))
        # The answer to the PING shows that they were taken up.
        peer.send(frame(PING, 0, 0, b"12345678"))
        peer.tell(until=PING)
        for stream in range(3 + 2 * index, 3 + 2 * (index + 10), 2):
            peer.send(frame(RST_STREAM, 0, stream, struct.pack(">I", 8)))
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5001, request()))
    peer.tell(until=DATA)


def made_you_reset(port, ca):
    peer = begin(port, ca)
    for index in range(300):
        stream = 3 + 2 * index
        octets = frame(HEADERS, END_HEADERS, stream, request(b"/never", method=0x83))
        if not peer.send(octets + frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", 0x7FFFFFFF))):
            break
        if not peer.tell(until=RST_STREAM):
            return
    peer.tell()


def closed_stream(port, ca):
    peer = begin(port, ca)
    peer.send(frame(DATA, END_STREAM, 1, b"x"))
    peer.tell()


def lower_stream(port, ca):
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 9, request()))
    peer.tell(until=DATA)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, request()))
    peer.tell()


def late_data(port, ca):
    """DATA that was under way when the server reset the stream."""
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_HEADERS, 3, request(b"/whole", method=0x83)))
    peer.tell(until=RST_STREAM)
    peer.send(frame(DATA, 0, 3, b"late"))
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, request()))
    peer.tell(until=DATA)


def pings(port, ca):
    peer = begin(port, ca)
    for _ in range(5):
        peer.send(frame(PING, 0, 0, b"12345678"))
        if not peer.tell(until=PING):
            return
    peer.tell()


def hpack_bomb(port, ca):
    """An entry of 4 KiB for the table, then a frame whose every octet names it."""
    peer = begin(port, ca)
    big = b"\x40\x01x\x7f\xd0\x1e" + b"y" * (0x7F + 0xD0 - 0x80 + (0x1E << 7))
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, request() + big))
    peer.tell(until=DATA)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, request() + b"\xbe" * 16000))
    peer.tell()


def silent_settings(port, ca):
    peer = Peer(port, ca)
    peer.tell(acknowledge=False)


def open_headers(port, ca):
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_STREAM, 3, request()))
    peer.tell()


def partial_headers(port, ca):
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, request())[:12])
    peer.tell()


def no_preface(port, ca):
    Peer(port, ca, preface=False).tell(acknowledge=False)


def wrong_preface(port, ca):
    peer = Peer(port, ca, preface=False)
    peer.send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    peer.tell()


def zero_window(port, ca):
    peer = Peer(port, ca, preface=False)
    peer.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0)))
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, request(b"/large")))
    peer.tell(until=RST_STREAM)


def no_reading(port, ca):
    """Opens every window, asks for much and reads nothing of it."""
    peer = Peer(port, ca, preface=False)
    peer.send(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0x7FFFFFFF)))
    peer.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7FFF0000)) + frame(SETTINGS, ACK))
    for index in range(8):
        peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * index, request(b"/large")))
    # Nothing is asked for but errors: the reset that ends the connection.
    poll = select.poll()
    poll.register(peer.tls, 0)
    poll.poll()
    print("reset", flush=True)


def many_streams(port, ca):
    """More streams than the server's owner lets begin."""
    peer = begin(port, ca)
    for index in range(60):
        peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 3 + 2 * index, request(b"/never")))
    peer.tell(until=RST_STREAM)


def high_stream(port, ca):
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 0x60000001, request()))
    answer_pings(peer)


def answer_pings(peer):
    while peer.tell(until=PING):
        peer.send(frame(PING, ACK, 0, peer.ping))


def stay(port, ca):
    """Answers PINGs until the server ends the connection."""
    answer_pings(begin(port, ca))


def wrong_pong(port, ca):
    """Waits for the announcement of the end, and answers another PING than the one that came with it."""
    peer = begin(port, ca)
    peer.tell(until=PING)
    peer.send(frame(PING, ACK, 0, bytes(8)))
    # The server has met the answer when it answers this.
    peer.send(frame(PING, 0, 0, b"12345678"))
    peer.tell(until=PING)
    print("answered", flush=True)
    peer.tell()


def small_messages(port, ca):
    """Fifty thousand empty gRPC messages, each in a DATA frame of its own, many in each record."""
    peer = begin(port, ca)
    peer.send(frame(HEADERS, END_HEADERS, 3, request(b"/never", method=0x83)))
    peer.send(frame(DATA, 0, 3, bytes(5)) * 50_000)
    peer.send(frame(HEADERS, END_STREAM | END_HEADERS, 5, request()))
    peer.tell(until=DATA)


def dribbled_data(port, ca):
    """One DATA frame of 16 KiB in records of 16 octets, between frames that carry no call."""
    peer = begin(port, ca)
    idle = frame(PRIORITY, 0, 1, bytes([0, 0, 0, 0, 1])) * 450
    octets = frame(DATA, 0, 3, bytes(16_384))
    peer.send(frame(HEADERS, END_HEADERS, 3, request(b"/never", method=0x83)) + idle)
    for at in range(0, len(octets), 16):
        peer.send(octets[at : at + 16])
    peer.send(idle + frame(HEADERS, END_STREAM | END_HEADERS, 5, request()))
    peer.tell(until=DATA)


def mute(port, ca):
    """Answers nothing."""
    begin(port, ca).tell()


FLOODS = {
    "empty_data": lambda: frame(DATA, 0, 3, b""),
    "priority": lambda: frame(PRIORITY, 0, 1, bytes([0, 0, 0, 0, 1])),
    "window_update": lambda: frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
    "unknown": lambda: frame(0x42, 0, 0, b""),
    "settings": lambda: frame(SETTINGS),
    "pong": lambda: frame(PING, ACK, 0, bytes(8)),
}


def main():
    port, ca, scenario = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    if scenario.startswith("flood_"):
        peer = begin(port, ca)
        if scenario == "flood_empty_data":
            peer.send(frame(HEADERS, END_HEADERS, 3, request(b"/never", method=0x83)))
        return flood(peer, FLOODS[scenario[6:]](), 20_000)
    started = time.monotonic()
    globals()[scenario](port, ca)
    print("took", round(time.monotonic() - started, 1))


main()
