"""A real reactor whose clock runs faster: five minutes of recordings take thirty seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import directlyProvides, providedBy


class FastReactor:
    """
    Everything is the real reactor's but its time, which runs so many times as fast.

    Sockets, processes and signals stay real; only ``seconds`` and ``callLater`` are scaled.

    :param epoch: seconds since 1970, UTC, at second 0
    """

    def __init__(self, reactor: Any, factor: float, epoch: float = 1_700_000_000.0) -> None:
        self._reactor = reactor
        self._epoch = epoch
        self._factor = factor
        self._began = reactor.seconds()
        self._seconds = 3600.0
        directlyProvides(self, *providedBy(reactor))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def seconds(self) -> float:
        """Fast seconds since an hour before this was made."""
        self._seconds = (self._reactor.seconds() - self._began) * self._factor + 3600.0
        return self._seconds

    def now(self) -> float:
        """
        The wall clock, as it was when :meth:`seconds` was called last.

        Who reads the one right after the other has the same moment twice, however busy the
        machine is between the two: a millisecond of that were a hundredth of a second here.
        """
        return self._epoch + self._seconds

    def callLater(  # noqa: N802 - IReactorTime's name
        self, seconds: float, call: Callable[..., object], *a: Any, **k: Any
    ) -> Any:
        """A call after so many fast seconds."""
        return self._reactor.callLater(seconds / self._factor, call, *a, **k)
