"""
A time in rrdtool's AT style, read from its words into what it is made of.  Pure, in UTC.

Nothing is worked out here but the day that a name such as ``monday`` stands for:
:mod:`.times` says which forms there are, and which moment comes of it.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from tvmon.history.at_words import (
    CLOCK_TIMES,
    MONTHS,
    MOST_DIGITS,
    NEAR_DAYS,
    REFERENCES,
    UNITS,
    WEEKDAYS,
    Word,
    Words,
)
from tvmon.tiers import DAY_SECONDS

LEAST_EPOCH_SECONDS = 315_360_000
"""Numbers above it are seconds since 1970."""

EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTHS_BELOW = 6
_MOST_YEAR = 9999
_DATE_DIGITS, _STAMP_DIGITS = 8, 12
_UNIT_SECONDS = {"hours": 3600, "minutes": 60, "seconds": 1}
_UNIT_NAMES = ("years", "months", "weeks", "days", "hours", "minutes", "seconds")
_CLOCK_FORMS = ("23:59", "11:59pm", "9am", *CLOCK_TIMES)
_DAY_FORMS = (*NEAR_DAYS, "monday", "Oct 12 2017", "10/12/2017", "12.10.2017", "20171012")
_OTHER_FORMS = {"start": "end-3weeks", "end": "start+6hours"}


class Day(NamedTuple):
    """A day of the calendar, not always one that there is: January 0 is December 31."""

    year: int
    month: int
    day: int


class Offset(NamedTuple):
    """What is added; months are no fixed number of days."""

    months: int
    days: int
    seconds: int


class AtTime(NamedTuple):
    """
    A time as it is written.

    :ivar other: the word for the argument that it is relative to, if it is; ``day`` and
        ``second`` then mean nothing
    :ivar second: of the day
    """

    words: Words
    other: Word | None
    day: Day
    second: int
    offset: Offset


def day_and_second(seconds: int) -> tuple[Day, int]:
    """The day and the second of it."""
    days, second = divmod(seconds, DAY_SECONDS)
    day = date.fromordinal(EPOCH_DAY + days)
    return Day(day.year, day.month, day.day), second


class Reader:
    """
    Reads one time from its words.

    :param now: seconds since 1970
    """

    def __init__(self, words: Words, now: float) -> None:
        self._words = words
        self._today, self._second = day_and_second(int(now))

    def read(self) -> AtTime:
        """The whole of it."""
        words = self._words
        first = words.peek()
        reference = REFERENCES.get(first.text)
        other, day, second = None, self._today, self._second
        if reference is not None:
            words.take()
            if reference == "epoch":
                day, second = day_and_second(0)
            elif reference != "now":
                other = self._other(first, reference)
            if not words.peek().text and reference != "now":
                words.wrong("an offset must follow", ("+6hours", "-3weeks"))
        elif first.text not in {"+", "-"}:
            day, second = self._day_and_time()
        return AtTime(words, other, day, second, self._offset())

    def _other(self, word: Word, reference: str) -> Word:
        if reference == self._words.argument:
            form = _OTHER_FORMS[reference]
            self._words.wrong(f"{reference} cannot refer to itself", (form,), word)
        return word

    def _day_and_time(self) -> tuple[Day, int]:
        """A day, a time of day, or both, in any order; seconds since 1970, or a stamp."""
        words = self._words
        number = words.peek()
        if number.is_number:
            if len(number.text) == _STAMP_DIGITS:
                return self._stamp(words.take())
            if int(number.text) > LEAST_EPOCH_SECONDS:
                return day_and_second(int(words.take().text))
        second = self._time_of_day()
        day = self._day()
        if day is None:
            if second is None:
                forms = ("now", "-1day", *_CLOCK_FORMS, *_DAY_FORMS)
                words.wrong("no time begins so", (*forms, _OTHER_FORMS[words.argument]))
            return self._today, second
        if second is None:
            second = self._time_of_day()
        if second is None:
            second = 0 if number.is_number else self._second
        return day, second

    def _stamp(self, word: Word) -> tuple[Day, int]:
        """``201707010000``: the older form of the graphs' addresses."""
        digits = word.text
        year, month, day, hour, minute = (
            int(digits[of : of + size]) for of, size in ((0, 4), (4, 2), (6, 2), (8, 2), (10, 2))
        )
        if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60):
            self._words.wrong(
                "twelve digits must be a year, month, day, hour and minute", ("201707010000",), word
            )
        return Day(year, month, day), hour * 3600 + minute * 60

    def _time_of_day(self) -> int | None:
        """Seconds of the day, where a time of day comes next."""
        words = self._words
        word, behind = words.peek(), words.peek(1).text
        if word.text in CLOCK_TIMES:
            words.take()
            return CLOCK_TIMES[word.text] * 3600
        if not word.is_number or len(word.text) > 2 or behind in {"/", "."} or self._is_offset():
            return None
        words.take()
        hour, minute, second = int(word.text), 0, 0
        if self._skip(":"):
            minute = self._number("minutes", 0, 59)
            if self._skip(":"):
                second = self._number("seconds", 0, 59)
        half = words.peek()
        if half.text in {"am", "pm"}:
            if hour > 12:
                words.wrong(f"hours before {half.text} are 0 to 12", (), word)
            words.take()
            hour = hour % 12 + (12 if half.text == "pm" else 0)
        elif hour > 23:
            words.wrong("hours are 0 to 23", _CLOCK_FORMS, word)
        return hour * 3600 + minute * 60 + second

    def _day(self) -> Day | None:
        """A day, where one comes next."""
        words, today = self._words, self._today
        word = words.peek()
        if word.is_number and not self._is_offset():
            return self._day_in_digits(words.take())
        if word.text in NEAR_DAYS:
            words.take()
            return today._replace(day=today.day + NEAR_DAYS[word.text])
        if word.text in WEEKDAYS:
            words.take()
            weekday = date(*today).isoweekday() % 7
            return today._replace(day=today.day + WEEKDAYS[word.text] - weekday)
        if word.text in MONTHS:
            words.take()
            day = self._number("a day of the month", 1, 31)
            has_year = words.peek().is_number and not self._is_time() and not self._is_offset()
            return Day(self._year() if has_year else today.year, MONTHS[word.text], day)
        return None

    def _day_in_digits(self, word: Word) -> Day:
        words, separator = self._words, self._words.peek().text
        if len(word.text) == _DATE_DIGITS:
            year, month, day = int(word.text[:4]), int(word.text[4:6]), int(word.text[6:])
            if not (1 <= month <= 12 and 1 <= day <= 31):
                words.wrong("eight digits must be a year, month and day", ("20171012",), word)
            return Day(year, month, day)
        if separator not in {"/", "."}:
            words.wrong("is neither a time of day nor a day", (*_CLOCK_FORMS, *_DAY_FORMS), word)
        words.take()
        behind = words.take()
        first, second = (word, behind) if separator == "/" else (behind, word)
        month, day = self._bounded(first, "a month", 1, 12), self._bounded(second, "a day", 1, 31)
        if not self._skip(separator):
            words.wrong("a year must follow", _DAY_FORMS[-3:])
        return Day(self._year(), month, day)

    def _year(self) -> int:
        word = self._words.peek()
        year = self._number("a year", 0, _MOST_YEAR)
        if year < 38:
            return 2000 + year
        if 70 <= year < 100:
            return 1900 + year
        if year < 1970:
            self._words.wrong("a year has four digits, or two from 70 to 37", (), word)
        return year

    def _offset(self) -> Offset:
        """All that is added or taken away, up to the end."""
        words = self._words
        sign, months, days, seconds = 0, 0, 0, 0
        before = ""
        while words.peek().text:
            if words.peek().text in {"+", "-"}:
                sign, before = (1 if words.take().text == "+" else -1), ""
            elif words.peek().is_number and (sign or words.peek(1).text in UNITS):
                sign = sign or 1  # a plus sign that a URL made a blank
            else:
                words.wrong("nothing but an offset may follow", ("+6hours", "-3weeks"))
            number = self._number("a number", 0, 10**MOST_DIGITS)
            unit = self._unit(number, before)
            if unit in {"years", "months"}:
                months += sign * number * (12 if unit == "years" else 1)
            elif unit in {"days", "weeks"}:
                days += sign * number * (7 if unit == "weeks" else 1)
            else:
                seconds += sign * number * _UNIT_SECONDS[unit]
            before = unit
        return Offset(months, days, seconds)

    def _unit(self, number: int, before: str) -> str:
        """The unit that a number has, told by the unit before it where it is only ``m``."""
        word = self._words.peek()
        if not word.text:
            return "seconds"
        unit = UNITS.get(word.text)
        if unit is None:
            self._words.wrong("a unit of time must follow the number", _UNIT_NAMES)
        self._words.take()
        if unit != "m":
            return unit
        if before:
            return "minutes" if before in _UNIT_SECONDS else "months"
        return "months" if number < _MONTHS_BELOW else "minutes"

    def _is_time(self) -> bool:
        """Whether the number that comes next is an hour by what follows it."""
        return self._words.peek(1).text in {":", "am", "pm"}

    def _is_offset(self) -> bool:
        """Whether a number with a unit comes next; ``9 mon`` is nine o'clock on Monday."""
        unit = self._words.peek(1).text
        return self._words.peek().is_number and unit in UNITS and unit not in WEEKDAYS

    def _skip(self, text: str) -> bool:
        if self._words.peek().text != text:
            return False
        self._words.take()
        return True

    def _number(self, what: str, least: int, most: int) -> int:
        return self._bounded(self._words.take(), what, least, most)

    def _bounded(self, word: Word, what: str, least: int, most: int) -> int:
        if not word.is_number or not least <= int(word.text) <= most:
            bounds = f", {least} to {most}" if most < _MOST_YEAR else ""
            self._words.wrong(f"{what} must stand here{bounds}", (), word)
        return int(word.text)
