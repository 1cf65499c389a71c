"""
The command that draws a plot.  Pure.

It is made of constants, numbers and a file name of our own; no name of a stream is written into a
picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from tvmon.history.definitions import definitions, variable
from tvmon.history.plots import Line, Plot
from tvmon.tiers import STEP_SECONDS, Tier

Theme = Literal["light", "dark"]

MARGIN = 72
"""Pixels beside the lines, about: what is wanted is one row for a pixel, and no more."""

LEGEND_SIZE = (400, 150)
"""A picture that is smaller has no legend: it would leave nothing of the lines."""

LABEL_SIZE = (150, 100)
"""And one that is smaller still has neither a title nor an axis with numbers."""


class Colours(NamedTuple):
    """Red, green and blue in hexadecimal digits."""

    paper: str
    ink: str
    rule: str
    main: str
    sub: str
    peak: str
    multi: tuple[str, ...]


THEMES: Mapping[Theme, Colours] = {
    "light": Colours(
        paper="fcfcfa",
        ink="1c2025",
        rule="b4b7b0",
        main="1d8a3a",
        sub="1b5dab",
        peak="f06eaf",
        multi=("1d8a3a", "1b5dab", "c2570c", "7a3e9d", "6b7280"),
    ),
    "dark": Colours(
        paper="13161a",
        ink="dde2e8",
        rule="566070",
        main="5fce82",
        sub="6aa9f4",
        peak="f28cc0",
        multi=("5fce82", "6aa9f4", "efa04f", "cf9ff0", "98a2ad"),
    ),
}


class Look(NamedTuple):
    """
    How a picture looks.

    :ivar width: and ``height`` of all of it, in pixels
    """

    theme: Theme = "light"
    width: int = 580
    height: int = 203


class Span(NamedTuple):
    """From when to when, seconds since 1970."""

    start: int
    end: int


def draw(plot: Plot, file: str | None, tier: Tier, span: Span, look: Look) -> str:
    """
    The command whose answer is the picture.

    :param file: ``None`` where nothing was written yet: then there are axes, and no lines
    """
    colours = THEMES[look.theme]
    words = ["graphv", "-", *_frame(plot, span, look, colours)]
    if file is None:
        # Something must be drawn, and it is a line of no colour.
        words += ["--lower-limit", "0", "--upper-limit", str(plot.most or 1), "HRULE:0#00000000"]
    else:
        words += [*_bounds(plot), *_lines(plot, file, tier, span, look, colours)]
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def _frame(plot: Plot, span: Span, look: Look, colours: Colours) -> Iterator[str]:
    yield from ("--start", str(span.start), "--end", str(span.end))
    yield from ("--full-size-mode", "--width", str(look.width), "--height", str(look.height))
    yield from ("--border", "0", "--disable-rrdtool-tag", "--base", str(plot.base))
    yield from ("--grid-dash", "1:0")  # dots take a sixth of all the time
    if not plot.scaled:
        yield from ("--units-exponent", "0")
    if _fits(look, LABEL_SIZE):
        yield from ("--font", "DEFAULT:7:", "--font", "TITLE:8:")
        zone = " (UTC)" if _fits(look, LEGEND_SIZE) else ""
        yield from ("--title", f"{plot.title}, {plot.unit}{zone}")
    else:
        yield from ("--x-grid", "none", "--y-grid", "none", "--font", "DEFAULT:6:")
    if not _fits(look, LEGEND_SIZE):
        yield "--no-legend"
    parts = {
        "BACK": colours.paper,
        "CANVAS": colours.paper,
        "FONT": colours.ink,
        # These lie over the lines, which are at 0 or at 100 % often; so one can see through them.
        "GRID": f"{colours.ink}18",
        "MGRID": f"{colours.ink}40",
        "AXIS": f"{colours.ink}40",
        "ARROW": colours.rule,
        "FRAME": colours.rule,
    }
    for part, colour in parts.items():
        yield from ("--color", f"{part}#{colour}")


def _bounds(plot: Plot) -> Iterator[str]:
    if plot.least is not None:
        yield from ("--lower-limit", f"{plot.least:g}")
    if plot.most is not None:
        yield from ("--upper-limit", f"{plot.most:g}", "--rigid")


def _lines(
    plot: Plot, file: str, tier: Tier, span: Span, look: Look, colours: Colours
) -> Iterator[str]:
    legend = _fits(look, LEGEND_SIZE)
    step = step_of(tier, span, look.width)
    single = tier.seconds == STEP_SECONDS
    # What is kept of single rows is their smallest and their largest value too.
    mean, archive = ("AVERAGE", "LAST") if single and step > tier.seconds else (tier.mean, None)
    extremes = mean == "AVERAGE"
    main = plot.lines[0]
    peak = not single and main.role == "main" and main.extremes
    wanted = [(line, mean) for line in plot.lines]
    if extremes and legend:
        wanted += [(line, f) for line in plot.lines if line.extremes for f in ("MIN", "MAX")]
    elif peak:
        wanted.append((main, "MAX"))
    yield from definitions(wanted, file, step, archive)
    width = max(len(line.title) for line in plot.lines)
    if peak:
        yield f"LINE1:{variable(main, 'MAX')}#{colours.peak}:{'Peak':{width}}\\l"
    for index, line in enumerate(plot.lines):
        colour = colours.multi[index] if line.role == "multi" else getattr(colours, line.role)
        yield f"LINE1:{variable(line, mean)}#{colour}:{line.title:{width}}"
        if legend:
            yield from _legend(plot, line, mean, extremes and line.extremes)


def _legend(plot: Plot, line: Line, mean: str, extremes: bool) -> Iterator[str]:
    number = "%7.2lf%s" if plot.scaled else "%8.1lf"
    of = {
        "last": (mean, "LAST"),
        "min": ("MIN" if extremes else mean, "MINIMUM"),
        "avg": (mean, "AVERAGE"),
        "max": ("MAX" if extremes else mean, "MAXIMUM"),
    }
    for word, (function, of_all) in of.items():
        name = f"{word}_{line.name}"
        end = f" {plot.unit_of(line).replace('%', '%%')}\\l" if word == "max" else ""
        yield f"VDEF:{name}={variable(line, function)},{of_all}"
        yield f"GPRINT:{name}:{word} {number}{end}"


def step_of(tier: Tier, span: Span, width: int) -> int:
    """
    How many seconds one step of a line takes, in a picture so many pixels wide.

    One row, or as many as have a pixel together: rrdtool leaves out all but one of them.
    """
    rows = (span.end - span.start) / tier.seconds
    return tier.seconds * max(1, -int(-rows // max(1, width - MARGIN)))


def _fits(look: Look, size: tuple[int, int]) -> bool:
    return look.width >= size[0] and look.height >= size[1]
