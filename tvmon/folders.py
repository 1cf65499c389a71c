"""Folders that tvmon makes for what it keeps."""

from __future__ import annotations

from pathlib import Path


def make_open(directory: Path) -> None:
    """Make it and what is missing above it, for all to enter, whatever our umask is."""
    for new in [*(up for up in reversed(directory.parents) if not up.exists()), directory]:
        try:
            new.mkdir()
        except FileExistsError:
            continue
        new.chmod(0o755)
