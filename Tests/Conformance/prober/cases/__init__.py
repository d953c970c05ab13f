"""The cases, a file a topic."""

from __future__ import annotations

from collections import Counter

from . import (
    bad_client_frames,
    bad_client_requests,
    connect,
    connect_streams,
    control,
    data,
    fields,
    frames,
    grpc_answers,
    grpc_compression,
    grpc_deadlines,
    grpc_messages,
    grpc_requests,
    grpc_web,
    headers,
    hpack,
    identifiers,
    preface,
    priority,
    requests,
    settings,
    streams,
    uploads,
    windows,
)

HTTP2 = (preface, frames, streams, identifiers, data, headers, priority, control, settings, windows, uploads)
HTTP = (hpack, fields, requests)
GRPC = (grpc_requests, grpc_deadlines, grpc_messages, grpc_compression, grpc_answers)
WEB = (grpc_web, connect, connect_streams)
BAD_CLIENT = (bad_client_frames, bad_client_requests)

ALL = [case for topic in (*HTTP2, *HTTP, *GRPC, *WEB, *BAD_CLIENT) for case in topic.CASES]

TWICE = [one for one, count in Counter(case.id for case in ALL).items() if count > 1]
assert not TWICE, f"ids that two cases have: {TWICE}"
