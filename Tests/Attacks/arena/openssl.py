"""TLS by libssl itself, for what Python's module has no words for: key updates, renegotiation, what a ticket allows."""

from __future__ import annotations

import ctypes
import ctypes.util
import socket
from collections.abc import Callable
from pathlib import Path

KEY_UPDATE_REQUESTED = 1
TLS1_2 = 0x0303
ALPN_H2 = b"\x02h2"


def load() -> ctypes.CDLL:
    """The system's libssl with the signatures of what is used here."""
    library = ctypes.CDLL(ctypes.util.find_library("ssl"))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[object, list[object]]] = {
        "TLS_client_method": (pointer, []),
        "SSL_CTX_new": (pointer, [pointer]),
        "SSL_CTX_free": (None, [pointer]),
        "SSL_CTX_ctrl": (ctypes.c_long, [pointer, number, ctypes.c_long, pointer]),
        "SSL_CTX_set_alpn_protos": (number, [pointer, text, ctypes.c_uint]),
        "SSL_CTX_load_verify_locations": (number, [pointer, text, text]),
        "SSL_new": (pointer, [pointer]),
        "SSL_free": (None, [pointer]),
        "SSL_set_fd": (number, [pointer, number]),
        "SSL_connect": (number, [pointer]),
        "SSL_do_handshake": (number, [pointer]),
        "SSL_renegotiate": (number, [pointer]),
        "SSL_key_update": (number, [pointer, number]),
        "SSL_write": (number, [pointer, text, number]),
        "SSL_read": (number, [pointer, pointer, number]),
        "SSL_get_error": (number, [pointer, number]),
        "SSL_get1_session": (pointer, [pointer]),
        "SSL_SESSION_get_max_early_data": (ctypes.c_uint32, [pointer]),
        "SSL_SESSION_has_ticket": (number, [pointer]),
        "SSL_SESSION_free": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Session:
    """A blocking client over a connected socket. Use it in a `with` statement."""

    def __init__(self, plain: socket.socket, authority: Path, version: int = 0) -> None:
        self.plain = plain
        plain.setblocking(True)
        self.library = load()
        self.context = self.library.SSL_CTX_new(self.library.TLS_client_method())
        self.library.SSL_CTX_load_verify_locations(self.context, str(authority).encode(), None)
        self.library.SSL_CTX_set_alpn_protos(self.context, ALPN_H2, len(ALPN_H2))
        if version:
            # SSL_CTRL_SET_MAX_PROTO_VERSION
            self.library.SSL_CTX_ctrl(self.context, 124, version, None)
        self.ssl = self.library.SSL_new(self.context)
        self.library.SSL_set_fd(self.ssl, plain.fileno())
        assert self.library.SSL_connect(self.ssl) == 1, "the handshake failed"

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.library.SSL_free(self.ssl)
        self.library.SSL_CTX_free(self.context)
        self.plain.close()

    def write(self, octets: bytes) -> bool:
        return self.library.SSL_write(self.ssl, octets, len(octets)) > 0

    def read(self) -> bytes:
        """What came next; empty at the end."""
        buffer = ctypes.create_string_buffer(65536)
        count = self.library.SSL_read(self.ssl, buffer, len(buffer))
        return buffer.raw[:count] if count > 0 else b""

    def read_until(self, octets: bytes) -> bool:
        received = b""
        while octets not in received:
            part = self.read()
            if not part:
                return False
            received += part
        return True

    def renegotiate(self) -> bool:
        """Whether the server goes along with a new handshake on the open connection (TLS 1.2)."""
        return self.library.SSL_renegotiate(self.ssl) == 1 and self.library.SSL_do_handshake(self.ssl) == 1

    def update_keys(self) -> bool:
        """Asks for new keys, and for new keys of the server's (RFC 8446 §4.6.3); false when the connection is over."""
        asked = self.library.SSL_key_update(self.ssl, KEY_UPDATE_REQUESTED) == 1
        return asked and self.library.SSL_do_handshake(self.ssl) == 1

    def with_session(self, look: Callable[[ctypes.CDLL, int], int]) -> int:
        """What `look` finds in the session that a ticket came for."""
        session = self.library.SSL_get1_session(self.ssl)
        try:
            return look(self.library, session)
        finally:
            self.library.SSL_SESSION_free(session)
