"""Why a start is refused."""

from __future__ import annotations


class CannotStart(SystemExit, Exception):  # noqa: N818 - it reads as the sentence that it is
    """
    An operator must act first; one line says what.

    twistd in the foreground ends by a SystemExit with that line alone; in the background it
    hands only an Exception on to the process that waits for the start.
    """
