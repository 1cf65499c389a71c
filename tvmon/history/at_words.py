"""
The words of a time in rrdtool's AT style, and what is said of a wrong one.  Pure.

    noon yesterday -3hours   ->   noon | yesterday | - | 3 | hours
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, NoReturn

from tvmon.words import cleaned

Argument = Literal["start", "end"]

MOST_CHARACTERS = 100
"""No time is longer; what is longer is not looked at."""
MOST_DIGITS = 12
SAID_CHARACTERS = 40
"""How much of a wrong word is told."""

_WORD = re.compile(r"[0-9]+|[A-Za-z]+|[-+:./]", re.ASCII)
_BLANKS = " \t_,"

UNITS: dict[str, str] = {
    word: unit
    for unit, words in {
        "seconds": "seconds second sec s",
        "minutes": "minutes minute min",
        "hours": "hours hour hr h",
        "days": "days day d",
        "weeks": "weeks week wk w",
        "months": "months month mon",
        "years": "years year yr y",
        "m": "m",  # months or minutes, by what stands before it
    }.items()
    for word in words.split()
}
CLOCK_TIMES = {"midnight": 0, "noon": 12, "teatime": 16}
"""The hours of the words for a time of day."""
NEAR_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_WEEKDAY_NAMES = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = {
    name: number for number, month in enumerate(_MONTH_NAMES, 1) for name in (month, month[:3])
}
WEEKDAYS = {
    name: number for number, weekday in enumerate(_WEEKDAY_NAMES) for name in (weekday, weekday[:3])
}
REFERENCES = {
    "now": "now",
    "n": "now",
    "start": "start",
    "s": "start",
    "end": "end",
    "e": "end",
    "epoch": "epoch",
}
"""What an offset may refer to."""


class BadTime(ValueError):  # noqa: N818 - it reads as what it is
    """
    A time that is none; its text is a sentence that names the wrong word and its place.

    :ivar argument: ``start`` or ``end``
    :ivar word: the wrong one, shortened; empty where the text ends too early
    :ivar position: where it begins in the text, from 0
    :ivar allowed: what could stand there
    """

    def __init__(
        self, argument: Argument, word: str, position: int, says: str, allowed: Sequence[str] = ()
    ) -> None:
        self.argument: Argument = argument
        self.word = cleaned(word, SAID_CHARACTERS)
        self.position = position
        self.allowed = tuple(allowed)
        place = f'"{self.word}" at character {position + 1}' if word else "at its end"
        super().__init__(f"{argument}, {place}: {says}")


class Word(NamedTuple):
    """
    One word: digits, letters in lower case, or one of ``+ - : . /``.

    :ivar position: where it begins in the text, from 0
    """

    text: str
    position: int

    @property
    def is_number(self) -> bool:
        """Whether it is made of digits."""
        return self.text.isdigit()


class Words:
    """
    A text word by word; behind its end stand empty words.

    :raises BadTime: the text holds a character that no time has, or is too long
    """

    def __init__(self, argument: Argument, text: str) -> None:
        self.argument: Argument = argument
        self.text = text
        self._next = 0
        if len(text) > MOST_CHARACTERS:
            raise BadTime(argument, text, 0, f"must have at most {MOST_CHARACTERS} characters")
        self._words = self._scanned()

    def peek(self, further: int = 0) -> Word:
        """The next word, or one behind it; it stays where it is."""
        place = self._next + further
        return self._words[place] if place < len(self._words) else Word("", len(self.text))

    def take(self) -> Word:
        """The next word, which is then behind us."""
        word = self.peek()
        self._next += 1
        return word

    def wrong(self, says: str, allowed: Sequence[str] = (), word: Word | None = None) -> NoReturn:
        """Refuse this word, or the next one."""
        blamed = word or self.peek()
        written = self.text[blamed.position :][: len(blamed.text)]
        raise BadTime(self.argument, written, blamed.position, says, allowed)

    def wrong_whole(self, says: str) -> NoReturn:
        """Refuse the text, whose words are well by themselves."""
        raise BadTime(self.argument, self.text, 0, says)

    def _scanned(self) -> list[Word]:
        words, position = [], 0
        while position < len(self.text):
            if self.text[position] in _BLANKS:
                position += 1
                continue
            match = _WORD.match(self.text, position)
            if match is None:
                self.wrong(
                    "no time has such a character",
                    ("letters", "digits", "+ - : . /", "blanks"),
                    Word(self.text[position], position),
                )
            word = Word(match[0].lower(), position)
            if word.is_number and len(word.text) > MOST_DIGITS:
                self.wrong(f"a number has at most {MOST_DIGITS} digits", (), word)
            words.append(word)
            position = match.end()
        return words
