"""
What a stream needs, in kbit/s, and how that is known.

In this order: what the configuration says, what the stream declares, and what it has had itself
while it was well.  The last one is learned: of each half minute in which the stream was good its
rate is kept, of the last hour, and the median of those is what the stream needs.  A median does
not move for a light scene or a burst.

A stream that was never watched before has no past.  It is then measured by what it has had since
watching began, so it is good as long as it flows; that it was starved from the start, nobody can
tell.  For its first minutes every half minute counts, good or not: the very first one may have
been one in which a backlog came in, and must not be the measure of all others.

A stream that runs steadily at another rate, since its encoder was set so, has a problem by what
it learned; when a whole day brought nothing else, that is what it needs from then on.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Literal, NamedTuple

from tvmon.streams import Measurement

By = Literal["configured", "declared", "learned"]

LEARN_SECONDS = 30.0
"""One rate is learned of each span of this length."""

LEARNED_RATES = 120
"""How many are kept: an hour of good half minutes."""

YOUNG_RATES = 5
"""Up to so many, every rate counts."""

NEW_NORMAL_RATES = 2880
"""After so many half minutes that were not good, a day, they are the stream's normal."""


@dataclass(frozen=True, slots=True)
class Expected:
    """
    What a stream needs.

    :param kbps: ``None`` where it is not known yet
    :param by: how that is known
    :param past_seconds: from how much of its own past it was learned
    """

    kbps: float | None = None
    by: By | None = None
    past_seconds: float = 0.0


NOTHING_EXPECTED = Expected()


@lru_cache(maxsize=4096, typed=True)
def _told(kbps: float, by: By) -> Expected:
    """What is configured or declared: the same value for all streams of which it is the same."""
    return Expected(kbps, by)


class Demand(NamedTuple):
    """
    What is asked of a stream, beside what it declares itself.

    :param configured_kbps: what the configuration says that it needs
    :param learned: what it needs by its own past
    :param may_sleep: it may be published by nobody without that being bad
    """

    configured_kbps: float | None = None
    learned: Expected = NOTHING_EXPECTED
    may_sleep: bool = False

    def expected(self, measured: Measurement | None) -> Expected:
        """What the stream needs: as configured, or else as declared, or else as learned."""
        if self.configured_kbps:
            return _told(self.configured_kbps, "configured")
        declared = None if measured is None else measured.declared_kbps
        return _told(declared, "declared") if declared else self.learned


NO_DEMAND = Demand()


class Learned:
    """
    The rates that one stream had while it was good, newest last.

    :ivar changes: how many rates were taken in since the start, to tell whether there is news
    """

    __slots__ = ("_due", "_median", "_others", "_rates", "changes")

    def __init__(self, rates: Sequence[float] = ()) -> None:
        self._rates = array("f", rates[-LEARNED_RATES:])
        self._others = array("f")
        self._median = median(self._rates) if self._rates else None
        self._due = 0.0
        self.changes = 0

    @property
    def rates(self) -> tuple[float, ...]:
        """What is to be kept over a restart, kbit/s, newest last."""
        return tuple(round(rate, 1) for rate in self._rates)

    @property
    def expected(self) -> Expected:
        """What the stream needs by its own past; nothing where it has none."""
        if self._median is None:
            return NOTHING_EXPECTED
        return Expected(self._median, "learned", len(self._rates) * LEARN_SECONDS)

    def is_due(self, at: float) -> bool:
        """Whether the span that the next rate is of is over; ``at`` is monotonic seconds."""
        return at >= self._due

    def take(self, at: float, kbps: float, *, good: bool) -> None:
        """
        Take in the rate of the span that ends now.

        :param good: whether it was enough by what is expected today
        """
        self._due = at + LEARN_SECONDS - 0.5
        if good or len(self._rates) < YOUNG_RATES:
            self._rates.append(kbps)
            self._others = array("f")
        else:
            self._others.append(kbps)
            if len(self._others) < NEW_NORMAL_RATES:
                return
            self._rates, self._others = self._others, array("f")
        del self._rates[:-LEARNED_RATES]
        self._median = median(self._rates)
        self.changes += 1
