"""Plain pages as curl and its decoders see them: files with entity tags and a compressed form, forms, refusals."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

import pytest
import run

TEXT = b"carillon\n" * 10_000
PLAIN, HASHED, NOISE = "/files/plain.txt", "/files/hashed.0a1b2c3d.js", "/files/noise.png"


@dataclass
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes


def curl(server: run.InteropServer, path: str, *flags: str) -> Answer:
    """One request by curl, with the path as it stands here."""
    command = [
        "curl", "--silent", "--show-error", "--http2", "--include", "--path-as-is", "--max-time", "20",
        "--cacert", str(server.authority.file), "--resolve", f"localhost:{server.port}:127.0.0.1",
        *flags, f"https://localhost:{server.port}{path}",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr
    head, _, body = result.stdout.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    return Answer(int(first.split()[1]), fields, body)


@pytest.mark.parametrize(
    ("path", "kind", "control"),
    [
        (PLAIN, "text/plain; charset=utf-8", "no-cache"),
        (HASHED, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        (NOISE, "image/png", "no-cache"),
    ],
)
def test_a_file_is_served_and_asked_for_again(
    interop_server: run.InteropServer, path: str, kind: str, control: str
) -> None:
    whole = curl(interop_server, path)
    assert (whole.status, whole.fields["content-type"], whole.fields["cache-control"]) == (200, kind, control)
    assert int(whole.fields["content-length"]) == len(whole.body) > 80_000
    assert path == NOISE or whole.body == TEXT
    again = curl(interop_server, path, "--header", f"if-none-match: {whole.fields['etag']}")
    assert (again.status, again.body, again.fields["etag"]) == (304, b"", whole.fields["etag"])
    head = curl(interop_server, path, "--head")
    assert (head.status, head.body, head.fields["content-length"]) == (200, b"", whole.fields["content-length"])


def test_curl_decodes_the_compressed_form(interop_server: run.InteropServer) -> None:
    plain = curl(interop_server, PLAIN)
    small = curl(interop_server, PLAIN, "--compressed")
    assert small.body == TEXT
    assert small.fields["content-encoding"] == "gzip"
    assert int(small.fields["content-length"]) < 1000
    assert small.fields["etag"] != plain.fields["etag"]
    assert small.fields["vary"] == plain.fields["vary"] == "accept-encoding"
    noise = curl(interop_server, NOISE, "--compressed")
    assert "content-encoding" not in noise.fields


def test_forms_arrive(interop_server: run.InteropServer) -> None:
    assert curl(interop_server, "/form?name=a%20b").body == b"hello a b\n"
    assert curl(interop_server, "/form", "--data-urlencode", "name=ä+ö&").body == "hello ä+ö&\n".encode()
    assert curl(interop_server, "/form?name=query", "--data", "name=form").body == b"hello form\n"
    assert curl(interop_server, "/form?name=1&name=2").status == 400


@pytest.mark.parametrize(
    ("path", "flags", "status", "words"),
    [
        ("/files/../livez", [], 404, b"exact path"),
        ("/livez/", [], 404, b"exact path"),
        ("/%6civez", [], 404, b"exact path"),
        ("/form", ["--request", "DELETE"], 405, b"GET, HEAD, POST"),
        ("/livez", ["--data", "x"], 405, b"GET, HEAD"),
        ("/form", ["--data", "x" * 1001], 413, b"1000"),
        ("/livez?" + "x" * 9000, [], 414, b"8192"),
    ],
)
def test_refusals_help(
    interop_server: run.InteropServer, path: str, flags: list[str], status: int, words: bytes
) -> None:
    answer = curl(interop_server, path, *flags)
    assert answer.status == status
    assert words in answer.body


@pytest.mark.parametrize("path", ["/livez", PLAIN, "/nothing", "/form"])
def test_every_answer_keeps_browsers_safe(interop_server: run.InteropServer, path: str) -> None:
    fields = curl(interop_server, path).fields
    assert fields["x-content-type-options"] == "nosniff"
    assert fields["referrer-policy"] == "no-referrer"
    assert fields["content-security-policy"].startswith("default-src 'self';")
    assert fields["strict-transport-security"].startswith("max-age=")
    assert fields["x-frame-options"] == "DENY"
