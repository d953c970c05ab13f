"""The prober itself: it can fail, and it holds a server's own frames against the rules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from prober import cases, wire
from prober.transcript import Transcript
from run import Authority, Program, eventually

from harness.certificates import Certificate
from harness.load import free_port, is_open

HERE = Path(__file__).resolve().parent


def probe(port: int, ca: Path, *only: str) -> subprocess.CompletedProcess[str]:
    flags = [flag for one in only for flag in ("--only", one)]
    return subprocess.run(
        [sys.executable, "-m", "prober", "--port", str(port), "--ca", str(ca), "--patience", "2", *flags],
        cwd=HERE, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def serving(certificate: Certificate, log: Path) -> tuple[Program, int]:
    """nghttpd on a port that is free; others may take it before nghttpd does, so it has a few tries."""
    for _ in range(5):
        port = free_port()
        program = Program(["nghttpd", str(port), str(certificate.key), str(certificate.certificate)], log)
        eventually(partial(has_begun, program, port), "nghttpd listens or ends", 20, seen=program.tail)
        if program.is_running:
            return program, port
    raise AssertionError(f"nghttpd does not listen: {program.tail()}")


def has_begun(program: Program, port: int) -> bool:
    return not program.is_running or is_open(port)


def test_there_are_enough_cases_with_sources() -> None:
    assert len(cases.ALL) >= 700
    assert [case.id for case in cases.ALL if not case.source or not case.title] == []
    # Without an outcome there is nothing but the service of others to judge.
    assert [case.id for case in cases.ALL if bool(case.allowed) == case.vanishes] == []


def test_a_server_that_breaks_a_rule_fails(tmp_path: Path) -> None:
    """nghttpd ignores a stream identifier below one that was used, and answers no gRPC call."""
    authority = Authority(tmp_path)
    certificate = authority.issue("nghttpd")
    program, port = serving(certificate, tmp_path / "log")
    try:
        result = probe(port, authority.file, "ids/lower", "ping/answer")
    finally:
        program.end()
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert [line.split()[2] for line in lines if "wanted a connection error PROTOCOL_ERROR" in line] == [
        "ids/lower", "ids/lower-later", "ids/lower-call",
    ]  # fmt: skip
    # What it does right is no comfort: others are not served.
    assert any(line.startswith("FAIL prober ping/answer afterwards") for line in lines), lines
    assert lines[-1] == "0 passed, 4 failed"


def test_a_server_that_is_not_there_fails(tmp_path: Path) -> None:
    result = probe(1, Authority(tmp_path).file, "ping/answer")
    assert result.returncode == 1
    assert result.stdout.startswith("FAIL prober ping/answer no connection")


def test_no_case_is_no_success(tmp_path: Path) -> None:
    result = probe(1, Authority(tmp_path).file, "no/such-case")
    assert (result.returncode, result.stdout) == (1, "0 passed, 0 failed\n")


ANSWER = [(":status", "200"), ("content-type", "text/plain")]
HEADERS = wire.headers(1, ANSWER, end=False)
FAULTS: dict[str, tuple[bytes, str]] = {
    "no SETTINGS first": (wire.ping(), "the first frame is no SETTINGS"),
    "an acknowledgement first": (wire.frame(wire.SETTINGS, 0, flags=wire.ACK), "the first frame is no SETTINGS"),
    "a frame that is too long": (wire.settings() + wire.data(1, bytes(16_385)), "a frame of 16385 octets"),
    "DATA before HEADERS": (wire.settings() + wire.data(1, b"a"), "DATA before HEADERS"),
    "DATA after the end": (wire.settings() + wire.headers(1, ANSWER) + wire.data(1, b"a"), "DATA on stream 1 after"),
    "DATA beyond the window": (wire.settings() + HEADERS + wire.data(1, bytes(16_384)) * 4, "beyond the window"),
    "HEADERS after RST_STREAM": (wire.settings() + wire.rst(1) + HEADERS, "HEADERS on stream 1 after its end"),
    "no :status": (wire.settings() + wire.headers(1, ANSWER[1:]), "pseudo-fields"),
    "capitals": (wire.settings() + wire.headers(1, [*ANSWER, ("X-A", "1")]), "the field X-A"),
    "connection": (wire.settings() + wire.headers(1, [*ANSWER, ("connection", "close")]), "the field connection"),
    "a blank before a value": (wire.settings() + wire.headers(1, [*ANSWER, ("x-a", " 1")]), "the value ' 1'"),
    "trailers that do not end": (wire.settings() + HEADERS * 2, "trailers without END_STREAM"),
    "a broken block": (wire.settings() + wire.headers(1, b"\x80"), "a broken header block"),
    "a frame within a block": (
        wire.settings() + wire.headers(1, ANSWER, complete=False) + wire.ping(),
        "within a header",
    ),
    "a push": (wire.settings() + wire.frame(wire.PUSH_PROMISE, 1, b"\x00\x00\x00\x02", 4), "PUSH_PROMISE"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_of_the_server_is_seen(what: str) -> None:
    octets, fault = FAULTS[what]
    seen = Transcript()
    seen.received(octets)
    assert any(fault in one for one in seen.faults), seen.faults


RIGHT: dict[str, Callable[[Transcript], None]] = {
    "an answer in pieces": lambda seen: [
        seen.received(bytes([one])) for one in wire.settings() + HEADERS + wire.data(1, b"abc", end=True)
    ],
    "a window that was opened": lambda seen: (
        seen.sent(wire.window_update(0, 99_999) + wire.window_update(1, 99_999)),
        seen.received(wire.settings() + HEADERS + wire.data(1, bytes(16_384)) * 8),
    ),
    "an interim answer": lambda seen: seen.received(
        wire.settings() + wire.headers(1, [(":status", "100")], end=False) + wire.headers(1, ANSWER)
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_what_is_right_is_no_fault(what: str) -> None:
    seen = Transcript()
    RIGHT[what](seen)
    assert seen.faults == [] and seen.stream(1).status == 200
