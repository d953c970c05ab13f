"""Lets foreign clients and the prober loose on interop-server: a line for each case, the count at the end.

usage: run.py --server PROGRAM [--short] [--only CLIENT]...

Each client runs in a process of its own, so that none can hide behind the other's state, nor take it down. The exit status
is 1 when a case failed, or a client did not come to its end.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# Certificates and programs are made as in the end-to-end tests.
END_TO_END = ROOT / "Tests" / "EndToEnd"
sys.path.insert(0, str(END_TO_END))

from harness.certificates import Authority  # noqa: E402
from harness.processes import Program  # noqa: E402
from harness.waiting import eventually  # noqa: E402

# Ours come before those of the distribution, whose copy of health.proto is older than List.
PROTO_FOLDERS = (ROOT / "Tests" / "InteropServer" / "Protos", ROOT / "Protos", Path("/usr/share/grpc-proto"))
PROTOS = (
    "carillon/testing/v1/echo.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
    "grpc/testing/test.proto",
    "xds/data/orca/v3/orca_load_report.proto",
)

CLIENTS = ("grpcio", "grpclib", "connectrpc", "buf", "curl", "k6", "h2")
PATIENCE = {False: 180.0, True: 60.0}
"""Seconds that one client may take, in the long and the short run."""


class InteropServer:
    """One interop-server on a free port."""

    def __init__(self, binary: Path, folder: Path, *flags: str) -> None:
        self.authority = Authority(folder / "authority")
        certificate = self.authority.issue("server")
        self.log = folder / "server.log"
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        self.program = Program(
            [str(binary), "--certificate", str(certificate.certificate), "--key", str(certificate.key),
             "--port-file", str(port_file), *flags],
            self.log,
        )  # fmt: skip

        def announced() -> str:
            assert self.program.is_running, f"interop-server ended: {self.program.tail()}"
            return port_file.read_text().strip() if port_file.exists() else ""

        self.port = int(eventually(announced, "interop-server listens", 30, seen=self.program.tail))


@contextmanager
def serving(binary: Path, folder: Path, *flags: str) -> Iterator[InteropServer]:
    """A server that is gone afterwards. That it lived until then is part of the test."""
    server = InteropServer(binary, folder, *flags)
    try:
        yield server
        assert server.program.is_running, f"interop-server died: {server.program.tail()}"
    finally:
        server.program.end()


# The prober asks by PING whether the server has come so far, more often than a good client would.
PINGS_AT_WILL = ["--limit", "pingInterval=0", "--limit", "permitsPingsWithoutStreams=1"]


def describe(file: Path) -> Path:
    """Writes the descriptors of the server's services into the file."""
    google = Path(sysconfig.get_path("purelib"))
    bundled = Path(grpc_tools.__file__).parent / "_proto"
    folders = [f"-I{folder}" for folder in (*PROTO_FOLDERS, google, bundled)]
    result = protoc.main(["protoc", *folders, "--include_imports", f"--descriptor_set_out={file}", *PROTOS])
    assert result == 0, "the proto files do not compile"
    return file


def lines_of(command: Sequence[str], name: str, patience: float) -> list[str]:
    """Runs a client and prints its lines; what went wrong with the client itself is a line more."""
    begin = time.monotonic()
    lines: list[str] = []
    try:
        result = subprocess.run(
            command, cwd=HERE, capture_output=True, text=True, timeout=patience, check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(END_TO_END)},
        )  # fmt: skip
        output, words, status = result.stdout, result.stderr, result.returncode
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode(errors="replace")
        words, status = f"did not end within {patience:g} s", None
    lines = [line for line in output.splitlines() if line.startswith(("pass ", "FAIL "))]
    failed = any(line.startswith("FAIL ") for line in lines)
    counted = output.splitlines()[-1:] == [
        f"{sum(line.startswith('pass ') for line in lines)} passed, "
        f"{sum(line.startswith('FAIL ') for line in lines)} failed"
    ]
    if not lines or not counted or status != (1 if failed else 0):
        last = " ".join(words.split())[-300:]
        lines.append(f"FAIL {name} - comes_to_its_end exit status {status}: {last}")
    for line in lines:
        print(line)
    print(f"# {name}: {len(lines)} cases in {time.monotonic() - begin:.1f} s", flush=True)
    return lines


def commands(server: InteropServer, descriptors: Path, is_short: bool) -> dict[str, list[str]]:
    """How each client is started."""
    common = ["--port", str(server.port), "--ca", str(server.authority.file)]
    made = {
        name: [
            sys.executable, "-m", f"interop.on_{name}", *common, "--descriptors", str(descriptors),
            *(["--short"] if is_short else []),
        ]
        for name in CLIENTS
        if (HERE / "interop" / f"on_{name}.py").exists()
    }  # fmt: skip
    if (HERE / "prober").is_dir():
        made["prober"] = [sys.executable, "-m", "prober", *common, *(["--reduced"] if is_short else [])]
    return made


def run(binary: Path, is_short: bool, only: Sequence[str] = ()) -> list[str]:
    """Runs all clients, or some; the lines of their cases."""
    with tempfile.TemporaryDirectory(prefix="carillon-conformance-") as name:
        folder = Path(name)
        descriptors = describe(folder / "descriptors.binpb")
        lines: list[str] = []
        with serving(binary, folder, *PINGS_AT_WILL) as server:
            for client, command in commands(server, descriptors, is_short).items():
                if not only or client in only:
                    lines += lines_of(command, client, PATIENCE[is_short])
        return lines


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py")
    parser.add_argument("--server", type=Path, required=True, help="the program interop-server")
    parser.add_argument("--short", action="store_true", help="leave out what takes long")
    parser.add_argument("--only", action="append", default=[], help="play this client only; may be repeated")
    read = parser.parse_args(arguments)
    lines = run(read.server.resolve(), read.short, read.only)
    failed = [line for line in lines if line.startswith("FAIL ")]
    if failed:
        print("\nWhat failed:", *failed, sep="\n")
    print(f"{len(lines) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
