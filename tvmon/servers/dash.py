"""
DASH manifests (ISO/IEC 23009-1), as far as a live stream can be judged by them.

Read are SegmentTemplates, with a SegmentTimeline or with numbers alone.  Times are seconds, those
on the wall clock since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tvmon.errors import BadAnswer
from tvmon.servers.dash_elements import (
    bad,
    base_of,
    best,
    children,
    clock,
    declared,
    duration,
    kind_of,
    name_of,
    sets,
)
from tvmon.servers.dash_segments import CANDIDATES, Numbers, Segment, Template
from tvmon.servers.live_edge import Moment
from tvmon.servers.values import count, instant

MOST_ENTRIES = 100_000
"""Periods, and entries of timelines, of one manifest; hours of them are fewer."""


class Timeline(NamedTuple):
    """
    The segments of a track.

    :param edge: when the last one ends
    :param first: when the first one begins
    :param longest: the longest segment, seconds; ``last`` is the last one
    :param gaps: where one does not begin when the one before ends: that end, and by how much
    """

    first: float
    edge: float
    longest: float
    last: float
    gaps: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Track:
    """
    One adaptation set, by the first of its representations that can be read.

    :param kind: ``video``, ``audio``, or what else it says
    :param timeline: ``None`` where there is none, or it is open at its end
    :param numbers: how to reckon the newest segment then
    """

    kind: str
    timeline: Timeline | None = None
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """
    One period.

    :param begin: when it begins
    :param duration: ``None`` where it goes on
    """

    begin: float
    duration: float | None
    tracks: tuple[Track, ...]

    def track(self, kind: str) -> Track | None:
        """The first track of a kind."""
        return next((track for track in self.tracks if track.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    A manifest.

    :param begin: its availabilityStartTime
    :param published: its publishTime
    :param update_seconds: its minimumUpdatePeriod; ``None`` says that it changes no more
    :param clock: the time that it tells itself
    :param fields: of a Measurement: what it declares of its best representations
    """

    is_live: bool
    begin: float
    published: float | None
    update_seconds: float | None
    clock: float | None
    periods: tuple[Period, ...]
    fields: Mapping[str, Any]

    def moment(self, moment: Moment) -> Moment:
        """When it was written, by its own clock where it has one."""
        return moment if self.clock is None else replace(moment, now=self.clock + moment.age)

    @property
    def main(self) -> Track | None:
        """The track that is followed: the picture of the last period, or else its sound."""
        return next((track for _, track in self._followed()), None)

    @property
    def first(self) -> float | None:
        """When the first segment of the track that is followed begins."""
        firsts = [track.timeline.first for _, track in self._followed() if track.timeline]
        return min(firsts, default=None)

    def newest_segments(self, now: float) -> tuple[Segment, ...]:
        """The segments that should be the newest, newest first, where no timeline tells it."""
        main = self.main
        if not self.is_live or main is None or main.timeline:
            return ()
        found: list[Segment] = []
        for period, track in self._followed():
            end = None if period.duration is None else period.begin + period.duration
            if track.numbers is not None and len(found) < CANDIDATES:
                found += track.numbers.newest(now if end is None else min(now, end))
        return tuple(found[:CANDIDATES])

    def _followed(self) -> Iterator[tuple[Period, Track]]:
        """In each period, the last one first, the track that can be followed."""
        for period in reversed(self.periods):
            for kind in ("video", "audio"):
                track = period.track(kind)
                if track is not None and (track.timeline or track.numbers):
                    yield period, track
                    break


def parse_manifest(body: bytes, url: str) -> Manifest:
    """
    A manifest; BadAnswer where it is none, or cannot be followed.

    :param url: where it was read, at which its own URLs begin
    """
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise bad("its XML is broken, or holds a DTD") from None
    if name_of(root) != "MPD":
        raise BadAnswer("XML, but no DASH manifest", "body")
    is_live = root.get("type", "static") == "dynamic"
    begin = instant(root.get("availabilityStartTime"))
    if begin is None:
        if is_live:
            raise bad("it has no availabilityStartTime")
        begin = 0.0
    elements = list(children(root, "Period"))
    if len(elements) > MOST_ENTRIES:
        raise bad(f"it has more than {MOST_ENTRIES} periods")
    representations = [r for e in elements[-1:] for r in best(e)]
    return Manifest(
        is_live,
        begin,
        instant(root.get("publishTime")),
        duration(root.get("minimumUpdatePeriod")),
        clock(root),
        tuple(_periods(elements, begin, base_of(url, root))),
        declared(representations),
    )


