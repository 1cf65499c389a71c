"""
Rates and scores as they are meant, worked out from all samples anew.

Written to be read: nothing is remembered, kept small or saved.  The tests hold what the window
keeps, and the scores that are made of it, against this, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from tvmon.expected import Demand
from tvmon.health import Scoring
from tvmon.streams import Measurement, Pace, Presence, Rates, Sample, Session

Count = Callable[[Measurement], int | None]


def received(measured: Measurement) -> int | None:
    return measured.upstream_bytes_received


def sent(measured: Measurement) -> int | None:
    return measured.total_bytes_sent


def media(measured: Measurement) -> int | None:
    return measured.media_received_ms


class Seen(NamedTuple):
    """A good sample, which life of the counters it belongs to, and why that began with it."""

    at: float
    measured: Measurement
    life: int
    why: str | None


def all_seen(samples: Sequence[Sample]) -> list[Seen]:
    """Every good sample since the first."""
    seen: list[Seen] = []
    for sample in samples:
        if sample.measured is not None:
            why = new_life(seen, sample.at, sample.measured)
            life = (seen[-1].life if seen else 0) + (why is not None)
            seen.append(Seen(sample.at, sample.measured, life, why))
    return seen


def new_life(before: Sequence[Seen], at: float, measured: Measurement) -> str | None:
    """Why the counters began anew at a sample, if they did."""
    if not before:
        return None
    known, told = session_of(before), measured.session
    if known.server and told.server and known.server != told.server:
        return "restarted"
    if known.publisher and told.publisher and known.publisher != told.publisher:
        return "republished"
    now, then = media(measured), media(before[-1].measured)
    wrong = now is not None and then is not None and now < then
    life = [one for one in before if one.life == before[-1].life]
    for count, most_kbps in ((received, 10_000_000), (sent, 1_000_000_000)):
        now = count(measured)
        tellers = [one for one in life if count(one.measured) is not None]
        if tellers and now is not None:
            grown = now - (count(tellers[-1].measured) or 0)
            most = most_kbps * max(1.0, at - tellers[-1].at)
            wrong = wrong or grown < 0 or grown * 8 / 1000 > most
    if not wrong:
        return None
    return "error" if told.server or told.publisher else "restarted"


def session_of(before: Sequence[Seen]) -> Session:
    """What was told last of either; a server that is silent once is the one that it was."""
    servers = [one.measured.session.server for one in before if one.measured.session.server]
    publishers = [
        one.measured.session.publisher for one in before if one.measured.session.publisher
    ]
    return Session(servers[-1] if servers else None, publishers[-1] if publishers else None)


def points_of(seen: Sequence[Seen]) -> list[Seen]:
    """Those of the last 130 s; of one moment only the one that came last."""
    recent = [one for one in seen if one.at >= seen[-1].at - 130.0]
    return list({one.at: one for one in recent}.values())


def rates_of(points: Sequence[Seen], count: Count) -> Rates:
    """The rates over about 3, 10 and 100 s."""
    return Rates(*(rate_over(points, seconds, count) for seconds in (3.0, 10.0, 100.0)))


def rate_over(points: Sequence[Seen], seconds: float, count: Count) -> float | None:
    if len(points) < 2:
        return None
    *older, newest = points
    # Of two that are as near, the newer one: min takes the first.
    old = min(reversed(older), key=lambda point: abs(point.at - (newest.at - seconds)))
    before, after = count(old.measured), count(newest.measured)
    span = newest.at - old.at
    if old.life != newest.life or before is None or after is None:
        return None
    return None if span > max(2 * seconds, seconds + 15) else (after - before) * 8 / 1000 / span


class Step(NamedTuple):
    """What a counter was at a moment, and how far the stream ran behind then."""

    at: float
    count: int
    delay: int | None
    opened: int | None


class Steps(NamedTuple):
    """A counter's life, oldest first, or a part of it; of bytes, or of milliseconds of media."""

    steps: Sequence[Step]
    is_bytes: bool

    @property
    def seconds(self) -> float:
        return self.steps[-1].at - self.steps[0].at

    @property
    def came(self) -> float:
        """Kilobit, or seconds of media."""
        amount = self.steps[-1].count - self.steps[0].count
        return amount * 8 / 1000 if self.is_bytes else amount / 1000

    @property
    def rate(self) -> float:
        return self.came / self.seconds

    def last(self, seconds: float) -> Steps:
        """The newest steps that reach about so far back; at least two."""
        edge = self.steps[-1].at - seconds - 0.5
        recent = [step for step in self.steps if step.at >= edge]
        return Steps(recent if len(recent) > 1 else self.steps[-2:], self.is_bytes)

    def before(self, other: Steps) -> Steps:
        """What is older than other steps, with the first of those."""
        older = [step for step in self.steps if step.at <= other.steps[0].at]
        return Steps(older, self.is_bytes)

    def kept_up(self, needed: float, pace: Pace) -> float:
        """The share that came of what was needed, less what one burst may be late by."""
        return self.came / (needed * (self.seconds - min(pace.burst_seconds, self.seconds / 3)))


