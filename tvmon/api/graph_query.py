"""What a request for a graph asks for, read from its arguments: pure, and strict."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from tvmon.api.refusal import Refusal
from tvmon.history.drawing import THEMES, Look, Span
from tvmon.history.plots import Plot
from tvmon.history.ranges import WINDOWS, UnknownStep, Window, floored, tier_for
from tvmon.history.subjects import PROTOCOLS, Protocol
from tvmon.history.times import BadTime, parse_range, parse_times
from tvmon.tiers import STEP_SECONDS, Tier

T = TypeVar("T")
Numbers = Literal["json", "csv"]
Form = Literal["png"] | Numbers

FORMS: tuple[Form, ...] = ("png", "json", "csv")
NUMBERS: tuple[Numbers, ...] = ("json", "csv")
WIDTHS = (100, 2000)
HEIGHTS = (60, 1200)
"""Pixels of the whole picture, at least and at most."""

EVERY_PROTOCOL = "all"
LOOKS = ("theme", "width", "height", "format")
TIMES = ("start", "end")


def parse_plot(name: str | None, plots: Mapping[str, Plot], part: str = "target") -> Plot:
    """One of the plots; 404 names them."""
    if name is None:
        raise Refusal(f"{part} must be given", part=part, allowed=[*plots])
    plot = plots.get(name)
    if plot is None:
        raise Refusal(f"there is no such {part}", code=404, part=part, allowed=[*plots])
    return plot


def parse_window(file: str, plots: Mapping[str, Plot]) -> tuple[Plot, Window]:
    """What ``cpu_week.png`` shows."""
    name, _, ending = file.removesuffix(".png").rpartition("_")
    if not file.endswith(".png") or ending not in WINDOWS:
        raise Refusal(
            "an address of a graph ends in _ and one of these",
            code=404,
            part="path",
            allowed=[f"{each}.png" for each in WINDOWS],
        )
    return parse_plot(name, plots), WINDOWS[ending]


def parse_protocol(arguments: Mapping[str, str], plot: Plot) -> Protocol | None:
    """By which protocol; ``None`` is by all of them together."""
    text = arguments.get("protocol", EVERY_PROTOCOL)
    for protocol in PROTOCOLS:
        if text == protocol and protocol in plot.protocols:
            return protocol
    if text == EVERY_PROTOCOL:
        return None
    what = "cannot be told by this protocol" if plot.protocols else "cannot be told by protocols"
    raise Refusal(f"{plot.name} {what}", part="protocol", allowed=(EVERY_PROTOCOL, *plot.protocols))


def parse_span(
    arguments: Mapping[str, str], tiers: Sequence[Tier], now: float
) -> tuple[Tier, Span]:
    """From when to when, on boundaries of five minutes, and from which rows."""
    start, end = _times(parse_range, arguments, now)
    begins = floored(start)
    span = Span(begins, max(begins + STEP_SECONDS, floored(end)))
    try:
        # By the time as it was said: a year ago is within what is kept for a year.
        return tier_for(tiers, arguments.get("step"), start, end, now), span
    except UnknownStep as error:
        raise Refusal("there is no such step", part="step", allowed=error.allowed) from None


def parse_window_span(
    arguments: Mapping[str, str], window: Window, tiers: Sequence[Tier], now: float
) -> tuple[Tier, Span]:
    """The same of an address that names a window."""
    span = Span(*window.period(*_times(parse_times, arguments, now), now))
    return tier_for(tiers, window.step, span.start, span.end, now), span


def parse_look(arguments: Mapping[str, str], width: int = 580, height: int = 203) -> Look:
    """How a picture looks; so wide and high where nothing is said."""
    return Look(
        _one_of([*THEMES], arguments.get("theme", "light"), "theme"),
        _pixels(arguments, "width", WIDTHS, width),
        _pixels(arguments, "height", HEIGHTS, height),
    )


def parse_form(arguments: Mapping[str, str]) -> Form:
    """As what a graph is answered."""
    return _one_of(FORMS, arguments.get("format", "png"), "format")


def parse_numbers(arguments: Mapping[str, str]) -> Numbers:
    """As what a report is answered."""
    return _one_of(NUMBERS, arguments.get("format", "json"), "format")


def parse_switch(arguments: Mapping[str, str], part: str) -> bool:
    """Whether something is wanted that is not told without being asked for."""
    text = arguments.get(part, "0")
    if text not in ("0", "1"):
        raise Refusal("it is on or off", part=part, allowed=("0", "1"))
    return text == "1"


def check_rows(tier: Tier, span: Span, most: int) -> None:
    """Refuse what is made of more rows than one answer may be."""
    rows = (span.end - span.start) // tier.seconds
    if rows > most:
        raise Refusal(
            f"these are {rows} rows, and at most {most} are read at once: take a coarser step or "
            "a shorter time",
            part="step",
        )


def _times(
    parse: Callable[[str | None, str | None, float], T], arguments: Mapping[str, str], now: float
) -> T:
    try:
        return parse(arguments.get("start"), arguments.get("end"), now)
    except BadTime as error:
        raise Refusal(str(error), part=error.argument, allowed=error.allowed) from None


def _one_of(allowed: Sequence[T], text: str, part: str) -> T:
    for each in allowed:
        if text == each:
            return each
    raise Refusal(f"there is no such {part}", part=part, allowed=[*map(str, allowed)])


def _pixels(arguments: Mapping[str, str], part: str, bounds: tuple[int, int], usual: int) -> int:
    text = arguments.get(part, str(usual))
    least, most = bounds
    if not re.fullmatch("[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise Refusal(f"{part} is a whole number of pixels from {least} to {most}", part=part)
    return int(text)
