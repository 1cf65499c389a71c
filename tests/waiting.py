"""Waiting for conditions, with a bound; never for time."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import deferLater


async def until(condition: Callable[[], object], seconds: float = 10.0, why: str = "") -> None:
    """Return as soon as ``condition()`` is true; fail when it is not within ``seconds``."""
    from twisted.internet import reactor

    for _ in range(round(seconds / 0.01)):
        if condition():
            return
        await deferLater(reactor, 0.01, lambda: None)
    raise AssertionError(f"not within {seconds} s: {why or condition}")
