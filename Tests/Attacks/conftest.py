"""The short form of the attacks, for `make test`: outcomes, memory, handlers and descriptors; hardly any timing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
