"""A gRPC server on grpcio (C-core) with calls of all four kinds, for our client to be run against.

Messages are google.protobuf.StringValue. It prints `port N` and a line for each thing that a test may wait for, and ends with
its standard input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from concurrent import futures

import grpc
from google.protobuf.wrappers_pb2 import StringValue

SERVICE = "test.Foreign"


def say(line: str) -> None:
    """Tells the test. One write, so that the lines of two threads do not run into one another."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def echo(request: StringValue, context: grpc.ServicerContext) -> StringValue:
    """Answers with the request, and with the metadata under other names."""
    sent = dict(context.invocation_metadata())
    leading = [(f"echo-{name}", value) for name, value in sent.items() if name.startswith("x-lead")]
    context.send_initial_metadata(leading)
    context.set_trailing_metadata([(f"echo-{name}", value) for name, value in sent.items() if name.startswith("x-trail")])
    return request


def squeezed(request: StringValue, context: grpc.ServicerContext) -> StringValue:
    """Answers with the request, compressed with what the request names."""
    context.set_compression(grpc.Compression.Gzip)
    return request


def fail(request: StringValue, context: grpc.ServicerContext) -> StringValue:
    """Fails with the code that the request names, words and details."""
    context.set_trailing_metadata([("grpc-status-details-bin", b"\x08\x05"), ("x-hint", "later")])
    code = next(code for code in grpc.StatusCode if code.name == request.value)
    context.abort(code, "no: ü\n100%")
    raise AssertionError


def slow(_request: StringValue, context: grpc.ServicerContext) -> StringValue:
    """Never answers; says when it is cancelled, and what time it had."""
    say(f"started {int(context.time_remaining() or 0)}")
    done = futures.Future()
    context.add_callback(lambda: done.set_result(None))
    done.result()
    say("cancelled")
    return StringValue()


def count(request: StringValue, _context: grpc.ServicerContext) -> Iterator[StringValue]:
    """So many messages of 1000 characters."""
    for number in range(int(request.value)):
        yield StringValue(value=f"{number} ".ljust(1000, "x"))


def join(requests: Iterable[StringValue], _context: grpc.ServicerContext) -> StringValue:
    """The length of all requests together."""
    return StringValue(value=str(sum(len(request.value) for request in requests)))


def chat(requests: Iterable[StringValue], _context: grpc.ServicerContext) -> Iterator[StringValue]:
    """An answer for each request."""
    for request in requests:
        yield StringValue(value=f"re: {request.value}")


def main() -> None:
    """Serves until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--client-ca")
    options = parser.parse_args()
    kinds = {
        "Echo": (grpc.unary_unary_rpc_method_handler, echo),
        "Squeezed": (grpc.unary_unary_rpc_method_handler, squeezed),
        "Fail": (grpc.unary_unary_rpc_method_handler, fail),
        "Slow": (grpc.unary_unary_rpc_method_handler, slow),
        "Count": (grpc.unary_stream_rpc_method_handler, count),
        "Join": (grpc.stream_unary_rpc_method_handler, join),
        "Chat": (grpc.stream_stream_rpc_method_handler, chat),
    }
    handlers = {
        name: kind(body, request_deserializer=StringValue.FromString, response_serializer=StringValue.SerializeToString)
        for name, (kind, body) in kinds.items()
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    pair = (open(options.key, "rb").read(), open(options.certificate, "rb").read())
    client_ca = open(options.client_ca, "rb").read() if options.client_ca else None
    credentials = grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    say(f"port {port}")
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
