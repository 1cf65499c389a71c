"""Times in AT style: every documented form, what is refused and how, and any text at all."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tvmon.history.at_words import MOST_CHARACTERS, UNITS
from tvmon.history.times import EARLIEST, LATEST, BadTime, parse_range, parse_times

FORM = "%Y-%m-%d %H:%M:%S"
NOW = datetime(2017, 7, 12, 17, 22, 33, tzinfo=UTC).timestamp()  # a Wednesday
END = "20991231"


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(FORM)


def start_of(text: str) -> str:
    return at(parse_range(text, END, NOW)[0])


class FormTests(SynchronousTestCase):
    """What each form means."""

    def check(self, *forms: tuple[str, str]) -> None:
        for text, meant in forms:
            with self.subTest(text):
                self.assertEqual(start_of(text), meant)

    def test_the_documented_ones(self) -> None:
        self.check(
            ("Oct 12", "2017-10-12 17:22:33"),
            ("-1month", "2017-06-12 17:22:33"),
            ("-1m", "2017-06-12 17:22:33"),
            ("noon yesterday -3hours", "2017-07-11 09:00:00"),
            ("9am-1day", "2017-07-11 09:00:00"),
            ("23:59 31.12.1999", "1999-12-31 23:59:00"),
            ("12/31/99 11:59pm", "1999-12-31 23:59:00"),
            ("12am 01/01/01", "2001-01-01 00:00:00"),
            ("931200300", "1999-07-05 18:45:00"),
            ("19970703 12:45", "1997-07-03 12:45:00"),
        )

    def test_m_is_months_or_minutes(self) -> None:
        self.check(
            ("-5m", "2017-02-12 17:22:33"),
            ("-6m", "2017-07-12 17:16:33"),
            ("-1y6m", "2016-01-12 17:22:33"),
            ("+3w1m", "2017-09-02 17:22:33"),
            ("-3h20m", "2017-07-12 14:02:33"),
            ("-3h2m", "2017-07-12 14:20:33"),
            ("-3h-2m", "2017-05-12 14:22:33"),
            ("+5s2m", "2017-07-12 17:24:38"),
            ("-1mon2m", "2017-04-12 17:22:33"),
        )

    def test_the_older_stamp(self) -> None:
        self.check(("201707010000", "2017-07-01 00:00:00"), ("201612312359", "2016-12-31 23:59:00"))

    def test_a_number_above_ten_years_is_seconds(self) -> None:
        self.check(
            ("315532800", "1980-01-01 00:00:00"), ("epoch+931200300s", "1999-07-05 18:45:00")
        )
        with self.assertRaises(BadTime):
            parse_range("315360000", None, NOW)

    def test_words_for_times_and_days(self) -> None:
        self.check(
            ("now", "2017-07-12 17:22:33"),
            ("n-1h", "2017-07-12 16:22:33"),
            ("midnight", "2017-07-12 00:00:00"),
            ("teatime tomorrow", "2017-07-13 16:00:00"),
            ("today", "2017-07-12 17:22:33"),
            ("yesterday noon", "2017-07-11 12:00:00"),
            ("sunday", "2017-07-09 17:22:33"),
            ("midnight sat", "2017-07-15 00:00:00"),
            ("monday 9:30", "2017-07-10 09:30:00"),
            ("9 mon", "2017-07-10 09:00:00"),
            ("MIDNIGHT_Thu,-1HOUR", "2017-07-12 23:00:00"),
        )

    def test_times_of_day(self) -> None:
        self.check(
            ("3", "2017-07-12 03:00:00"),
            ("12pm", "2017-07-12 12:00:00"),
            ("0am", "2017-07-12 00:00:00"),
            ("11:05:09 pm yesterday", "2017-07-11 23:05:09"),
            ("Oct 12 9am", "2017-10-12 09:00:00"),
            ("Oct 12 2016 9:01", "2016-10-12 09:01:00"),
        )

    def test_dates(self) -> None:
        self.check(
            ("12/31/99", "1999-12-31 00:00:00"),
            ("1.2.37", "2037-02-01 00:00:00"),
            ("20160229-1day", "2016-02-28 00:00:00"),
            ("midnight feb 30 2016", "2016-03-01 00:00:00"),
            ("midnight May 31 2016 -1month", "2016-05-01 00:00:00"),
            ("midnight Jan 31 2016 +13months", "2017-03-03 00:00:00"),
        )

    def test_offsets_add_up(self) -> None:
        self.check(
            ("-1day+2h", "2017-07-11 19:22:33"),
            ("-1d2h", "2017-07-11 15:22:33"),
            ("-5h45min", "2017-07-12 11:37:33"),
            ("-7h+1h30m-15min", "2017-07-12 11:37:33"),
            ("-86400", "2017-07-11 17:22:33"),
            ("- 2 weeks", "2017-06-28 17:22:33"),
        )

    def test_every_unit_has_its_short_forms(self) -> None:
        for word, unit in UNITS.items():
            with self.subTest(word):
                self.assertEqual(
                    start_of(f"noon -7{word}"), start_of(f"noon -7{'min' if unit == 'm' else unit}")
                )


class RangeTests(SynchronousTestCase):
    """The two together."""

    def check(self, start: str | None, end: str | None, begins: str, ends: str) -> None:
        first, last = parse_range(start, end, NOW)
        self.assertEqual((at(first), at(last)), (begins, ends))

    def test_nothing_is_the_last_day_up_to_the_last_five_minutes(self) -> None:
        self.check(None, None, "2017-07-11 17:20:00", "2017-07-12 17:20:00")

    def test_a_start_alone_and_an_end_alone(self) -> None:
        self.check("-1h", None, "2017-07-12 16:22:33", "2017-07-12 17:20:00")
        self.check(None, "noon", "2017-07-11 12:00:00", "2017-07-12 12:00:00")

    def test_a_start_before_the_end(self) -> None:
        for start in ("end-3weeks", "e-3w", "E - 21 days"):
            self.check(start, "noon", "2017-06-21 12:00:00", "2017-07-12 12:00:00")
        self.check("e-1m", "noon 3/31/17 +1h", "2017-03-03 13:00:00", "2017-03-31 13:00:00")
        self.check("e-3w", None, "2017-06-21 17:20:00", "2017-07-12 17:20:00")

    def test_an_end_behind_the_start(self) -> None:
        for end in ("start+6hours", "s+6h", "start 6hours", "s 6h"):
            self.check("20170701", end, "2017-07-01 00:00:00", "2017-07-01 06:00:00")

    def test_a_plus_sign_that_a_url_made_a_blank(self) -> None:
        self.check("now -1d", "now 3h", "2017-07-11 17:22:33", "2017-07-12 20:22:33")
        self.check("Oct 12 2016", "Oct 12 6h", "2016-10-12 17:22:33", "2017-10-12 23:22:33")

    def test_what_is_not_given_stays_so(self) -> None:
        self.assertEqual(parse_times(None, None, NOW), (None, None))
        self.assertEqual(parse_times("noon", None, NOW)[1], None)
        self.assertEqual(parse_times(None, "noon", NOW)[0], None)


class RefusalTests(SynchronousTestCase):
    """A wrong time says which word is wrong."""

    def refused(self, start: str | None, end: str | None) -> BadTime:
        with self.assertRaises(BadTime) as caught:
            parse_range(start, end, NOW)
        return caught.exception

    def test_the_word_its_place_and_what_is_allowed(self) -> None:
        for text, word, position, allowed in (
            ("noon yesterdy", "yesterdy", 5, "+6hours"),
            ("-3fortnights", "fortnights", 2, "weeks"),
            ("-", "", 1, None),
            ("-1day foo", "foo", 6, "+6hours"),
            ("gestern", "gestern", 0, "noon"),
            ("", "", 0, "noon"),
            ("25:00", "25", 0, "9am"),
            ("12:60", "60", 3, None),
            ("13pm", "13", 0, None),
            ("13/1/2017", "13", 0, None),
            ("1.13.2017", "13", 2, None),
            ("5.10", "", 4, "20171012"),
            ("Oct 32", "32", 4, None),
            ("Oct", "", 3, None),
            ("20171301", "20171301", 0, "20171012"),
            ("201713010000", "201713010000", 0, "201707010000"),
            ("noon 1/1/50", "50", 9, None),
            ("-5 6h", "6", 3, "seconds"),
            ("START-1h", "START", 0, "end-3weeks"),
            ("end", "", 3, "+6hours"),
            ("epoch", "", 5, "+6hours"),
            ("1/1/1979", "1/1/1979", 0, None),
            ("+9000years", "+9000years", 0, None),
            ("now -1234567890123d", "1234567890123", 5, None),
        ):
            with self.subTest(text):
                wrong = self.refused(text, None)
                self.assertEqual((wrong.argument, wrong.word), ("start", word))
                self.assertEqual(wrong.position, position)
                if allowed:
                    self.assertIn(allowed, wrong.allowed)
        self.assertEqual(
            str(self.refused(None, "noon tomorow")),
            'end, "tomorow" at character 6: nothing but an offset may follow',
        )

    def test_what_could_be_a_command(self) -> None:
        for character in ";|$()\n\r\0`'\"<>\\{}&*~\x7f\N{ARABIC-INDIC DIGIT FIVE}":
            wrong = self.refused(f"-1day{character}rm", None)
            self.assertEqual(wrong.position, 5)
            self.assertTrue(str(wrong).isprintable())

    def test_what_is_long(self) -> None:
        for text in ("a" * 10_000, "9" * 10_000, "-1d" * 5000, " " * 10_000, "\0" * 10_000):
            wrong = self.refused(None, text)
            self.assertEqual((wrong.argument, wrong.position), ("end", 0))
            self.assertLess(len(str(wrong)), 2 * MOST_CHARACTERS)

    def test_only_one_may_refer_to_the_other(self) -> None:
        wrong = self.refused("end-1h", "start+1h")
        self.assertEqual((wrong.argument, wrong.word), ("end", "start"))
        self.assertEqual(self.refused(None, "s+1h").word, "s")
        self.assertEqual(self.refused("noon", "end+1h").word, "end")

    def test_the_start_is_before_the_end(self) -> None:
        for start, end in (("noon", "noon"), ("now", "-1h"), ("tomorrow", None), ("e+1h", None)):
            self.assertEqual(self.refused(start, end).argument, "start")
        self.assertEqual(self.refused("noon", "s-1h").argument, "end")
        self.assertEqual(self.refused(None, str(EARLIEST)).argument, "end")


WORDS = ("now", "noon", "s", "end", "oct", "mon", "m", "h", "am", "pm", "day", "epoch")
NUMBERS = ("5", "12", "31", "99", "2017", "20170701", "931200300", "999999999999")
PIECES = st.sampled_from((*WORDS, *NUMBERS, *"-+:/._"))
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=12).map("".join)


class AnyTextTests(SynchronousTestCase):
    """Whatever is written, a period or a BadTime comes of it."""

    @given(st.none() | TEXTS, st.none() | TEXTS, st.floats(1e9, 4e9))
    @example("mon", "99999999999", 4e9)
    @example("99999999999-999999999999s", None, 4e9)
    @example("now+999999999999y", "s-999999999999m", 4e9)
    def test_any(self, start: str | None, end: str | None, now: float) -> None:
        try:
            begins, ends = parse_range(start, end, now)
        except BadTime as wrong:
            text = start if wrong.argument == "start" else end
            assert text is not None
            self.assertLessEqual(wrong.position, len(text))
            self.assertTrue(str(wrong))
        else:
            self.assertTrue(EARLIEST <= begins < ends <= LATEST)
