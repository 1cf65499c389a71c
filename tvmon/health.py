"""
How good a stream is, from 0 to 100, and what took the points.  Pure: no clock, no I/O.

The score has two parts.  ``live_delay`` is how far the stream runs behind.  ``upstream`` is how
much of what the stream needs comes in: bytes, by the rate that is expected of it, or, where a
server tells of no bytes, media, which must come in as fast as it plays.  The second part is the
hard one:

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
- A stream from which nothing at all came for some seconds has stalled, whatever
  the window still remembers.  How long the counters of a healthy stream may rest depends on the
  kind of media server.  Where a stream comes in larger bursts than that, it has shown so before:
  of a rest that it has outlived twice within two minutes it is not called dead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tvmon.expected import NO_DEMAND, Demand, Expected
from tvmon.flow import Flow, flow_of, kept_up, seconds_of, silence, stalled, within
from tvmon.streams import Health, Level, Measurement, Pace, Part, Presence, Sample, value
from tvmon.window import DELAY, OPENED, UNKNOWN, WIDTH, Window

FAULT_POINTS = 25
"""What each fault that a media server's module noticed takes from the upstream part."""

DELAY_REPORT_SECONDS = 15.0
"""How old the delay may be that a media server reports, as seen on every recording."""

STEADY_DELAY_MS = 1500
"""By how much the delay of a stream that keeps up may wander; 1,154 ms on the recordings."""

DELAYS_KEPT = 4096
"""For how many delays a health is kept that many streams have."""

NO_DELAY_MS = 999_999
"""What a media server reports as the delay where there is no stream."""


@dataclass(frozen=True)
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

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return tuple(Part(score, self.level(score)) for score in range(101))

    @cached_property
    def with_enough(self) -> Callable[[int | None, float], Health]:
        """
        The health of a stream that lost nothing upstream, as most have not, by its delay in ms
        and how many seconds of it are by nature; the same value for all streams of that delay.
        """

        @lru_cache(maxsize=DELAYS_KEPT)
        def judged(delay_ms: int | None, by_nature: float) -> Health:
            return _together(ENOUGH, _delayed(delay_ms, by_nature, self), self)

        return judged

    def part(self, score: int | None) -> Part:
        """A score with what it means; the same value for all streams that have it."""
        return NOT_KNOWN if score is None else self._parts[score]


NOT_KNOWN = Part(None, None)


@value
class Finding:
    """One part judged: 0..100, ``None`` where unknown, and a sentence that says why."""

    score: int | None
    why: str


ENOUGH = Finding(100, "upstream: enough came in")
"""The upstream part that lost nothing, so nobody reads why."""

NOT_VOUCHED = Finding(0, "upstream: the delay vouches for nothing")


def judge(
    sample: Sample,
    window: Window,
    scoring: Scoring,
    demand: Demand = NO_DEMAND,
) -> Health:
    """
    The health of a stream at its newest sample.

    :param window: the stream's good samples up to this one
    :param demand: what is asked of the stream beside what it declares itself
    """
    measured = sample.measured
    if measured is None:
        return _zero(sample.failed_reason or "no answer", scoring)
    why = "; ".join(measured.remarks)
    if measured.presence is Presence.UNSEEN:
        return _unknown(why or "not known: the view of the media server is incomplete")
    # A stream that declares to need nothing is none, whoever says that it is there.
    if measured.presence is Presence.ABSENT or measured.declared_kbps == 0:
        if demand.may_sleep:
            return _unknown(f"asleep: {why or 'nobody publishes it'}, and it may sleep")
        return _zero(f"no stream: {why or 'nobody publishes it'}", scoring)
    expected = demand.expected(measured)
    flow = flow_of(window, expected.kbps)
    upstream = _faulty(judge_upstream(flow, window.pace, scoring), measured.remarks)
    told = () if upstream.score is None or flow is None else _told(flow, expected)
    if upstream is ENOUGH and not told:
        return scoring.with_enough(measured.live_delay_ms, measured.pace.delay_seconds)
    delay = judge_delay(measured, scoring)
    return _together(upstream, delay, scoring, told)


def flow_kbps(window: Window, scoring: Scoring) -> float | None:
    """
    The rate over two windows of unbroken flow, or over one at least, kbit/s, to learn from.

    What came last may have come in one burst, a part of which belongs to the time after it, so
    this is what came at least.  ``None`` where there is no such window, or nothing came in it.
    """
    flow = flow_of(window)
    if flow is None or not flow.is_bytes or stalled(flow, window.pace):
        return None
    if len(flow.at) < 2:
        return None
    recent = within(flow, 2 * scoring.window_seconds)
    span = flow.span(recent)
    if span < scoring.window_seconds - 3:
        return None
    return flow.came(recent) / (span + window.pace.burst_seconds) or None


def judge_delay(measured: Measurement, scoring: Scoring) -> Finding:
    """
    How far the stream runs behind: 100 at no delay, 0 at ``worst_delay_ms``.

    By how much it does so by nature is no delay.
    """
    return _delayed(measured.live_delay_ms, measured.pace.delay_seconds, scoring)


