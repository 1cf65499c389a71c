"""
When a sampler's turns are, how late one of them is, and how many were left out.

Turns are at ``first + n * interval``, for ever: a late one shifts none of those that follow, and
so ten thousand samplers stay as evenly spread as they were begun.  Left out are those that fall
into a turn that is not over yet, and those that pass while the reactor is busy elsewhere.
"""

from __future__ import annotations

TOLERANCE = 1e-7
"""A turn is not early for being this part of an interval early: floating point, no more."""


class Turns:
    """
    The turns of one sampler; all times on the clock that drives it, seconds.

    :param first: when the first turn is due
    """

    __slots__ = ("_due", "_first", "_interval", "_last")

    def __init__(self, interval: float, first: float) -> None:
        self._interval = interval
        self._first = first
        self._last = -1
        self._due = 0

    @property
    def due(self) -> float:
        """When the next turn is due."""
        return self._first + self._due * self._interval

    def begin(self, at: float) -> tuple[float, int]:
        """A turn begins: how many seconds late it is, and how many before it were left out."""
        now = self._number(at)
        late = at - self._first - min(self._due, now) * self._interval
        left_out = now - self._last - 1
        self._last = now
        return max(late, 0.0), max(left_out, 0)

    def end(self, at: float) -> None:
        """The turn is over; the next one is due where the next interval begins."""
        self._due = self._number(at) + 1

    def _number(self, at: float) -> int:
        return int((at - self._first) / self._interval + TOLERANCE)
