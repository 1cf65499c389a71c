"""A real reactor whose clock runs faster, so that five minutes of recordings take thirty seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import directlyProvides, providedBy


class FastReactor:
    """
    Everything is the real reactor's but its time, which runs so many times as fast.

    Sockets, processes and signals stay real; only ``seconds`` and ``callLater`` are scaled.
    """

    def __init__(self, reactor: Any, factor: float) -> None:
        self._reactor = reactor
        self._factor = factor
        self._began = reactor.seconds()
        directlyProvides(self, *providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def seconds(self) -> float:
        """Fast seconds since an hour before this was made."""
        return (self._reactor.seconds() - self._began) * self._factor + 3600.0

    def callLater(self, seconds: float, call: Callable[..., object], *a: Any, **k: Any) -> Any:
        """A call after so many fast seconds."""
        return self._reactor.callLater(seconds / self._factor, call, *a, **k)