def _periods(elements: list[Element], began: float, base: str) -> Iterator[Period]:
    """The periods; one that does not say when it begins does so where the one before ends."""
    starts: list[float] = []
    end = 0.0
    for element in elements:
        start = duration(element.get("start"))
        starts.append(end if start is None else start)
        end = starts[-1] + (duration(element.get("duration")) or 0.0)
    for index, (element, start) in enumerate(zip(elements, starts, strict=True)):
        lasts = duration(element.get("duration"))
        if lasts is None and index + 1 < len(starts):
            lasts = starts[index + 1] - start
        here = base_of(base, element)
        tracks = (_track(element, found, began + start, here) for found in sets(element))
        yield Period(began + start, lasts, tuple(tracks))


def _track(period: Element, found: Element, begin: float, base: str) -> Track:
    """A track by the first of its representations that has a template."""
    here = base_of(base, found)
    representations = list(children(found, "Representation"))
    for representation in representations:
        template = _template((period, found, representation))
        if template is None:
            continue
        entries = _timeline_entries((representation, found, period))
        numbers = template.numbers(
            begin, base_of(here, representation), representation.attrib, entries
        )
        if entries and entries[-1][2] >= 0:
            return Track(kind_of(found), _timeline(template, entries, begin))
        return Track(kind_of(found), None, numbers)
    return Track(kind_of(found))


def _timeline(template: Template, entries: list[tuple[int, int, int]], begin: float) -> Timeline:
    """A timeline in seconds; ``entries`` are when each row begins, how long, how often more."""

    def on_clock(ticks: int) -> float:
        return begin + (ticks - template.offset) / template.timescale

    gaps = []
    for (t, d, r), (after, _, _) in pairwise(entries):
        off = after - (t + d * (r + 1))
        if abs(off) * 1000 > template.timescale:  # more than a millisecond
            gaps.append((on_clock(t + d * (r + 1)), off / template.timescale))
    t, d, r = entries[-1]
    longest = max(d for _, d, _ in entries) / template.timescale
    return Timeline(
        on_clock(entries[0][0]), on_clock(t + d * (r + 1)), longest, d / template.timescale,
        tuple(gaps),
    )  # fmt: skip


def _timeline_entries(elements: Iterable[Element]) -> list[tuple[int, int, int]]:
    """The rows of the innermost SegmentTimeline: t, d, r; the last r may be -1, without end."""
    for element in elements:
        for template in children(element, "SegmentTemplate"):
            for timeline in children(template, "SegmentTimeline"):
                return _rows(timeline)
    return []


def _rows(timeline: Element) -> list[tuple[int, int, int]]:
    entries: list[tuple[int, int, int]] = []
    for row in children(timeline, "S"):
        d = count(row.get("d"))
        t = count(row.get("t")) if "t" in row.attrib else _end(entries)
        repeat = row.get("r", "0").strip()
        r = -1 if repeat.startswith("-") else count(repeat)
        if not d or t is None or r is None:
            raise bad("an S of a SegmentTimeline cannot be read")
        if entries and entries[-1][2] < 0:
            # It is repeated until this one begins.
            last_t, last_d, _ = entries[-1]
            entries[-1] = last_t, last_d, max(0, (t - last_t) // last_d - 1)
        entries.append((t, d, r))
        if len(entries) > MOST_ENTRIES:
            raise bad(f"a SegmentTimeline has more than {MOST_ENTRIES} entries")
    return entries


def _end(entries: list[tuple[int, int, int]]) -> int:
    if not entries:
        return 0
    t, d, r = entries[-1]
    return t + d * (max(0, r) + 1)


def _template(elements: Iterable[Element]) -> Template | None:
    """The SegmentTemplate of a representation, with what it takes from those around it."""
    told: dict[str, str] = {}
    for element in elements:
        for template in children(element, "SegmentTemplate"):
            told |= template.attrib
            break
    if not told:
        return None
    template_of = Template.of(told)
    if template_of is None:
        raise bad("a SegmentTemplate cannot be read")
    return template_of
