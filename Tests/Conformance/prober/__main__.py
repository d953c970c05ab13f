"""`python -m prober --port P --ca F`: runs the cases against a server and exits with 1 if one fails."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .cases import ALL
from .peer import PATIENCE, Server
from .runner import Runner


def main() -> int:
    parser = argparse.ArgumentParser(prog="prober", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="where the interop server listens")
    parser.add_argument(
        "--ca", type=Path, help="the certificate (PEM) that signed the server's, which is for localhost"
    )
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="a case, or the beginning of its id")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds that the server may take for anything"
    )
    parser.add_argument("--reduced", action="store_true", help="every third case")
    parser.add_argument("--list", action="store_true", help="print the cases and what they are held against")
    options = parser.parse_args()
    cases = [case for case in ALL if not options.only or case.id.startswith(tuple(options.only))]
    cases = cases[::3] if options.reduced else cases
    if options.list:
        for case in cases:
            print(f"{case.id}: {case.title} [{case.source}] -> {' or '.join(map(str, case.allowed))}")
        print(f"{len(cases)} cases")
        return 0
    if options.port is None or options.ca is None:
        parser.error("--port and --ca are needed")
    return 0 if Runner(Server(options.host, options.port, options.ca, options.patience)).run(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
