"""A media server that refuses who we are."""

from __future__ import annotations

from tvmon.errors import BadAnswer, Trouble
from tvmon.sampling.asking import AUTH_SECONDS


def refused(trouble: Trouble) -> Trouble:
    """What is said while a server is left alone that refuses who we are."""
    words = f"{trouble.reason}; asked again every {AUTH_SECONDS / 60:g} min"
    return BadAnswer(words, "auth")
