"""grpc.reflection: what a tool without proto files can learn, if the operator lets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2 as reflection
from grpc_reflection.v1alpha import reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from harness import interface
from harness.interface import health
from harness.server import Carillon

BUF = shutil.which("buf", path=str(Path(sys.executable).parent))
OWN = {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
NOT_FOUND = 5


@pytest.fixture(scope="module")
def open_server(make_server: Callable[..., Carillon]) -> Carillon:
    """A server that answers reflection."""
    return make_server(flags=["--reflection-enabled", "true"]).start()


def buf(server: Carillon, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert BUF is not None, "buf is not installed: make setup"
    command = [BUF, "curl", "--cacert", str(server.authority.file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def ask(server: Carillon, *requests: reflection.ServerReflectionRequest) -> list[reflection.ServerReflectionResponse]:
    """The answers to requests of one stream."""
    calls = reflection_pb2_grpc.ServerReflectionStub(server.channel())
    return list(calls.ServerReflectionInfo(iter(requests), timeout=20))


def test_it_is_off_unless_it_is_turned_on(server: Carillon) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        ask(server, reflection.ServerReflectionRequest(list_services=""))
    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert not OWN & set(server.session().health.List(health.HealthListRequest()).statuses)


def test_all_services_are_listed(open_server: Carillon) -> None:
    database = ProtoReflectionDescriptorDatabase(open_server.channel())
    assert set(database.get_services()) == {*interface.services, *OWN}
    assert OWN < set(open_server.session().health.List(health.HealthListRequest()).statuses)


def test_a_whole_interface_can_be_built_from_it(open_server: Carillon) -> None:
    """grpcio's own client of reflection makes every message of every service, equal to those of the proto files."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(open_server.channel()))
    for name, known in interface.services.items():
        service = pool.FindServiceByName(name)
        assert [method.name for method in service.methods] == [method.name for method in known.methods]
        for method, expected in zip(service.methods, known.methods, strict=True):
            for told, ours in ((method.input_type, expected.input_type), (method.output_type, expected.output_type)):
                assert fields(told) == fields(ours), told.full_name


def fields(message: Descriptor) -> list[tuple[str, int, int]]:
    return [(field.full_name, field.number, field.type) for field in message.fields]


def test_what_is_not_there_does_not_end_the_stream(open_server: Carillon) -> None:
    extension = reflection.ExtensionRequest(containing_type="carillon.v1.Tenant", extension_number=1000)
    answers = ask(
        open_server,
        reflection.ServerReflectionRequest(file_by_filename="none.proto"),
        reflection.ServerReflectionRequest(file_containing_symbol="carillon.v1.NoService"),
        reflection.ServerReflectionRequest(file_containing_extension=extension),
        reflection.ServerReflectionRequest(all_extension_numbers_of_type="carillon.v1.NoMessage"),
        reflection.ServerReflectionRequest(all_extension_numbers_of_type="carillon.v1.Tenant"),
        reflection.ServerReflectionRequest(host="h", file_containing_symbol="carillon.v1.Tenant.tenant_id"),
    )
    assert [one.error_response.error_code for one in answers] == [NOT_FOUND] * 4 + [0, 0]
    assert answers[4].all_extension_numbers_response.base_type_name == "carillon.v1.Tenant"
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(octets)
        for octets in answers[5].file_descriptor_response.file_descriptor_proto
    ]
    assert files[0].name == "carillon/v1/tenant.proto" and answers[5].valid_host == "h"
    assert {name for file in files for name in file.dependency} <= {file.name for file in files}


@pytest.mark.parametrize("version", ["grpc-v1", "grpc-v1alpha"])
def test_buf_curl_needs_no_proto_files(open_server: Carillon, version: str) -> None:
    base = f"https://localhost:{open_server.port}"
    chosen = ["--protocol", "grpc", "--reflect-protocol", version]
    listed = buf(open_server, *chosen, "--list-methods", base)
    assert listed.returncode == 0, listed.stderr
    every = {
        f"{service.full_name}/{method.name}" for service in interface.services.values() for method in service.methods
    }
    assert every <= set(listed.stdout.split())
    request = ["--data", '{"service": "liveness"}']
    called = buf(open_server, *chosen, *request, f"{base}/grpc.health.v1.Health/Check")
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == {"status": "SERVING"}
