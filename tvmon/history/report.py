"""
A report: what a stream, a server or all of them have done in a period, in a few numbers.  Pure.

Times are seconds since 1970, in UTC.  What nobody knows is ``None``, and adds nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from math import fsum
from typing import Any, NamedTuple

from tvmon.tiers import Tier

HOUR_SECONDS = 3600
BYTES_OF_A_KILOBIT = 125
GIGABYTE = 10**9
DIGITS = 6
"""Numbers are told with so many behind the point."""

COLUMNS = (
    "name",
    "start",
    "end",
    "step",
    "availability",
    "known_share",
    "viewer_hours",
    "gigabytes_in",
    "gigabytes_out",
    "peak_viewers",
    "peak_time",
    "worst_hour",
    "worst_hour_seconds",
    "worst_hour_availability",
    "worst_hour_score",
)
"""Of the CSV; the JSON has the same, but for the parts of the worst hour, which are together."""
_TIMES = {"start", "end", "peak_time", "worst_hour"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""


class Row(NamedTuple):
    """
    What was written for one step.

    :ivar ends: the end of what it covers
    :ivar viewers: connected, on average
    :ivar most_viewers: the largest value inside the step, where the tier keeps it
    :ivar good_share: % of the samples
    """

    ends: int
    in_kbps: float | None = None
    out_kbps: float | None = None
    viewers: float | None = None
    most_viewers: float | None = None
    good_share: float | None = None
    score: float | None = None


class Worst(NamedTuple):
    """
    The hour with the lowest availability; where several have it, the lowest score, and the first.

    :ivar seconds: its length; where a step is longer than an hour, that of a step
    """

    start: int
    seconds: int
    availability: float
    score: float | None


class Report(NamedTuple):
    """
    The numbers of one period.

    :ivar tier: from which they were worked out
    :ivar availability: % of good samples, in the time of which anything is known
    :ivar known_share: % of the period of which the availability is known
    :ivar viewer_hours: watched, by all viewers together
    :ivar gigabytes_in: from upstream, and ``gigabytes_out`` to viewers; of 10^9 bytes
    :ivar peak_time: the beginning of the step that had the most viewers
    """

    start: float
    end: float
    tier: Tier
    availability: float | None
    known_share: float
    viewer_hours: float | None
    gigabytes_in: float | None
    gigabytes_out: float | None
    peak_viewers: float | None
    peak_time: int | None
    worst: Worst | None

    def as_dict(self) -> dict[str, Any]:
        """The answer's JSON."""
        told = {name: value for name, value in self._told() if not name.startswith("worst_hour_")}
        told["worst_hour"] = self.worst and {
            "start": self.worst.start,
            "seconds": self.worst.seconds,
            "availability": self.worst.availability,
            "score": _rounded(self.worst.score),
        }
        return told

    def cells(self, name: str) -> list[str]:
        """A line of the CSV: unknown is empty, and a time is ISO 8601."""
        return [
            _harmless(name),
            *(
                "" if value is None else _iso(value) if column in _TIMES else str(value)
                for column, value in self._told()
            ),
        ]

    def _told(self) -> Iterator[tuple[str, Any]]:
        """Every column but the name, in their order."""
        worst = self.worst or (None, None, None, None)
        values = (
            int(self.start),
            int(self.end),
            self.tier.name,
            _rounded(self.availability),
            _rounded(self.known_share),
            _rounded(self.viewer_hours),
            _rounded(self.gigabytes_in),
            _rounded(self.gigabytes_out),
            _rounded(self.peak_viewers),
            self.peak_time,
            *map(_rounded, worst),
        )
        return zip(COLUMNS[1:], values, strict=True)


class _Part(NamedTuple):
    """A row, and how many of its seconds lie in the period."""

    row: Row
    seconds: float


def report(tier: Tier, rows: Iterable[Row], start: float, end: float) -> Report:
    """
    The report of a period.

    A row that lies in it only in part counts by that part.

    :param rows: those of this tier, each step once, in any order
    """
    parts = [
        _Part(row, seconds)
        for row in sorted(rows, key=lambda row: row.ends)
        if (seconds := min(end, row.ends) - max(start, row.ends - tier.seconds)) > 0
    ]
    known = fsum(part.seconds for part in parts if part.row.good_share is not None)
    peaks = [(most, part.row.ends) for part in parts if (most := _most(part.row)) is not None]
    peak_viewers, peak_ends = max(peaks, key=lambda peak: peak[0], default=(None, None))
    return Report(
        start=start,
        end=end,
        tier=tier,
        availability=_mean(parts, lambda row: row.good_share),
        known_share=100 * known / (end - start),
        viewer_hours=_total(parts, lambda row: row.viewers, 1 / HOUR_SECONDS),
        gigabytes_in=_total(parts, lambda row: row.in_kbps, BYTES_OF_A_KILOBIT / GIGABYTE),
        gigabytes_out=_total(parts, lambda row: row.out_kbps, BYTES_OF_A_KILOBIT / GIGABYTE),
        peak_viewers=peak_viewers,
        peak_time=None if peak_ends is None else peak_ends - tier.seconds,
        worst=_worst(parts, tier),
    )


def as_csv(reports: Iterable[tuple[str, Report]]) -> str:
    """A line for each name and its report, below the names of the columns."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(told.cells(name) for name, told in reports)
    return text.getvalue()


def _total(
    parts: Sequence[_Part], value: Callable[[Row], float | None], factor: float
) -> float | None:
    """The value of each row times its seconds, added up."""
    products = [known * part.seconds for part in parts if (known := value(part.row)) is not None]
    return fsum(products) * factor if products else None


def _mean(parts: Sequence[_Part], value: Callable[[Row], float | None]) -> float | None:
    """Over the time of which it is known."""
    total = _total(parts, value, 1.0)
    if total is None:
        return None
    return total / fsum(part.seconds for part in parts if value(part.row) is not None)


def _most(row: Row) -> float | None:
    return row.viewers if row.most_viewers is None else row.most_viewers


def _worst(parts: Sequence[_Part], tier: Tier) -> Worst | None:
    # Steps that do not go into an hour are looked at one by one.
    seconds = tier.seconds if HOUR_SECONDS % tier.seconds else HOUR_SECONDS
    hours: dict[int, list[_Part]] = {}
    for part in parts:
        begins = (part.row.ends - tier.seconds) // seconds * seconds
        hours.setdefault(begins, []).append(part)
    known = [
        Worst(begins, seconds, round(availability, DIGITS), _mean(hour, lambda row: row.score))
        for begins, hour in hours.items()
        if (availability := _mean(hour, lambda row: row.good_share)) is not None
    ]
    return min(
        known,
        key=lambda hour: (hour.availability, 101.0 if hour.score is None else hour.score),
        default=None,
    )


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, DIGITS)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _harmless(name: str) -> str:
    """The name as a cell that no spreadsheet works out."""
    return f"'{name}" if name.startswith(_FORMULA) else name
