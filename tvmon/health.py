"""
How good a stream is, from 0 to 100, and what took the points.  Pure: no clock, no I/O.

The score has two parts.  ``live_delay`` is how far the stream runs behind.  ``upstream`` is how
much of what the stream needs comes in.  The second one is the hard one:

- A short window takes the light scenes of a variable bitrate, and the bursts in which data
  comes (whole groups of pictures), for starvation; a long one is right but late.  On the
  recordings of a healthy stream the rate over 3 s swings between 39 % and 162 % of the declared
  one, over 12 s between 80 % and 137 %, over 30 s between 94 % and 120 %, while the stream
  starved to 60 % never shows more than 82 % over 30 s.  So the window is 30 s, and bytes may be
  late by a burst of two seconds at its edges; that makes a window of 9 s, which is all there is
  soon after a start, right as well.
- What a window cannot see from bytes, the delay tells: a starved stream falls behind by the
  second, a light one does not.  But the media server reports the delay afresh only every 15 s.
  So the delay vouches for the time up to 15 s ago, and bytes alone judge what came since, by
  the rate that was enough before.  It vouches only where it has not grown over the whole time
  and there was no reconnect, since a reconnect throws the backlog away and the delay with it.
- A stream from which nothing at all came between three samples in a row has stalled, whatever
  the window still remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvmon.streams import Health, Level, Measurement, Part, Sample
from tvmon.window import Point, Window

BURST_SECONDS = 2.0
"""By how much data may be late at the edge of a window: two thirds of a group of pictures."""

DELAY_REPORT_SECONDS = 15.0
"""How old the delay may be that a media server reports, as seen on every recording."""

STEADY_DELAY_MS = 1500
"""By how much the delay of a stream that keeps up may wander; 1,154 ms on the recordings."""

NO_DELAY_MS = 999_999
"""What a media server reports as the delay where there is no stream."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """
    How samples are judged; every field is a key of ``[score]`` in the configuration.

    :param upstream_weight: share of the upstream part; the two weights add up to 1
    :param live_delay_weight: share of the delay part
    :param bad_score: a score up to this one is bad
    :param good_score: a score from this one on is good; what lies between is a problem
    :param window_seconds: over how long the upstream rate is taken
    :param worst_delay_ms: a delay that costs all points of its part; less costs its share
    """

    upstream_weight: float = 0.8
    live_delay_weight: float = 0.2
    bad_score: int = 20
    good_score: int = 90
    window_seconds: float = 30.0
    worst_delay_ms: int = 10_000

    def level(self, score: int) -> Level:
        """What a score means."""
        if score <= self.bad_score:
            return Level.BAD
        return Level.GOOD if score >= self.good_score else Level.PROBLEM


@dataclass(frozen=True, slots=True)
class Finding:
    """One part judged: 0..100, ``None`` where unknown, and a sentence that says why."""

    score: int | None
    why: str


def judge(sample: Sample, window: Window, scoring: Scoring) -> Health:
    """
    The health of a stream at its newest sample.

    :param window: the stream's good samples up to this one
    """
    measured = sample.measured
    if measured is None:
        return _zero(sample.failed_reason or "no answer", scoring)
    if measured.declared_kbps == 0:
        return _zero("no stream: the media server has no data for it", scoring)
    upstream = judge_upstream(window, measured.declared_kbps, scoring)
    delay = judge_delay(measured, scoring)
    return _together(upstream, delay, scoring)


def judge_delay(measured: Measurement, scoring: Scoring) -> Finding:
    """How far the stream runs behind: 100 at no delay, 0 at ``worst_delay_ms``."""
    delay = measured.live_delay_ms
    if delay is None:
        return Finding(None, "live delay: the media server does not tell it")
    if delay >= NO_DELAY_MS:
        return Finding(0, "live delay: the media server has no picture to measure it on")
    share = _percent((scoring.worst_delay_ms - delay) / scoring.worst_delay_ms)
    return Finding(share, f"live delay: {_seconds(delay / 1000)} behind")


def judge_upstream(window: Window, declared_kbps: int | None, scoring: Scoring) -> Finding:
    """How much of what the stream needs came in over the window."""
    if declared_kbps is None:
        return Finding(None, "upstream: the stream does not declare its rate")
    points = _unbroken(window)
    if len(points) < 2:
        return Finding(None, "upstream: not known before the second good sample in a row")
    if _stalled(points):
        return Finding(0, f"upstream: no byte for {_seconds(_silence(points))}")
    recent = _within(points, scoring.window_seconds)
    span = recent[-1].at - recent[0].at
    by_bytes = Finding(
        _percent(_kept_up(recent, declared_kbps)),
        f"upstream: {_kbps(recent):.0f} of {declared_kbps} kbit/s came in"
        f" over the last {_seconds(span)}",
    )
    by_delay = _vouched(points, declared_kbps, scoring.window_seconds)
    return max(by_delay, by_bytes, key=lambda finding: finding.score or 0)


def _unbroken(window: Window) -> list[Point]:
    """The points since the last restart of the counters, oldest first."""
    newest = window.newest
    if newest is None:
        return []
    return [p for p in window if p.run == newest.run and p.received is not None]


def _stalled(points: Sequence[Point]) -> bool:
    return len(points) >= 3 and points[-1].received == points[-3].received


def _silence(points: Sequence[Point]) -> float:
    """For how long nothing has come, in seconds, as far back as is known."""
    same = [p for p in points if p.received == points[-1].received]
    return same[-1].at - same[0].at


def _within(points: Sequence[Point], seconds: float) -> Sequence[Point]:
    """
    The newest points that reach about so many seconds back; at least two.

    A poll that is half a second early is still in: the distance counts, not the edge.
    """
    edge = points[-1].at - seconds - 0.5
    first = len(points) - 2
    while first > 0 and points[first - 1].at >= edge:
        first -= 1
    return points[first:]


def _kbps(points: Sequence[Point]) -> float:
    return _bytes(points) * 8 / 1000 / (points[-1].at - points[0].at)


def _bytes(points: Sequence[Point]) -> int:
    return (points[-1].received or 0) - (points[0].received or 0)


def _kept_up(points: Sequence[Point], needed_kbps: float) -> float:
    """What came as a share of what was needed, with the last burst allowed to be under way."""
    span = points[-1].at - points[0].at
    due = span - min(BURST_SECONDS, span / 3)
    return _bytes(points) * 8 / 1000 / (needed_kbps * due)


def _vouched(points: Sequence[Point], declared_kbps: int, window_seconds: float) -> Finding:
    """
    What the delay vouches for: a light scene is not starved, though less comes than declared.

    The newest seconds, which the reported delay does not cover yet, are judged by the rate that
    was enough before them.
    """
    nothing = Finding(0, "upstream: the delay vouches for nothing")
    watched = _within(points, window_seconds + DELAY_REPORT_SECONDS)
    span = watched[-1].at - watched[0].at
    if span < window_seconds + DELAY_REPORT_SECONDS - 1 or not _steady(watched):
        return nothing
    since = _within(watched, DELAY_REPORT_SECONDS)
    before = watched[: len(watched) - len(since) + 1]
    if len(before) < 2 or not _bytes(before):
        return nothing
    enough_kbps = min(float(declared_kbps), _kbps(before))
    unproven = min(1.0, (since[-1].at - since[0].at) / window_seconds)
    share = 1 - unproven + unproven * min(1.0, _kept_up(since, enough_kbps))
    return Finding(
        _percent(share),
        f"upstream: {_kbps(since):.0f} kbit/s came in over the last"
        f" {_seconds(since[-1].at - since[0].at)}, {enough_kbps:.0f} kbit/s were enough before",
    )


def _steady(points: Sequence[Point]) -> bool:
    """Whether the stream fell no further behind, on one upstream connection all the time."""
    delays = [p.delay_ms for p in points if p.delay_ms is not None]
    if len(delays) < len(points) or max(delays) >= NO_DELAY_MS:
        return False
    return delays[-1] - min(delays) <= STEADY_DELAY_MS and points[0].opened == points[-1].opened


def _together(upstream: Finding, delay: Finding, scoring: Scoring) -> Health:
    """The whole from its parts, and the points that each one took."""
    parts = Part(upstream.score, _level(upstream.score, scoring))
    late = Part(delay.score, _level(delay.score, scoring))
    if upstream.score is None:
        return Health(Part(None, None), late, parts, (upstream.why,))
    if delay.score is None:
        whole = upstream.score
        lost_to_delay = 0
    else:
        exact = scoring.upstream_weight * upstream.score + scoring.live_delay_weight * delay.score
        whole = int(exact + 1e-9)
        lost_to_delay = min(100 - whole, round(scoring.live_delay_weight * (100 - delay.score)))
        if upstream.score == 100:
            lost_to_delay = 100 - whole
    lost_to_upstream = 100 - whole - lost_to_delay
    reasons = [
        f"{finding.why}: takes {lost} {'point' if lost == 1 else 'points'}"
        for finding, lost in ((upstream, lost_to_upstream), (delay, lost_to_delay))
        if lost
    ]
    if delay.score is None:
        reasons.append(delay.why)
    return Health(Part(whole, scoring.level(whole)), late, parts, tuple(reasons))


def _zero(why: str, scoring: Scoring) -> Health:
    nothing = Part(0, scoring.level(0))
    return Health(nothing, nothing, nothing, (f"{why}: takes all 100 points",))


def _level(score: int | None, scoring: Scoring) -> Level | None:
    return None if score is None else scoring.level(score)


def _percent(share: float) -> int:
    return max(0, min(100, int(share * 100 + 1e-9)))


def _seconds(seconds: float) -> str:
    """``0.8 s`` or ``87 s``: as exact as an operator reads it."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
