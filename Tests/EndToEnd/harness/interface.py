"""The messages and clients of Carillon's interface, made by grpcio's own compiler from the proto files at the start.

`load` must have been called before `interface.v1` and `interface.health` are used.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import types
from pathlib import Path

import grpc
import grpc_tools
from google.protobuf import descriptor, descriptor_pool, message, message_factory
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[3]
PROTOS = ROOT / "Protos"
HEALTH = Path("/usr/share/grpc-proto/grpc/health/v1/health.proto")

v1 = types.SimpleNamespace()
"""Every message, enum value, and client class of the package carillon.v1, by its name."""
health = types.SimpleNamespace()
"""The same of grpc.health.v1."""
services: dict[str, descriptor.ServiceDescriptor] = {}
"""The services of both packages by their full names."""


def load(folder: Path) -> None:
    """Compiles the proto files into the folder and imports what was made."""
    inputs = folder / "inputs"
    # In its own folder the module would shadow a part of the package grpc.
    (inputs / "healthcheck").mkdir(parents=True)
    assert HEALTH.exists(), f"{HEALTH} is missing: install grpc-proto"
    shutil.copy(HEALTH, inputs / "healthcheck" / "health.proto")
    own = sorted(path.relative_to(PROTOS) for path in PROTOS.glob("carillon/v1/*.proto"))
    assert own, f"no proto files below {PROTOS}"
    names = [*own, Path("healthcheck/health.proto")]
    bundled = Path(grpc_tools.__file__).parent / "_proto"
    result = protoc.main(
        ["protoc", f"-I{PROTOS}", f"-I{inputs}", f"-I{bundled}", f"--python_out={folder}",
         f"--grpc_python_out={folder}", *map(str, names)]
    )  # fmt: skip
    assert result == 0, "the proto files do not compile"
    sys.path.insert(0, str(folder))
    for name in names:
        target = health if name.parts[0] == "healthcheck" else v1
        module = ".".join(name.with_suffix("").parts)
        messages = importlib.import_module(f"{module}_pb2")
        target.__dict__.update({key: value for key, value in vars(messages).items() if key[0].isupper()})
        for service in messages.DESCRIPTOR.services_by_name.values():
            services[service.full_name] = service
            clients = vars(importlib.import_module(f"{module}_pb2_grpc"))
            (client,) = (
                value
                for key, value in clients.items()
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
