"""Whether the database is there: since when it is not, and a line in the log when that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tvmon.store.meters import StoreMeters

SETTLE_SECONDS = 5.0
"""After the start, how long the database may be away before that is worth a line in the log."""


class Outage(NamedTuple):
    """When the database went away, by both clocks, and why it is away now."""

    since: float
    began: float
    why: str


class Outages:
    """
    The outages of one database, the time before its first use among them.

    :param now: wall clock, seconds since 1970
    :param waiting: how many samples wait to be written
    :ivar now_away: the outage of this moment; ``None`` while the database is there
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        now: Callable[[], float],
        meters: StoreMeters,
        waiting: Callable[[], int],
    ) -> None:
        self._clock, self._now, self._meters, self._waiting = clock, now, meters, waiting
        self.now_away: Outage | None = None
        self._was_up = False
        self._is_told = False

    def begin(self, why: str) -> None:
        """It is away from this moment on."""
        self.now_away = Outage(self._now(), self._clock.seconds(), why)

    def lost(self, why: str) -> None:
        """It could not be reached, or is reached no more."""
        away = self.now_away or Outage(self._now(), self._clock.seconds(), why)
        self.now_away = away._replace(why=why)
        is_settling = not self._was_up and self._clock.seconds() < away.began + SETTLE_SECONDS
        if not self._is_told and not is_settling:
            self._is_told = True
            self.log.warn("the database is away; samples wait in memory: {why}", why=why)

    def found(self) -> None:
        """The database is there, ours, and loaded."""
        outage, self.now_away = self.now_away, None
        if self._was_up:
            self._meters.reconnects.inc()
        self._was_up = True
        if outage is not None and self._is_told:
            self._is_told = False
            self.log.info(
                "the database is back after {seconds:.1f} s; {count} samples wait",
                seconds=self._clock.seconds() - outage.began,
                count=self._waiting(),
            )
