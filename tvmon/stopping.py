"""Several things that stop side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import DeferredList, maybeDeferred


async def all_stopped(stops: Iterable[Callable[[], Any]]) -> None:
    """Stop them, and wait for all; one that fails keeps none of the others from its end."""
    await DeferredList([maybeDeferred(stop) for stop in stops], consumeErrors=True)
