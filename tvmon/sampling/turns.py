"""
How late a turn of a LoopingCall is, and how many turns were left out.

A LoopingCall has its turns at ``anchor + n * interval``.  It leaves out those that fall into a
turn that is not over yet, and those that pass while the reactor is busy elsewhere.
"""

from __future__ import annotations

TOLERANCE = 1e-7
"""A turn is not early for being this part of an interval early: floating point, no more."""


class Turns:
    """
    The turns of one LoopingCall; all times on the clock that drives it, seconds.

    :param due: when the first turn is due
    """

    __slots__ = ("_anchor", "_due", "_interval", "_last", "_started")

    def __init__(self, interval: float, due: float) -> None:
        self._interval = interval
        self._anchor = due
        self._started = False
        self._last = -1
        self._due = 0

    def begin(self, at: float) -> tuple[float, int]:
        """A turn begins: how many seconds late it is, and how many before it were left out."""
        if not self._started:
            # The LoopingCall counts from its real start, so a late start shifts all turns.
            self._started = True
            late, self._anchor, self._last = at - self._anchor, at, 0
            return max(late, 0.0), 0
        now = int((at - self._anchor) / self._interval + TOLERANCE)
        late = at - self._anchor - min(self._due, now) * self._interval
        left_out = now - self._last - 1
        self._last = now
        return max(late, 0.0), max(left_out, 0)

    def end(self, at: float) -> None:
        """The turn is over; the next one is due where the next interval begins."""
        self._due = int((at - self._anchor) / self._interval + TOLERANCE) + 1
