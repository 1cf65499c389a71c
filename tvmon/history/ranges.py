"""
Which period a graph shows, and from which tier: boundaries, windows and steps.  Pure.

Times are seconds since 1970, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tvmon.tiers import (
    DAY_SECONDS,
    DEFAULT_TIERS,
    STEP_SECONDS,
    Tier,
    finest_that_covers,
)
from tvmon.words import cleaned

MOST_ROWS = 1500
"""A graph of more is not drawn unless it is asked for by its step: nobody sees so much."""

STANDARD_SECONDS = {tier.name: tier.seconds for tier in DEFAULT_TIERS}
"""The steps that are always known by name, whatever is kept."""


class UnknownStep(LookupError):  # noqa: N818 - it reads as the sentence that it is
    """
    A step that there is not.

    :ivar allowed: those that there are
    """

    def __init__(self, step: str, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        super().__init__(f'there is no step "{cleaned(step, 40)}", but {", ".join(allowed)}')


class Window(NamedTuple):
    """
    What a graph of the older addresses shows, by their ending: ``_week``.

    :ivar seconds: how long the period is, where it is not said
    :ivar step: the name of the tier, where it reaches back far enough
    :ivar width: and ``height``: pixels of the whole picture
    """

    seconds: int
    step: str
    width: int = 580
    height: int = 203

    def period(self, start: float | None, end: float | None, now: float) -> tuple[int, int]:
        """
        Start and end, on boundaries of five minutes and at least one apart.

        :param start: else the window before ``end``
        :param end: else the window behind ``start``; without both, five minutes ago
        """
        if start is None:
            ends = floored(now) - STEP_SECONDS if end is None else floored(end)
            return ends - self.seconds, ends
        begins = floored(start)
        ends = begins + self.seconds if end is None else floored(end)
        return begins, max(begins + STEP_SECONDS, ends)


WINDOWS = {
    "dash": Window(DAY_SECONDS // 2, "5m", 205, 175),
    "day": Window(2 * DAY_SECONDS, "5m"),
    "week": Window(14 * DAY_SECONDS, "30m"),
    "month": Window(7 * 7 * DAY_SECONDS, "1h"),
    "year": Window(9 * 30 * DAY_SECONDS, "6h"),
    "year2": Window(18 * 30 * DAY_SECONDS, "1d"),
}
"""By the ending of the address; a month is 30 days."""


def floored(seconds: float) -> int:
    """The last boundary of five minutes: 17:22 is 17:20, and 17:25 stays."""
    return int(seconds // STEP_SECONDS) * STEP_SECONDS


def tier_for(tiers: Sequence[Tier], step: str | None, start: float, end: float, now: float) -> Tier:
    """
    From which tier a period is shown.

    :param tiers: those that are kept, from the finest to the coarsest
    :param step: the name of one that is kept, or of a standard one: the next coarser that is kept
        then stands for it.  Where its retention does not reach back to ``start``, it is the next
        that does; without a step, the finest that does and has at most 1500 rows in the period.
    :raises UnknownStep: there is no such name
    """
    if step is not None:
        return finest_that_covers(tiers, _named(tiers, step), start, now)
    fitting = [tier for tier in tiers if (end - start) / tier.seconds <= MOST_ROWS]
    return finest_that_covers(tiers, fitting[0] if fitting else tiers[-1], start, now)


def _named(tiers: Sequence[Tier], step: str) -> Tier:
    for tier in tiers:
        if tier.name == step:
            return tier
    seconds = STANDARD_SECONDS.get(step)
    if seconds is None:
        names = [tier.name for tier in tiers]
        raise UnknownStep(step, [*names, *(n for n in STANDARD_SECONDS if n not in names)])
    return next((tier for tier in tiers if tier.seconds >= seconds), tiers[-1])
