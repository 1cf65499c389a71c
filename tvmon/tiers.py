"""How long history is kept, and at which step: the archives of an RRD.  Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

STEP_SECONDS = 300
"""What is written is an average over so many seconds; all steps are multiples of it."""

HEARTBEAT_SECONDS = 600
DAY_SECONDS = 86_400
KNOWN_SHARE = 0.5
"""A consolidated value is unknown where more than this part of what it is made of is unknown."""

MOST_DAYS = 3660
_UNITS = {"m": 60, "h": 3600, "d": DAY_SECONDS}
_TIER = re.compile(r"([1-9][0-9]{0,3})([mhd]):([1-9][0-9]{0,3})d", re.ASCII)


class Tier(NamedTuple):
    """
    One resolution and its retention.

    :ivar seconds: what a row covers; rows are aligned to multiples of it since 1970, in UTC, and
        are stamped with the end of what they cover
    """

    name: str
    seconds: int
    days: int

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return self.days * DAY_SECONDS // self.seconds

    @property
    def functions(self) -> tuple[str, ...]:
        """The consolidation functions; of single five minutes there is nothing to consolidate."""
        return ("LAST",) if self.seconds == STEP_SECONDS else ("AVERAGE", "MIN", "MAX")

    @property
    def mean(self) -> str:
        """The function of the main line."""
        return self.functions[0]

    @property
    def archives(self) -> tuple[str, ...]:
        """As ``rrdtool create`` takes them."""
        steps = self.seconds // STEP_SECONDS
        return tuple(f"RRA:{cf}:{KNOWN_SHARE}:{steps}:{self.rows}" for cf in self.functions)

    def __str__(self) -> str:
        return f"{self.name}:{self.days}d"


DEFAULT_TIERS = (
    Tier("5m", 300, 90),
    Tier("30m", 1800, 120),
    Tier("1h", 3600, 180),
    Tier("6h", 21_600, 365),
    Tier("1d", DAY_SECONDS, 730),
)
TIER_FORM = (
    "must be a step and a retention, such as 30m:120d: minutes (m), hours (h) or a day (1d) that"
    " are a multiple of 5 minutes and go into a day, and 1 to 3660 days"
)


def parse_tier(text: str) -> Tier:
    """
    A tier from ``30m:120d``.

    :raises ValueError: what it must be
    """
    match = _TIER.fullmatch(text)
    if match is None:
        raise ValueError(TIER_FORM)
    seconds, days = int(match[1]) * _UNITS[match[2]], int(match[3])
    if seconds % STEP_SECONDS or DAY_SECONDS % seconds or days > MOST_DAYS:
        raise ValueError(TIER_FORM)
    return Tier(match[1] + match[2], seconds, days)


def finest_that_covers(tiers: Sequence[Tier], wanted: Tier, start: float, now: float) -> Tier:
    """
    The wanted tier, or where its retention does not reach back to ``start``, the next that does.

    The coarsest one where none does.  One row more or less at the beginning is of no matter: a
    year ago is within what is kept for a year, though a year and some minutes are asked for.
    """
    coarser = [tier for tier in tiers if tier.seconds >= wanted.seconds] or [tiers[-1]]
    for tier in coarser:
        if tier.days * DAY_SECONDS + tier.seconds + STEP_SECONDS >= now - start:
            return tier
    return coarser[-1]
