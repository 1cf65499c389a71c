"""Real answers of real servers, read where they lie; they are never copied into the project."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
RECORDINGS = Path(os.environ.get("TVMON_RECORDINGS") or HERE.parent.parent / "shared/recordings")
TVIE = RECORDINGS / "tvie"

needs_recordings = unittest.skipUnless(
    TVIE.is_dir(), f"no recordings at {RECORDINGS}; set TVMON_RECORDINGS"
)
RUNS = (
    "upstream_down",
    "upstream_limit_5k",
    "upstream_limit_20k",
    "upstream_limit_60k",
    "upstream_limit_80k",
    "upstream_up",
)


def polls(run: str) -> list[tuple[int, bytes]]:
    """Every poll of one run, oldest first: (epoch second, the whole HTTP response)."""
    return [(int(path.stem), path.read_bytes()) for path in sorted((TVIE / run).glob("*.txt"))]


def body(response: bytes) -> bytes:
    """The body of a recorded HTTP response."""
    return response.split(b"\r\n\r\n", 1)[1]
