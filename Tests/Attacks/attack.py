"""`make attacks`: runs the attacks of faults.md, rows 27 to 39, against the server that INTEROP_SERVER names."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rows  # noqa: E402, F401
from arena.run import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
