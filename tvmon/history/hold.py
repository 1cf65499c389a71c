"""Who works in a folder of histories: one tvmon that writes, or a person who moves them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tvmon.folders import make_open

LOCK = "lock"


class InUse(Exception):  # noqa: N818 - it reads as the sentence that it is
    """Another process holds the folder."""


def hold(directory: Path) -> int:
    """
    Make the folder if it is not there, and hold it until the descriptor is closed.

    The kernel lets go of it when the process ends, however.

    :raises InUse: another one holds it
    :raises OSError: the folder cannot be made, or written to
    """
    make_open(directory)
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InUse("another tvmon keeps its history there") from None
    except OSError:
        os.close(lock)
        raise
    return lock
