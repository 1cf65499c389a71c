"""What a request for a graph asks for, and what it is told where it is wrong."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tvmon.api import graph_query
from tvmon.api.graph_query import EVERY_PROTOCOL
from tvmon.api.refusal import Refusal
from tvmon.history.drawing import Look, Span
from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.history.ranges import WINDOWS
from tvmon.tiers import DAY_SECONDS, DEFAULT_TIERS, Tier

NOW = 1_790_000_003.0
LAST = 1_789_999_800
FIVE, THIRTY, HOUR, SIX, DAY = DEFAULT_TIERS

texts = st.text() | st.sampled_from(["-1day", "now", "0", "; rm", "$(x)", "`x`", "a\nb", "9" * 99])


class QueryTests(unittest.TestCase):
    """Each part."""

    def refused(self, call: Callable[..., Any], *arguments: Any) -> Refusal:
        with self.assertRaises(Refusal) as caught:
            call(*arguments)
        return caught.exception

    def test_a_plot(self) -> None:
        self.assertEqual(graph_query.parse_plot("score", METRICS), METRICS["score"])
        missing = self.refused(graph_query.parse_plot, None, METRICS, "metric")
        self.assertEqual((missing.code, missing.part), (400, "metric"))
        unknown = self.refused(graph_query.parse_plot, "mem", TARGETS)
        self.assertEqual((unknown.code, unknown.part), (404, "target"))
        self.assertEqual(unknown.allowed, tuple(TARGETS))

    def test_a_protocol_that_it_has_not_is_refused_and_none_is_all(self) -> None:
        parse = graph_query.parse_protocol
        traffic, score = METRICS["traffic"], METRICS["score"]
        for asked in ({}, {"protocol": "all"}):
            self.assertIsNone(parse(asked, traffic))
            self.assertIsNone(parse(asked, score))
        self.assertEqual(parse({"protocol": "hls"}, traffic), "hls")
        for plot, protocol in (
            (score, "hls"),
            (traffic, "HLS"),
            (traffic, ""),
            (TARGETS["client_res_complete"], "rtmp"),
        ):
            refusal = self.refused(parse, {"protocol": protocol}, plot)
            self.assertEqual((refusal.code, refusal.part), (400, "protocol"))
            self.assertEqual(refusal.allowed, (EVERY_PROTOCOL, *plot.protocols))

    def test_times_and_steps(self) -> None:
        for asked, tier, span in (
            ({}, FIVE, Span(LAST - DAY_SECONDS, LAST)),
            ({"start": "-1week"}, THIRTY, Span(LAST - 7 * DAY_SECONDS, LAST)),
            ({"start": "end-1year", "end": "1700000123"}, DAY, Span(1_668_464_100, 1_700_000_100)),
            ({"step": "6h"}, SIX, Span(LAST - DAY_SECONDS, LAST)),
            # What is older than a tier keeps comes from the next one that keeps it.
            ({"start": "-100days", "step": "5m"}, THIRTY, Span(LAST - 100 * DAY_SECONDS, LAST)),
            ({"start": "-90days", "step": "5m"}, FIVE, Span(LAST - 90 * DAY_SECONDS, LAST)),
            ({"start": "-1year"}, SIX, Span(LAST - 365 * DAY_SECONDS, LAST)),
            ({"start": "1789999500", "end": "1789999501"}, FIVE, Span(LAST - 300, LAST)),
        ):
            self.assertEqual(graph_query.parse_span(asked, DEFAULT_TIERS, NOW), (tier, span), asked)

    def test_a_wrong_time_is_named_with_its_word(self) -> None:
        for asked, part, word in (
            ({"start": "noonish"}, "start", "noonish"),
            ({"end": "now; reboot"}, "end", ";"),
            ({"start": "now", "end": "-1day"}, "start", ""),
        ):
            refusal = self.refused(graph_query.parse_span, asked, DEFAULT_TIERS, NOW)
            self.assertEqual((refusal.code, refusal.part), (400, part))
            self.assertIn(word, refusal.message)

    def test_a_wrong_step_is_told_which_there_are(self) -> None:
        for step in ("", "2h", "5M", "300", "5m\n"):
            refusal = self.refused(graph_query.parse_span, {"step": step}, DEFAULT_TIERS, NOW)
            self.assertEqual((refusal.code, refusal.part), (400, "step"))
            self.assertEqual(refusal.allowed, ("5m", "30m", "1h", "6h", "1d"))

    def test_windows(self) -> None:
        for file in ("cpu_week.png", "tcpsocket_year2.png", "ston_media_server_cpu_dash.png"):
            plot, window = graph_query.parse_window(file, GLOBALS)
            self.assertEqual(file, f"{plot.name}_{window_name(window)}.png")
        for file in ("cpu_decade.png", "cpu_week", "cpu.png", "_week.gif", ""):
            refusal = self.refused(graph_query.parse_window, file, GLOBALS)
            self.assertEqual((refusal.code, refusal.part), (404, "path"))
        refusal = self.refused(graph_query.parse_window, "filecount_week.png", GLOBALS)
        self.assertEqual((refusal.code, refusal.allowed), (404, tuple(GLOBALS)))

    def test_the_times_of_windows(self) -> None:
        ends = LAST - 300  # five minutes ago
        for name, tier, days in (
            ("dash", FIVE, 0.5),
            ("day", FIVE, 2),
            ("week", THIRTY, 14),
            ("month", HOUR, 49),
            ("year", SIX, 270),
            ("year2", DAY, 540),
        ):
            read = graph_query.parse_window_span({}, WINDOWS[name], DEFAULT_TIERS, NOW)
            self.assertEqual(read, (tier, Span(ends - int(days * DAY_SECONDS), ends)), name)
        start = {"start": "202609011722"}
        _, span = graph_query.parse_window_span(start, WINDOWS["week"], DEFAULT_TIERS, NOW)
        self.assertEqual(span, Span(1_788_283_200, 1_788_283_200 + 14 * DAY_SECONDS))

    def test_looks(self) -> None:
        self.assertEqual(graph_query.parse_look({}), Look("light", 580, 203))
        self.assertEqual(graph_query.parse_look({}, 205, 175), Look("light", 205, 175))
        asked = {"theme": "dark", "width": "2000", "height": "60"}
        self.assertEqual(graph_query.parse_look(asked), Look("dark", 2000, 60))
        for part, values in (
            ("theme", ("", "Dark", "blue")),
            ("width", ("", "99", "2001", "1e3", "-100", "٣٠٠", "100.0", " 100", "0" * 99)),
            ("height", ("59", "1201")),
        ):
            for value in values:
                refusal = self.refused(graph_query.parse_look, {part: value})
                self.assertEqual((refusal.code, refusal.part), (400, part))

    def test_forms(self) -> None:
        self.assertEqual(graph_query.parse_form({}), "png")
        self.assertEqual(graph_query.parse_numbers({}), "json")
        for parse, allowed in (
            (graph_query.parse_form, ("png", "json", "csv")),
            (graph_query.parse_numbers, ("json", "csv")),
        ):
            for form in allowed:
                self.assertEqual(parse({"format": form}), form)
            self.assertEqual(self.refused(parse, {"format": "gif"}).allowed, allowed)
        self.assertTrue(graph_query.parse_switch({"each": "1"}, "each"))
        self.assertEqual(self.refused(graph_query.parse_switch, {"each": "x"}, "each").part, "each")

    def test_too_many_rows(self) -> None:
        graph_query.check_rows(FIVE, Span(0, 3000 * 300), 3000)
        refusal = self.refused(graph_query.check_rows, FIVE, Span(0, 3001 * 300), 3000)
        self.assertEqual((refusal.code, refusal.part), (400, "step"))
        self.assertIn("3001 rows", refusal.message)

    @given(
        st.dictionaries(st.sampled_from(["start", "end", "step", "theme", "width"]), texts),
        st.sampled_from([DEFAULT_TIERS, (Tier("1d", 86_400, 10),)]),
    )
    def test_whatever_is_asked_is_numbers_or_a_refusal(
        self, asked: dict[str, str], tiers: tuple[Tier, ...]
    ) -> None:
        try:
            tier, span = graph_query.parse_span(asked, tiers, NOW)
            look = graph_query.parse_look(asked)
        except Refusal as refusal:
            self.assertEqual(refusal.code, 400)
            self.assertIn(refusal.part, asked)
        else:
            self.assertIn(tier, tiers)
            self.assertIs(type(span.start), int)
            self.assertEqual((span.start % 300, span.end % 300), (0, 0))
            self.assertLess(span.start, span.end)
            self.assertIs(type(look.width), int)


def window_name(window: object) -> str:
    return next(name for name, each in WINDOWS.items() if each is window)
