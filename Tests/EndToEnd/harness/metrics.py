"""What a server counts, read as Prometheus reads it: over HTTP/2 and TLS, with a key."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .credentials import random_word
from .server import HOST, Carillon

LINE = re.compile(r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)')
LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"')
DESCRIPTION = re.compile(r"# (?:HELP \S+ \S.*|TYPE \S+ (?:counter|gauge|histogram))")

Series = tuple[str, frozenset[tuple[str, str]]]


class MetricsKey:
    """A key in a file."""

    def __init__(self, folder: Path) -> None:
        self.word = random_word(40)
        self.file = folder / "metrics.key"
        self.file.write_text(self.word + "\n")

    @property
    def flags(self) -> list[str]:
        return ["--metrics-listen", f"{HOST}:0", "--metrics-key-file", str(self.file)]


class Sample:
    """All series at one time."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.series: dict[Series, float] = {}
        self.kinds: dict[str, str] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                assert DESCRIPTION.fullmatch(line), line
                if line.startswith("# TYPE"):
                    self.kinds[line.split()[2]] = line.split()[3]
                continue
            match = LINE.fullmatch(line)
            assert match, line
            labels = LABEL.findall(match["labels"] or "")
            assert ",".join(f'{name}="{value}"' for name, value in labels) == (match["labels"] or ""), line
            key = (match["name"], frozenset(labels))
            assert key not in self.series, f"twice: {line}"
            self.series[key] = float(match["value"])

    def value(self, name: str, **labels: str) -> float:
        """The sum of all series of a name with these labels, and any others; 0 where there is none."""
        wanted = set(labels.items())
        return sum(value for (own, found), value in self.series.items() if own == name and wanted <= found)

    def by(self, label: str, name: str, **labels: str) -> Mapping[str, float]:
        """The values of a name by those of one label, without those that are 0."""
        values = {dict(found).get(label, "") for own, found in self.series if own == name}
        sums = {one: self.value(name, **{label: one}, **labels) for one in values}
        return {one: value for one, value in sums.items() if value}

    def label_values(self) -> set[tuple[str, str]]:
        return {label for _, labels in self.series for label in labels}


class Metrics:
    """The port of a server where metrics are read."""

    def __init__(self, server: Carillon, key: MetricsKey) -> None:
        self.server = server
        self.key = key

    @property
    def port(self) -> int:
        """As the log tells it, of the last start."""
        lines = [json.loads(line) for line in self.server.logged().splitlines() if '"showing metrics"' in line]
        assert lines, "the log does not say where metrics are shown"
        return lines[-1]["port"]

    def ask(self, path: str = "/metrics", *, key: str | None = None, port: int | None = None) -> tuple[int, str]:
        """The status and the body of an answer; with the right key, unless another is given."""
        port = port or self.port
        command = [
            "curl", "--silent", "--max-time", "20", "--http2", "--cacert", str(self.server.authority.file),
            "--resolve", f"localhost:{port}:{HOST}", "--write-out", "\n%{http_code} %{http_version}",
            "--config", "-", f"https://localhost:{port}{path}",
        ]  # fmt: skip
        shown = self.key.word if key is None else key
        # By the standard input, as everybody can read a command line.
        header = f'header = "Authorization: Bearer {shown}"\n' if shown else ""
        result = subprocess.run(command, input=header, capture_output=True, text=True, check=True)
        body, _, tail = result.stdout.rpartition("\n")
        status, version = tail.split()
        assert version == "2"
        return int(status), body

    def read(self) -> Sample:
        status, text = self.ask()
        assert status == 200, text
        return Sample(text)
