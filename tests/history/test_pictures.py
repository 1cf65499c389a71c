"""Pictures that rrdtool has drawn, and their lines where the data says."""

from __future__ import annotations

from math import ceil, floor
from statistics import median

from twisted.trial.unittest import TestCase

from tests.history.png import Picture, decoded
from tests.history.reading import KnownArchive, write_history
from tests.history.tools import needs_rrdtool, started_engine
from tvmon.history.drawing import THEMES, Look, Span, Theme
from tvmon.history.plots import GLOBALS, METRICS, TARGETS, Plot
from tvmon.history.reader import Question, Reader
from tvmon.history.sources import MACHINE_SOURCES, STREAM_SOURCES
from tvmon.history.subjects import ALL, MACHINE, Subject, of_stream
from tvmon.tiers import DEFAULT_TIERS, Tier

FIVE, THIRTY, *_ = DEFAULT_TIERS
START = 1_700_006_400
"""A boundary of every tier but the day's."""

CAMERA = of_stream(7)
BARE = Look("light", 300, 120)
"""Too small for a legend, so that the axes of two pictures are in one place."""
LIGHT, DARK = THEMES["light"], THEMES["dark"]


@needs_rrdtool
class PictureTests(TestCase):
    """One stream and the machine, with numbers that are known."""

    async def setUp(self) -> None:
        self.rrd = started_engine(self)
        self.archive = KnownArchive({CAMERA: "stream-7.rrd", MACHINE: "machine.rrd"})
        self.reader = Reader(rrd=self.rrd, archive=self.archive, now=lambda: START + 90_000)

    def near(self, height: float, wanted: float) -> None:
        """A pixel more or less is nothing."""
        self.assertLessEqual(abs(height - wanted), 1.5)

    async def write(self, *levels: float | None, rows: int = 12, name: str = "score") -> Span:
        """A history that has each level for so many rows, and the time that it takes."""
        values = [{} if level is None else {name: level} for level in levels for _ in range(rows)]
        await write_history(self.rrd, self.archive.files[CAMERA], STREAM_SOURCES, START, values)
        return Span(START, START + 300 * rows * len(levels))

    async def picture(
        self,
        span: Span,
        look: Look | None = None,
        tier: Tier = FIVE,
        plot: Plot = METRICS["score"],
        subject: Subject | None = CAMERA,
    ) -> Picture:
        question = Question(plot, subject, tier, span)
        return decoded((await self.reader.picture(question, look or BARE)).body)

    async def test_a_line_is_where_the_data_says(self) -> None:
        span = await self.write(10, 90, 30, 70, 50)
        picture = await self.picture(span)
        self.assertEqual(picture.size, (300, 120))
        line = inside(picture, LIGHT.main)
        left, right = min(x for x, _ in line), max(x for x, _ in line)
        part = (right - left) / 5
        heights = []
        for index in range(5):
            # Without the corners, where the line goes up and down.
            begin, end = left + index * part + 4, left + (index + 1) * part - 4
            here = [y for x, y in line if begin < x < end]
            self.assertLessEqual(max(here) - min(here), 1, index)
            self.assertEqual({x for x, _ in line if begin < x < end}, columns(begin, end))
            heights.append(median(here))
        bottom, top, *others = heights
        for level, height in zip((30, 70, 50), others, strict=True):
            wanted = bottom + (top - bottom) * (level - 10) / 80
            self.near(height, wanted)

    async def test_a_line_on_the_axis_or_the_grid_is_seen(self) -> None:
        for level in (0, 100):
            span = await self.write(level, None)
            seen = {x for x, _ in inside(await self.picture(span), LIGHT.main)}
            self.assertGreater(len(seen), 80, level)
            self.assertEqual(seen, set(range(min(seen), max(seen) + 1)))
            self.archive.files[CAMERA] = "stream-8.rrd"

    async def test_a_gap_is_a_gap(self) -> None:
        span = await self.write(50, None, 50)
        line = inside(await self.picture(span), LIGHT.main)
        left, right = min(x for x, _ in line), max(x for x, _ in line)
        third = (right - left) / 3
        gap = columns(left + third + 2, right - third - 2)
        self.assertEqual({x for x, _ in line} & gap, set())
        self.assertGreater(len({x for x, _ in line}), 1.9 * third)

    async def test_a_hole_of_one_row_is_seen_too(self) -> None:
        await self.write(*[50] * 20, None, *[50] * 20, rows=1)
        line = inside(await self.picture(Span(START, START + 41 * 300)), LIGHT.main)
        columns_seen = {x for x, _ in line}
        left, right = min(columns_seen), max(columns_seen)
        width = (right - left) / 41
        self.assertGreater(len(columns(left, right) - columns_seen), width - 3)

    async def test_the_peak_is_there_from_half_an_hour_up(self) -> None:
        # 20 and 80 in turn: each half hour has a mean of 50 and a peak of 80.
        span = await self.write(*[20, 80] * 60, rows=1)
        fine = await self.picture(span)
        self.assertFalse(fine.has(LIGHT.peak))
        coarse = await self.picture(span, tier=THIRTY)
        mean = median(y for _, y in inside(coarse, LIGHT.main))
        peak = median(y for _, y in inside(coarse, LIGHT.peak))
        heights = [y for _, y in inside(fine, LIGHT.main)]
        self.near(peak, min(heights))
        self.near(mean, (min(heights) + max(heights)) / 2)

    async def test_main_is_green_and_sub_is_blue(self) -> None:
        rows = [{"out_kbps": 4000, "in_kbps": 1000}] * 24
        await write_history(self.rrd, "stream-7.rrd", STREAM_SOURCES, START, rows)
        span = Span(START, START + 24 * 300)
        for theme, colours in THEMES.items():
            picture = await self.picture(span, Look(theme, 300, 120), plot=METRICS["traffic"])
            out, into = inside(picture, colours.main), inside(picture, colours.sub)
            self.assertLess(median(y for _, y in out), median(y for _, y in into))
            self.assertEqual(picture.rows[0][0], tuple(bytes.fromhex(colours.paper)))

    async def test_a_large_one_has_a_legend_and_the_peak_in_it(self) -> None:
        span = await self.write(50)
        picture = await self.picture(span, Look(), THIRTY)
        self.assertEqual(picture.size, (580, 203))
        for colour in (LIGHT.main, LIGHT.peak):
            self.assertTrue([y for _, y in picture.places(colour) if y > 140], colour)

    async def test_every_size_theme_and_plot(self) -> None:
        machine = [{source.name: 7 for source in MACHINE_SOURCES}] * 12
        stream = [{source.name: 7 for source in STREAM_SOURCES}] * 12
        await write_history(self.rrd, "machine.rrd", MACHINE_SOURCES, START, machine)
        await write_history(self.rrd, "stream-7.rrd", STREAM_SOURCES, START, stream)
        span = Span(START, START + 3600)
        sizes: list[tuple[int, int]] = [(100, 60), (205, 175), (580, 203), (2000, 60), (100, 1200)]
        for index, plot in enumerate((*TARGETS.values(), *GLOBALS.values())):
            theme: Theme = "dark" if index % 2 else "light"
            size = sizes[index % len(sizes)]
            subject = plot.of if plot.of == MACHINE else CAMERA
            for tier in (FIVE, THIRTY):
                question = Question(plot, subject, tier, span)
                answer = await self.reader.picture(question, Look(theme, *size))
                self.assertEqual(answer.body[16:24], b"".join(n.to_bytes(4) for n in size))
        small = await self.picture(span, Look("dark", 205, 175))
        self.assertGreater(len(inside(small, DARK.main)), 100)

    async def test_where_nothing_was_written_there_are_axes_and_no_lines(self) -> None:
        span = Span(START, START + 86_400)
        for subject in (None, ALL, of_stream(8)):
            for size in ((300, 120), (100, 60)):
                picture = await self.picture(span, Look("light", *size), subject=subject)
                self.assertEqual(picture.size, size)
                for colour in (LIGHT.main, LIGHT.sub, LIGHT.peak):
                    self.assertFalse(picture.has(colour))
                self.assertTrue(picture.has(LIGHT.rule))

    async def test_where_nothing_is_known_there_are_no_lines_either(self) -> None:
        await self.write(50, rows=12)
        picture = await self.picture(Span(START + 36_000, START + 72_000), tier=THIRTY)
        self.assertEqual(inside(picture, LIGHT.main), [])


def inside(picture: Picture, colour: str, legend: int = 0) -> list[tuple[int, int]]:
    """The places of a line, without those of the legend below."""
    return [(x, y) for x, y in picture.places(colour) if y < picture.size[1] - legend]


def columns(left: float, right: float) -> set[int]:
    return set(range(floor(left) + 1, ceil(right)))
