"""The commands that draw."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from tests.history.reading import HARMLESS
from tvmon.history.drawing import Look, Span, draw, step_of
from tvmon.history.plots import GLOBALS, METRICS, TARGETS
from tvmon.tiers import DEFAULT_TIERS

FIVE, THIRTY, *_ = DEFAULT_TIERS
END = 1_700_000_100
HOUR = Span(END - 3600, END)

spans = st.builds(
    lambda start, steps: Span(300 * start, 300 * (start + steps)),
    st.integers(1_051_776, 13_000_000),
    st.integers(1, 600_000),
)
looks = st.builds(
    Look, st.sampled_from(["light", "dark"]), st.integers(100, 2000), st.integers(60, 1200)
)


class DrawTests(unittest.TestCase):
    """What a command is made of."""

    @given(
        st.sampled_from([*TARGETS.values(), *GLOBALS.values()]),
        st.sampled_from(DEFAULT_TIERS),
        spans,
        looks,
        st.sampled_from([None, "3f/stream-123.5b2c71.rrd"]),
    )
    def test_it_is_one_line_of_harmless_characters(self, plot, tier, span, look, file) -> None:  # type: ignore[no-untyped-def]
        command = draw(plot, file, tier, span, look)
        self.assertRegex(command, f"^{HARMLESS.pattern}$")
        self.assertTrue(command.startswith("graphv - "))
        self.assertEqual(command.count('"') % 2, 0)
        self.assertEqual("DEF:" in command, file is not None)
        for number in (*span, look.width, look.height):
            self.assertIn(f" {number} ", command)

    def test_the_peak_is_drawn_from_half_an_hour_up(self) -> None:
        for tier in DEFAULT_TIERS:
            command = draw(METRICS["traffic"], "a.rrd", tier, Span(END - 30 * 86_400, END), Look())
            self.assertEqual(":Peak" in command, tier != FIVE, tier)
            self.assertEqual(":MAX:" in command, tier != FIVE, tier)
        multi = draw(GLOBALS["tcpsocket"], "a.rrd", THIRTY, HOUR, Look())
        self.assertNotIn("Peak", multi)

    def test_rows_are_taken_one_by_one_where_they_have_room(self) -> None:
        command = draw(METRICS["score"], "a.rrd", FIVE, HOUR, Look())
        self.assertIn("DEF:score_LAST=a.rrd:score:LAST:step=300:reduce=LAST ", command)
        self.assertNotIn("AVERAGE=", command)

    def test_where_they_have_not_their_mean_smallest_and_largest_are(self) -> None:
        span = Span(END - 4 * 86_400, END)
        command = draw(METRICS["score"], "a.rrd", FIVE, span, Look())
        for function in ("AVERAGE", "MIN", "MAX"):
            part = f"DEF:score_{function}=a.rrd:score:LAST:step=900:reduce={function} "
            self.assertIn(part, command)

    @given(st.sampled_from(DEFAULT_TIERS), spans, st.integers(100, 2000))
    def test_a_step_is_whole_rows_and_fills_a_pixel(self, tier, span, width) -> None:  # type: ignore[no-untyped-def]
        step = step_of(tier, span, width)
        self.assertEqual(step % tier.seconds, 0)
        self.assertLessEqual((span.end - span.start) / step, max(1, width - 72))
        if step > tier.seconds:
            finer = step - tier.seconds
            self.assertGreater((span.end - span.start) / finer, width - 72)

    def test_the_legend_tells_last_least_mean_and_most_with_the_unit(self) -> None:
        command = draw(METRICS["traffic"], "a.rrd", THIRTY, HOUR, Look())
        for part in (
            "VDEF:last_out=line_out_AVERAGE,LAST",
            "VDEF:min_out=line_out_MIN,MINIMUM",
            "VDEF:avg_out=line_out_AVERAGE,AVERAGE",
            "VDEF:max_out=line_out_MAX,MAXIMUM",
            '"GPRINT:max_out:max %7.2lf%s bit/s\\l"',
        ):
            self.assertIn(part, command)
        percent = draw(METRICS["availability"], "a.rrd", THIRTY, HOUR, Look())
        self.assertIn('"GPRINT:max_good:max %8.1lf %%\\l"', percent)
        self.assertNotIn("GPRINT", draw(METRICS["traffic"], "a.rrd", FIVE, HOUR, Look(width=205)))