def steps_of(points: Sequence[Seen]) -> Steps | None:
    """Of bytes where the newest sample tells them, or else of media, or else nothing."""
    newest = points[-1]
    for count in (received, media):
        if count(newest.measured) is not None:
            steps = [
                Step(at, told, measured.live_delay_ms, measured.upstream_opened_count)
                for at, measured, life, _ in points
                if life == newest.life and (told := count(measured)) is not None
            ]
            return Steps(steps, count is received)
    return None


def scores_of(
    sample: Sample, seen: Sequence[Seen], scoring: Scoring, demand: Demand
) -> tuple[int | None, int | None, int | None]:
    """
    The whole score at a sample, and its parts: delay and upstream.

    :param seen: all good ones up to this one
    """
    measured = sample.measured
    if measured is None:
        return 0, 0, 0
    if measured.presence is Presence.UNSEEN:
        return None, None, None
    declared = (measured.stream_info_audiodatarate, measured.stream_info_videodatarate)
    needs_nothing = declared != (None, None) and not any(declared)
    if measured.presence is Presence.ABSENT or needs_nothing:
        return (None, None, None) if demand.may_sleep else (0, 0, 0)
    needed = demand.configured_kbps or sum(n or 0 for n in declared) or demand.learned.kbps
    delay = delay_score(measured, scoring)
    upstream = upstream_score(points_of(seen), measured.pace, scoring, needed)
    if upstream is not None:
        upstream = max(0, upstream - 25 * len(measured.remarks))
    if upstream is None or delay is None:
        return upstream, delay, upstream
    whole = scoring.upstream_weight * upstream + scoring.live_delay_weight * delay
    return int(whole + 1e-9), delay, upstream


def delay_score(measured: Measurement, scoring: Scoring) -> int | None:
    if measured.live_delay_ms is None:
        return None
    if measured.live_delay_ms == 999_999:
        return 0
    late = measured.live_delay_ms - 1000 * measured.pace.delay_seconds
    return percent((scoring.worst_delay_ms - late) / scoring.worst_delay_ms)


def upstream_score(
    points: Sequence[Seen], pace: Pace, scoring: Scoring, needed: float | None
) -> int | None:
    life = steps_of(points)
    if life is None or len(life.steps) < 2:
        return None
    if has_stalled(life, pace):
        return 0
    if not life.came:
        return None
    needed = (needed if life.is_bytes else 1.0) or life.rate
    by_amount = percent(life.last(scoring.window_seconds).kept_up(needed, pace))
    return max(by_amount, vouched(life, needed, pace, scoring))


def has_stalled(life: Steps, pace: Pace) -> bool:
    """Whether it rests for longer than it may, and than it did twice before."""
    rests = []
    for _, same in groupby(life.steps, key=lambda step: step.count):
        rest = 0.0
        for one, other in pairwise(same):
            rest += other.at - one.at
        rests.append(rest)
    newest = life.steps[-1]
    held = [
        step
        for step in life.steps
        if all(later.count == newest.count for later in life.steps if later.at >= step.at)
    ]
    now = newest.at - held[0].at
    usual = sorted(rest for rest in rests[:-1] if rest)[-2:-1] or [0.0]
    return now >= pace.stall_seconds - 0.25 and now >= usual[0] * 1.25


def vouched(life: Steps, needed: float, pace: Pace, scoring: Scoring) -> int:
    """
    What the delay vouches for, which a light scene does not let grow.

    It tells of the time up to 15 s ago; what came since must go on as it did before.
    """
    watched = life.last(scoring.window_seconds + 15.0)
    since = watched.last(15.0)
    before = watched.before(since)
    delays = [step.delay for step in watched.steps if step.delay is not None]
    if (
        watched.seconds < scoring.window_seconds + 15.0 - 1
        or len(delays) < len(watched.steps)
        or 999_999 in delays
        or delays[-1] - min(delays) > 1500
        or watched.steps[0].opened != watched.steps[-1].opened
        or len(before.steps) < 2
        or not before.came
    ):
        return 0
    enough = min(needed, before.rate)
    unproven = min(1.0, since.seconds / scoring.window_seconds)
    return percent(1 - unproven + unproven * min(1.0, since.kept_up(enough, pace)))


def percent(share: float) -> int:
    return max(0, min(100, int(share * 100 + 1e-9)))
