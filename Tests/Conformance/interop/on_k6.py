"""A part of the interop table on k6: grpc-go, and net/http of Go, driven by k6.js."""

from __future__ import annotations

import json
from pathlib import Path

from .outcome import Report, Target, run_as_program
from .programs import program, run

SCRIPT = Path(__file__).with_name("k6.js")
PATIENCE = 60.0


def play(target: Target, report: Report) -> None:
    """Runs the script, which plays every case and prints a line of JSON for each."""
    result = run(
        [program("k6"), "run", "--quiet", "--no-usage-report", "--no-summary", "--log-format", "raw",
         "--env", f"ADDRESS={target.address}", "--env", f"CA={target.authority}",
         "--env", f"DESCRIPTORS={target.descriptors}", str(SCRIPT)],
        environment={"SSL_CERT_FILE": str(target.authority)}, within=PATIENCE,
    )  # fmt: skip
    lines = [line for line in result.stderr.decode().splitlines() if line.strip()]
    ended = False
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "end" in said:
            ended = True
        else:
            report.note(said["dialect"], said["case"], said.get("reason"))
    if not ended or result.returncode != 0:
        report.note("grpc", "comes_to_its_end", f"exit status {result.returncode}: {lines[-3:]}")


if __name__ == "__main__":
    run_as_program("k6", play)
