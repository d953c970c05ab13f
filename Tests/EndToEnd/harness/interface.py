"""The messages and clients of Carillon's interface, made by grpcio's own compiler from the proto files at the start,
and those of grpc.health.v1 as grpcio's own package has them.

`load` must have been called before `interface.v1` and `interface.health` are used.
"""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import grpc
import grpc_tools
from google.protobuf import descriptor, descriptor_pool, message, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "Protos"

v1 = types.SimpleNamespace()
"""Every message, enum value, and client class of the package carillon.v1, by its name."""
health = types.SimpleNamespace()
"""The same of grpc.health.v1."""
services: dict[str, descriptor.ServiceDescriptor] = {}
"""The services of both packages by their full names."""


def load(folder: Path) -> None:
    """Compiles the proto files into the folder and imports what was made."""
    own = sorted(path.relative_to(PROTOS) for path in PROTOS.glob("carillon/v1/*.proto"))
    assert own, f"no proto files below {PROTOS}"
    bundled = Path(grpc_tools.__file__).parent / "_proto"
    folder.mkdir(parents=True, exist_ok=True)
    result = protoc.main(
        ["protoc", f"-I{PROTOS}", f"-I{bundled}", f"--python_out={folder}", f"--grpc_python_out={folder}",
         *map(str, own)]
    )  # fmt: skip
    assert result == 0, "the proto files do not compile"
    sys.path.insert(0, str(folder))
    for name in own:
        module = ".".join(name.with_suffix("").parts)
        add(v1, importlib.import_module(f"{module}_pb2"), importlib.import_module(f"{module}_pb2_grpc"))
    add(health, health_pb2, health_pb2_grpc)


def add(target: types.SimpleNamespace, messages: types.ModuleType, clients: types.ModuleType) -> None:
    """Adds what was generated from one proto file."""
    target.__dict__.update({key: value for key, value in vars(messages).items() if key[0].isupper()})
    for service in messages.DESCRIPTOR.services_by_name.values():
        services[service.full_name] = service
        (client,) = (
            value
            for key, value in vars(clients).items()
            if key.startswith(service.name) and key.removeprefix(service.name) not in ("", "Servicer")
        )
        target.__dict__[f"{service.name}Client"] = client


def method_path(method: descriptor.MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


def message_class(described: descriptor.Descriptor) -> type[message.Message]:
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(described.full_name))


def call(
    channel: grpc.Channel, method: descriptor.MethodDescriptor, request: bytes, **options: object
) -> list[message.Message]:
    """Calls any method with any octets as its request; the answers, of which a unary method has one."""
    decode = message_class(method.output_type).FromString
    if method.server_streaming:
        stream = channel.unary_stream(method_path(method), None, decode)(request, **options)
        return list(stream)
    return [channel.unary_unary(method_path(method), None, decode)(request, **options)]
