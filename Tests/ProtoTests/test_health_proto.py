"""Our copy of health.proto is on the wire what everybody else speaks."""

from __future__ import annotations

from pathlib import Path

import grpc_tools
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parents[2] / "Protos"


def test_it_is_the_foreign_one_but_for_words(tmp_path: Path) -> None:
    file = tmp_path / "health.binpb"
    bundled = Path(grpc_tools.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{PROTOS}", f"-I{bundled}", f"--descriptor_set_out={file}", "grpc/health/v1/health.proto"]
    assert protoc.main(arguments) == 0
    (ours,) = descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file
    theirs = descriptor_pb2.FileDescriptorProto.FromString(health_pb2.DESCRIPTOR.serialized_pb)
    assert (ours.package, ours.options) == (theirs.package, theirs.options)
    for messages in (ours.message_type, theirs.message_type):
        for message in messages:
            for field in message.field:
                # protoc writes it down where others leave it to be computed.
                field.ClearField("json_name")
            for nested in message.nested_type:
                for field in nested.field:
                    field.ClearField("json_name")
    assert {one.name: one for one in ours.message_type} == {one.name: one for one in theirs.message_type}
    assert {one.name: one for one in ours.service[0].method} == {one.name: one for one in theirs.service[0].method}
