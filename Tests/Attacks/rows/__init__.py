"""The attacks of faults.md, rows 27 to 39. Importing this registers them all."""

from . import calls, connections, floods, headers, messages, resets, slow, streams, tls

__all__ = ["calls", "connections", "floods", "headers", "messages", "resets", "slow", "streams", "tls"]
