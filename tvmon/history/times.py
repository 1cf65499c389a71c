"""
Times in rrdtool's AT style: ``now``, ``noon yesterday -3hours``, ``end-3weeks``.  Pure, in UTC.

The grammar is that of "AT-STYLE TIME SPECIFICATION" in rrdfetch(1), as rrdtool reads it:

- ``Oct 12``, ``yesterday`` and ``monday`` keep the time of day that it is now; a date in digits
  begins at midnight.  A weekday is that of this week, which begins on Sunday.
- A day or a month that is too short runs over into the next: ``May 31 -1month`` is May 1.
- A year of two digits is 1970 to 2037.
- ``m`` is months behind days, weeks, months and years, and minutes behind hours, minutes and
  seconds; right behind a sign it is months below 6 and minutes from 6 up.
- A number above 315,360,000 is seconds since 1970.

It differs from rrdtool

- in being all in UTC, where rrdtool takes local time;
- in taking more: ``yesterday`` and ``monday`` alone, a time of day with seconds, a time of day
  behind every kind of day (``yesterday noon``, ``Oct 12 12:00``), or before a month and a day
  (``12:00 Oct 12``, in the year 30000 to rrdtool), an offset behind a date without a time of day
  (``19970703-1day``), ``epoch`` as 1970, twelve digits as ``yyyymmddHHMM``, and
  ``start 6hours`` for ``start+6hours``, as a plus sign in a URL is a blank;
- in refusing what rrdtool reads as something else: a date in digits without a year, a day of the
  month above 31, a year of three digits, a time of day beside seconds since 1970, unknown units,
  a number without a unit that is not the last, and what lies outside 1980 to 2100.
"""

from __future__ import annotations

from datetime import date

from tvmon.history.at_time import EPOCH_DAY, AtTime, Reader, day_and_second
from tvmon.history.at_words import BadTime, Words
from tvmon.history.ranges import floored
from tvmon.tiers import DAY_SECONDS

__all__ = ["BadTime", "parse_range", "parse_times"]

EARLIEST = 315_532_800
LATEST = 4_102_444_800
"""From 1980 to 2100, in UTC: rrdtool has no times before, and nobody needs those behind."""


def parse_range(start: str | None, end: str | None, now: float) -> tuple[float, float]:
    """
    A period, seconds since 1970.

    :param start: else a day before ``end``
    :param end: else the last boundary of five minutes
    :raises BadTime: one of them is no time, or the start is not before the end
    """
    begins, ends = parse_times(start, end, now)
    if ends is None:
        ends = floored(now)
    if begins is None:
        begins = max(EARLIEST, ends - DAY_SECONDS)
    _check_order(start, end, begins, ends)
    return begins, ends


def parse_times(
    start: str | None, end: str | None, now: float
) -> tuple[float | None, float | None]:
    """Those of the two that are given, read as :func:`parse_range` does."""
    first = None if start is None else Reader(Words("start", start), now).read()
    last = None if end is None else Reader(Words("end", end), now).read()
    if first is not None and last is not None and first.other and last.other:
        last.words.wrong("only one of start and end may refer to the other", (), last.other)
    begins = ends = None
    if last is not None and last.other is None:
        ends = _seconds(last, None)
    if first is not None:
        begins = _seconds(first, floored(now) if ends is None else ends)
    if last is not None and last.other is not None:
        if begins is None:
            last.words.wrong("no start is given that it could refer to", (), last.other)
        ends = _seconds(last, begins)
        if ends <= begins:
            last.words.wrong_whole("must lie behind the start")
    if begins is not None and ends is not None:
        _check_order(start, end, begins, ends)
    return begins, ends


def _check_order(start: str | None, end: str | None, begins: float, ends: float) -> None:
    if begins < ends:
        return
    if start is None:
        raise BadTime("end", end or "", 0, "must leave time before it")
    raise BadTime("start", start, 0, "must be before the end of the period")


def _seconds(time: AtTime, other: float | None) -> float:
    """Seconds since 1970, days and months carried over; ``other`` is what it may refer to."""
    day, second = time.day, time.second
    if time.other is not None and other is not None:
        day, second = day_and_second(int(other))
    offset = time.offset
    year, months = divmod(day.year * 12 + day.month - 1 + offset.months, 12)
    moment = -1
    if date.min.year <= year <= date.max.year:
        days = date(year, months + 1, 1).toordinal() - EPOCH_DAY + day.day - 1 + offset.days
        moment = days * DAY_SECONDS + second + offset.seconds
    if not EARLIEST <= moment <= LATEST:
        time.words.wrong_whole("must lie between the years 1980 and 2100")
    return float(moment)
