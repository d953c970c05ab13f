"""A raw prober of the HTTP/2 and gRPC server: sends what no library would send, and judges what comes back.

Each case is one entry of a file in `cases`: what is sent frame by frame, the outcomes that its source (a section of
RFC 9113, RFC 7541 or the gRPC specification) allows, and nothing else. Each has a connection of its own; after each a
well-behaved client must be served on a new one. Nothing sleeps: a case waits for frames, `peer.PATIENCE` at most.
"""