def _delayed(delay_ms: int | None, by_nature: float, scoring: Scoring) -> Finding:
    if delay_ms is None:
        return Finding(None, "live delay: the media server does not tell it")
    if delay_ms == NO_DELAY_MS:
        return Finding(0, "live delay: the media server has no picture to measure it on")
    late = delay_ms - 1000 * by_nature
    share = _percent((scoring.worst_delay_ms - late) / scoring.worst_delay_ms)
    return Finding(share, f"live delay: {_delay(delay_ms)} behind")


def judge_upstream(flow: Flow | None, pace: Pace, scoring: Scoring) -> Finding:
    """How much of what the stream needs came in over the window."""
    if flow is None:
        return Finding(None, "upstream: the media server does not tell what comes in")
    if len(flow.at) < 2:
        return Finding(None, "upstream: not known before the second good sample in a row")
    if stalled(flow, pace):
        what = "byte" if flow.is_bytes else "segment"
        return Finding(0, f"upstream: no {what} for {seconds_of(silence(flow))}")
    if not flow.came(0):
        return Finding(None, "upstream: not known before more has come in for the first time")
    recent = within(flow, scoring.window_seconds)
    # What has no past is measured by itself: it is good while it flows.
    needed = flow.needed or flow.rate(0)
    burst = pace.burst_seconds
    share = _percent(kept_up(flow, recent, needed, burst))
    if share == 100:
        return ENOUGH
    by_delay = _vouched(flow, needed, burst, scoring.window_seconds)
    if share > (by_delay.score or 0):
        return Finding(share, flow.words(recent, needed))
    return by_delay


def _vouched(flow: Flow, needed: float, burst: float, window_seconds: float) -> Finding:
    """
    What the delay vouches for: a light scene is not starved, though less comes than declared.

    The newest seconds, which the reported delay does not cover yet, are judged by the rate that
    was enough before them.
    """
    watched = within(flow, window_seconds + DELAY_REPORT_SECONDS)
    if flow.span(watched) < window_seconds + DELAY_REPORT_SECONDS - 1:
        return NOT_VOUCHED
    since = within(flow, DELAY_REPORT_SECONDS, watched)
    if since == watched or not flow.came(watched, since) or not _steady(flow, watched):
        return NOT_VOUCHED
    enough = min(needed, flow.rate(watched, since))
    unproven = min(1.0, flow.span(since) / window_seconds)
    share = 1 - unproven + unproven * min(1.0, kept_up(flow, since, enough, burst))
    score = _percent(share)
    if score == 100:
        return ENOUGH
    return Finding(
        score,
        f"upstream: {flow.rate(since):.0f} kbit/s came in over the last"
        f" {seconds_of(flow.span(since))}, {enough:.0f} kbit/s were enough before",
    )


def _steady(flow: Flow, first: int) -> bool:
    """Whether the stream fell no further behind, on one upstream connection all the time."""
    delays = flow.rows[first * WIDTH + DELAY :: WIDTH]
    least, opened = min(delays), flow.rows[first * WIDTH + OPENED]
    if least == UNKNOWN or NO_DELAY_MS in delays:
        return False
    return delays[-1] - least <= STEADY_DELAY_MS and opened == flow.rows[OPENED - WIDTH]


def _faulty(upstream: Finding, faults: Sequence[str]) -> Finding:
    """The upstream part less what the faults take that a media server's module noticed."""
    if not faults or upstream.score is None:
        return upstream
    score = max(0, upstream.score - FAULT_POINTS * len(faults))
    also = () if upstream.score == 100 else (upstream.why.removeprefix("upstream: "),)
    return Finding(score, f"upstream: {'; '.join((*faults, *also))}")


def _told(flow: Flow, expected: Expected) -> tuple[str, ...]:
    """How it is known what the stream needs, where that is not what it declares."""
    if not flow.is_bytes or expected.by == "declared":
        return ()
    if expected.kbps is None:
        return ("upstream: measured by itself, as no rate is configured, declared or learned yet",)
    if expected.by == "configured":
        return (f"upstream: {expected.kbps:.0f} kbit/s are expected, as configured",)
    past = f"{expected.past_seconds / 60:g} min of its own past"
    return (f"upstream: {expected.kbps:.0f} kbit/s are expected, learned from {past}",)


def _together(
    upstream: Finding, delay: Finding, scoring: Scoring, told: tuple[str, ...] = ()
) -> Health:
    """The whole from its parts, and the points that each one took."""
    parts, late = scoring.part(upstream.score), scoring.part(delay.score)
    if upstream.score is None:
        return Health(NOT_KNOWN, late, parts, (upstream.why,))
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
    return Health(scoring.part(whole), late, parts, (*reasons, *told))


def _unknown(why: str) -> Health:
    return Health(NOT_KNOWN, NOT_KNOWN, NOT_KNOWN, (why,))


def _zero(why: str, scoring: Scoring) -> Health:
    nothing = scoring.part(0)
    return Health(nothing, nothing, nothing, (f"{why}: takes all 100 points",))


def _delay(delay_ms: int) -> str:
    return f"{delay_ms} ms" if 0 <= delay_ms < 1000 else seconds_of(delay_ms / 1000)


def _percent(share: float) -> int:
    return max(0, min(100, int(share * 100 + 1e-9)))
