"""
What playlists of every format have in common: a live edge that moves, and faults to remember.

The live edge is the end of the newest media that is published.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tvmon.servers import Answer
from tvmon.servers.values import count, http_time
from tvmon.streams import Pace

SEEN_SECONDS = 30.0
"""For how long a fault is told that is over at once, so that somebody sees it."""

CLOCKS_AGREE_SECONDS = 2.0
"""
Up to here the clock of this machine is taken, and not the Date of an answer.

A Date has whole seconds only, and is written some time before its answer is complete.
"""

SKEW_SECONDS = 1.0
"""By how much media may come from the future before one of the clocks is called wrong."""

MOST_DELAY_SECONDS = 600.0
"""No live stream is so late: it is old material, or a clock is wrong."""

LONGEST_STALL_SECONDS = 120.0
"""No silence is longer, whatever the target duration: further back nothing is remembered."""

PROGRESS_SECONDS = 120.0
"""Over how long media is compared with the time that it takes to play."""

LACKING = 2.0
"""How many target durations may lack: one is under way, and another may be late."""

SLOW_CLOCK = 0.02
"""By how much media may come slower than it plays, in share: encoders have clocks of their own."""

WANTED = ("age", "date", "last-modified")
"""The headers that are looked at."""


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When an answer was written.

    :param at: complete, on the monotonic clock, seconds
    :param now: by the wall clock of its server, as far as that is known; seconds since 1970
    :param age: how long it lay in a cache, seconds
    :param changed: its Last-Modified, seconds since 1970
    """

    at: float
    now: float
    age: float = 0.0
    changed: float | None = None

    @classmethod
    def of(cls, answer: Answer) -> Moment:
        """That of an answer."""
        age = float(count(answer.headers.get("age"), 10**9) or 0)
        date = http_time(answer.headers.get("date"))
        now = answer.time
        if date is not None and not 0 <= now - date - age <= CLOCKS_AGREE_SECONDS:
            now = date + age
        return cls(answer.at, now, age, http_time(answer.headers.get("last-modified")))


@dataclass(frozen=True, slots=True)
class Look:
    """
    What one look at a playlist showed of its stream.

    :param received_ms: media that was published since the first look of this life of the stream
    :param life: changes when the stream is published anew
    :param target_seconds: how often new media comes, at the latest, while all is well
    :param delay_ms: how far the live edge lies behind
    :param remarks: its faults
    :param is_ended: nothing more will come, for the reason that is the only remark
    """

    received_ms: int
    life: str
    target_seconds: float
    delay_ms: int | None
    remarks: tuple[str, ...]
    is_ended: bool = False

    @property
    def pace(self) -> Pace:
        """Late after one and a half target durations, dead after three."""
        target = self.target_seconds
        # A player begins three target durations behind the edge; a packager needs one itself.
        return Pace(1.5 * target, min(3 * target, LONGEST_STALL_SECONDS), 3 * target)


class Faults:
    """The faults of one stream that are told, each by a word of its own."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, float]] = {}

    def note(self, word: str, text: str, at: float) -> None:
        """A fault that is over at once; told for half a minute."""
        self._told[word] = text, at

    def texts(self, at: float) -> tuple[str, ...]:
        """What is told now."""
        self._told = {
            word: (text, noted)
            for word, (text, noted) in self._told.items()
            if at - noted < SEEN_SECONDS
        }
        return tuple(text for text, _ in self._told.values())


class Progress:
    """
    Whether media comes as fast as it plays, over two minutes.

    Media comes by the segment, so that a short while tells nothing: over 30 s a stream of which
    four fifths come looks well where its segments are longer than 3 s.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, float]] = deque()

    def forget(self) -> None:
        """What came since is not known exactly."""
        self._past.clear()

    def note(self, at: float, received: float, target: float) -> str | None:
        """How much media came up to now, seconds; that it is too little."""
        self._past.append((at, received))
        while self._past[0][0] < at - PROGRESS_SECONDS:
            self._past.popleft()
        began, before = self._past[0]
        passed, came = at - began, received - before
        if (
            passed < 0.8 * PROGRESS_SECONDS
            or passed - came <= LACKING * target + passed * SLOW_CLOCK
        ):
            return None
        return f"falls behind: {seconds(came)} of media came in {seconds(passed)}"


def delay(edge: float, now: float) -> tuple[int | None, str | None]:
    """
    How far a live edge lies behind, ms, and what is wrong with that.

    A delay that no clock can be right about is not known.
    """
    behind = now - edge
    if behind < -SKEW_SECONDS:
        return None, f"clock skew: the newest media is dated {seconds(-behind)} in the future"
    if behind > MOST_DELAY_SECONDS:
        return None, f"clock skew, or old material: the newest media is dated {seconds(behind)} ago"
    return round(behind * 1000), None


def seconds(value: float) -> str:
    """``0.8 s``, ``87 s``, ``5 min``, ``3 h`` or ``20 days``."""
    for unit, size, least in (("days", 86400, 172_800), ("h", 3600, 7200), ("min", 60, 300)):
        if value >= least:
            return f"{value / size:.0f} {unit}"
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
