"""Averages of what a machine tells again and again: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reading(NamedTuple):
    """
    What was read at one moment; what is not known is ``None``, or left out.

    :ivar at: monotonic, seconds
    :ivar levels: what stands for itself, as the memory in use
    :ivar counters: what only ever grows, of which is wanted how much it grows in a second
    """

    at: float
    levels: Mapping[str, float | None]
    counters: Mapping[str, float | None]


class Averages:
    """
    Those of all readings since they were taken last.

    A level's is the mean of its readings.  A counter's is what it grew by, by the seconds in
    which it did; a stretch in which it fell, as it does where it starts anew, is left out.
    """

    def __init__(self) -> None:
        self._before: Reading | None = None
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, reading: Reading) -> None:
        """One more."""
        for name, level in reading.levels.items():
            if level is not None:
                self._note(name, level, 1.0)
        before, self._before = self._before, reading
        if before is None or reading.at <= before.at:
            return
        for name, count in reading.counters.items():
            then = before.counters.get(name)
            if count is not None and then is not None and count >= then:
                self._note(name, count - then, reading.at - before.at)

    def take(self) -> dict[str, float]:
        """The averages by name, of what is known; counters go on from the newest reading."""
        taken = {name: total / self._weights[name] for name, total in self._sums.items()}
        self._sums, self._weights = {}, {}
        return taken

    def _note(self, name: str, amount: float, weight: float) -> None:
        self._sums[name] = self._sums.get(name, 0.0) + amount
        self._weights[name] = self._weights.get(name, 0.0) + weight
