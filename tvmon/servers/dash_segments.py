"""The segments that a DASH SegmentTemplate describes: their times, and their URLs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from tvmon.servers.values import count

CANDIDATES = 2
"""How many segments are asked for: an encoder may be late with the newest one."""

_FIELD = re.compile(r"\$(?:(RepresentationID|Bandwidth|Number|Time)(?:%0(\d{1,2})d)?)?\$")


class Segment(NamedTuple):
    """
    A segment that should be there.

    :param url: may hold a token
    :param edge: when it ends, seconds since 1970
    """

    url: str
    edge: float


@dataclass(frozen=True, slots=True)
class Template:
    """
    A SegmentTemplate.

    :param offset: its presentationTimeOffset, in ticks
    :param duration: of a segment, in ticks; ``None`` where a timeline tells it
    :param early: its availabilityTimeOffset: by how many seconds segments are there too early
    """

    timescale: int
    offset: int
    duration: int | None
    start_number: int
    early: float
    media: str | None = field(repr=False)

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Template | None:
        """From its attributes; ``None`` where they cannot be true."""
        timescale = count(told.get("timescale", "1"), 2**32)
        offset = count(told.get("presentationTimeOffset", "0"))
        start_number = count(told.get("startNumber", "1"))
        if not timescale or offset is None or start_number is None:
            return None
        try:
            early = float(told.get("availabilityTimeOffset", "0"))
        except ValueError:
            early = 0.0
        return cls(
            timescale,
            offset,
            count(told.get("duration")) or None,
            start_number,
            early if 0 <= early <= 60 else 0.0,
            told.get("media"),
        )

    def numbers(
        self,
        begin: float,
        base: str,
        representation: Mapping[str, str],
        entries: list[tuple[int, int, int]],
    ) -> Numbers | None:
        """
        How to reckon the newest segment; ``None`` where that cannot be.

        :param begin: of the period, seconds since 1970
        :param base: the URL at which that of a segment begins
        :param representation: its attributes
        :param entries: of a timeline that is open at its end: the last segment repeats
        """
        first, number, duration = self.offset, self.start_number, self.duration
        if entries:
            first, duration = entries[-1][0], entries[-1][1]
            number += sum(max(0, r) + 1 for _, _, r in entries[:-1])
        if self.media is None or duration is None:
            return None
        return Numbers(self, begin, base, dict(representation), first, number, duration)


@dataclass(frozen=True, slots=True)
class Numbers:
    """
    Segments that follow one another, all as long, without end.

    :param first: when the first one begins, in ticks, and ``number`` its number
    :param duration: of each, in ticks
    """

    template: Template
    begin: float
    base: str = field(repr=False)
    representation: Mapping[str, str]
    first: int
    number: int
    duration: int

    @property
    def seconds(self) -> float:
        """How long each of them is."""
        return self.duration / self.template.timescale

    def newest(self, now: float) -> tuple[Segment, ...]:
        """Those that should be the newest at this time, newest first."""
        of = self.template
        began = self.begin + (self.first - of.offset) / of.timescale
        complete = int((now + of.early - began) / self.seconds)
        last = complete - 1
        found = []
        for index in range(last, max(-1, last - CANDIDATES), -1):
            url = self._url(index)
            if url is not None:
                found.append(Segment(url, began + (index + 1) * self.seconds))
        return tuple(found)

    def _url(self, index: int) -> str | None:
        values = {
            "RepresentationID": self.representation.get("id", ""),
            "Bandwidth": self.representation.get("bandwidth", ""),
            "Number": str(self.number + index),
            "Time": str(self.first + index * self.duration),
        }

        def filled(match: re.Match[str]) -> str:
            if match[1] is None:
                return "$"
            return values[match[1]].zfill(int(match[2] or 0))

        try:
            url = urljoin(self.base, _FIELD.sub(filled, self.template.media or ""))
            parts = urlsplit(url)
        except ValueError:
            return None
        usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        return url if usable else None
