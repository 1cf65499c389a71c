"""Times in AT style mean what they mean to rrdtool."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
import unittest

from twisted.trial.unittest import SynchronousTestCase

from tvmon.history.at_words import CLOCK_TIMES, MONTHS, NEAR_DAYS, UNITS, WEEKDAYS
from tvmon.history.times import LATEST, BadTime, parse_range

FAR = "4102444799"
DOCUMENTED = (
    ("Oct 12", FAR),
    ("-1month", "now"),
    ("-1m", "now"),
    ("-5m", FAR),
    ("-6m", FAR),
    ("noon yesterday -3hours", FAR),
    ("9am-1day", FAR),
    ("23:59 31.12.1999", FAR),
    ("12/31/99 11:59pm", FAR),
    ("12am 01/01/01", FAR),
    ("end-3weeks", "now"),
    ("e-3w", "noon yesterday"),
    ("-1d", "start+6hours"),
    ("-1d", "s+6h"),
    ("931200300", FAR),
    ("19970703 12:45", FAR),
    ("19970703", FAR),
    ("now", FAR),
    ("midnight", FAR),
    ("teatime tomorrow", FAR),
    ("-1day+2h", FAR),
    ("-1y6m", FAR),
    ("-3h5m", FAR),
    ("-86400", FAR),
)
NO_PERIOD = re.compile(r"should be (less than end|after 1980)")
ANSWER = re.compile(
    rb"graph_start = (?P<start>[0-9]+)\ngraph_end = (?P<end>[0-9]+)\n|ERROR: (?P<error>[^\n]*)\n"
)


def ask(pairs: list[tuple[str, str]]) -> list[tuple[int, int] | str]:
    """What rrdtool makes of each start and end: seconds, or its words of why not."""
    asked = "".join(
        f'graphv - --width 10 --height 10 --only-graph --start "{start}" --end "{end}" LINE1:1\n'
        for start, end in pairs
    )
    done = subprocess.run(
        ["rrdtool", "-"],
        input=asked.encode(),
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "TZ": "UTC"},
    )
    return [
        match["error"].decode() if match["error"] else (int(match["start"]), int(match["end"]))
        for match in ANSWER.finditer(done.stdout)
    ]


class Writer:
    """Writes times that rrdtool can read, of every form that it has."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pair(self) -> tuple[str, str]:
        kind = self.random.randrange(4)
        if kind == 0:
            return self.styled(f"{self.one('end', 'e')}{self.offset()}"), self.time()
        if kind == 1:
            return self.time(), self.styled(f"{self.one('start', 's')}{self.offset()}")
        return self.time(), FAR

    def time(self) -> str:
        form = self.random.randrange(8)
        text = (
            self.one("now", "n", ""),
            self.clock(),
            f"{self.clock()} {self.named_day()}",
            f"{self.clock()} {self.date()}",
            # Behind a time of day in digits it would be the year 30000 to rrdtool.
            f"{self.one(*CLOCK_TIMES)} {self.one(*MONTHS)} {self.number(1, 31)}",
            f"{self.date()} {self.hour()}",
            f"{self.one(*MONTHS)} {self.number(1, 31)} {self.number(1985, 2037)} {self.hour()}",
            str(self.number(315_532_801, 2_000_000_000)),
        )[form]
        if not text or self.random.random() < 0.6:
            text += self.offset()
        elif self.random.random() < 0.2:
            # Behind these rrdtool takes no offset, or no time of day.
            text = self.one(self.date(), f"{self.one(*MONTHS)} {self.number(1, 31)}")
        return self.styled(text)

    def clock(self) -> str:
        return self.one(self.hour(), *CLOCK_TIMES)

    def hour(self) -> str:
        hour, minute = self.number(0, 23), self.number(0, 59)
        return self.one(
            f"{hour}:{minute:02}",
            str(hour),
            f"{hour % 13}{self.one('am', 'pm')}",
            f"{hour % 13:02}:{minute:02} {self.one('am', 'pm')}",
        )

    def named_day(self) -> str:
        month_day = f"{self.one(*MONTHS)} {self.number(1, 31)}"
        return self.one(
            self.one(*NEAR_DAYS),
            self.one(*WEEKDAYS),
            f"{month_day} {self.number(1985, 2037)}",
            f"{month_day}, {self.one('87', '99', '00', '07', '37')}",
        )

    def date(self) -> str:
        year, month, day = self.number(1985, 2037), self.number(1, 12), self.number(1, 31)
        return self.one(
            f"{month}/{day}/{year}",
            f"{month:02}/{day:02}/{year % 100:02}",
            f"{day}.{month}.{year}",
            f"{day:02}.{month:02}.{year % 100:02}",
            f"{year}{month:02}{day:02}",
        )

    def offset(self) -> str:
        text = ""
        for _ in range(self.number(1, 3)):
            text += self.one("+", "-", "-", " - ")
            for _ in range(self.number(1, 2)):
                text += f"{self.number(0, 40)}{self.one('', ' ')}{self.one(*UNITS)}"
        return text + self.one("", "", "", f"-{self.number(0, 100_000)}")

    def styled(self, text: str) -> str:
        text = text.replace(" ", self.one(" ", " ", "_", ", "))
        return self.one(text, text.upper(), text.title())

    def one(self, *choices: str) -> str:
        return self.random.choice(choices)

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)


@unittest.skipUnless(shutil.which("rrdtool"), "rrdtool is not installed")
class RrdtoolTests(SynchronousTestCase):
    """Asked at the same time, rrdtool answers the same."""

    def same(self, pairs: list[tuple[str, str]]) -> int:
        """Compare; how many of them are periods to rrdtool."""
        began = int(time.time())
        answers = ask(pairs)
        moments = range(began, int(time.time()) + 1)
        self.assertEqual(len(answers), len(pairs))
        periods = 0
        for pair, answer in zip(pairs, answers, strict=True):
            with self.subTest(pair):
                if isinstance(answer, str) or answer[0] == answer[1] or answer[1] > LATEST:
                    if isinstance(answer, str):
                        self.assertRegex(answer, NO_PERIOD)
                    for now in moments:
                        self.assertRaises(BadTime, parse_range, *pair, now)
                    continue
                periods += 1
                ours = [parse_range(*pair, now) for now in moments]
                self.assertIn(answer[0], [start for start, _ in ours])
                self.assertIn(answer[1], [end for _, end in ours])
        return periods

    def test_the_documented_forms(self) -> None:
        self.assertEqual(self.same([*DOCUMENTED]), len(DOCUMENTED))

    def test_what_its_grammar_makes(self) -> None:
        writer = Writer(20170712)
        self.assertGreater(self.same([writer.pair() for _ in range(1200)]), 700)
