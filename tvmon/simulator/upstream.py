"""
What comes in from upstream, and how late: pure functions of a stream's source and the time.

Modelled after the recordings:

- Bytes come in bursts.  Over 3 s a healthy stream's rate swings by half, over 30 s by a tenth,
  and what is late in one second is on top in another, so long averages are right.
- A throttled link hands on what it has in big pieces.  The delay then grows by the share that
  is missing, more in busy scenes than in light ones, until the upstream is opened anew after
  some 19 MB: then the backlog is gone, and so is the delay.
"""

from __future__ import annotations

from typing import NamedTuple

from tvmon.simulator.behaviours import Behaviour
from tvmon.simulator.source import REPORT_SECONDS, Source

NO_STREAM_DELAY_MS = 999_999

BURST_STEP, BURST_SWING = 2.5, 0.8
SCENE_STEP, SCENE_SWING = 15.0, 1.1
"""Seconds between the lattice points of the noise, and by how many seconds' worth it swings."""

SESSION_BYTES = 19_000_000
"""After how many bytes a starved upstream is opened anew, as on both recordings that show it."""

LONGEST_SESSION = 14_400.0

PIECE_SECONDS = 2.3
PIECE_SHARE = 0.85
"""A throttled link hands on most of what comes in pieces of so many seconds."""

GRACE_SECONDS = 15.0
"""Up to how long after it was opened a starved upstream still lives on what it got at once."""

WORST_DELAY_MS = 300_000
"""At this delay a stream that only runs late starts again."""


class Flow(NamedTuple):
    """
    What has come in, counted from anywhere; only differences mean something.

    :param received: byte
    :param content: seconds of the programme
    """

    received: float
    content: float


class Session(NamedTuple):
    """One connection to upstream: how many came before it in its chapter, and since when."""

    earlier: int
    since: float


def is_short(source: Source, behaviour: Behaviour) -> bool:
    """Whether less comes in than the stream needs."""
    return behaviour.name == "starved" and behaviour.number * 1000 < source.needed


def rate_of(source: Source, behaviour: Behaviour) -> float:
    """What comes in on the average, byte/s."""
    if behaviour.name == "down":
        return 0.0
    if behaviour.name == "light":
        return source.needed * behaviour.number
    return behaviour.number * 1000 if is_short(source, behaviour) else source.needed


def flow_of(source: Source, behaviour: Behaviour, at: float) -> Flow:
    """What has come in up to a moment."""
    if behaviour.name == "down":
        return Flow(0.0, 0.0)
    if is_short(source, behaviour):
        return _throttled(source, behaviour.number * 1000, at)
    noise = BURST_SWING * source.burst.wave(at / BURST_STEP)
    noise += SCENE_SWING * source.scene.wave(at / SCENE_STEP)
    if behaviour.name == "light":
        return Flow(source.needed * behaviour.number * (at + 0.8 * noise), at)
    return Flow(source.needed * (at + noise), at + noise)


def _throttled(source: Source, rate: float, at: float) -> Flow:
    """What a link hands on that carries only so many bytes a second: mostly in pieces."""
    swing = 0.3 if rate >= 40_000 else 0.7  # the slower the link, the more uneven on recordings
    position = at / PIECE_SECONDS
    position += swing * source.burst.wave(position / 1.6) + 0.3 * source.scene.wave(position / 9)
    share = PIECE_SHARE * (position // 1) + (1 - PIECE_SHARE) * position
    received = rate * PIECE_SECONDS * share
    return Flow(received, received / source.needed)


def session(source: Source, behaviour: Behaviour, since: float, at: float) -> Session:
    """Which connection to upstream it is at a moment, where the behaviour began at ``since``."""
    age = at - since
    if behaviour.name == "delay":
        usual = WORST_DELAY_MS / behaviour.number
        index = int(age / usual)
        return Session(index, since + index * usual)
    if not is_short(source, behaviour):
        return Session(0, since)
    usual = usual_session(behaviour)
    index = int(age / usual)
    for candidate in (index + 1, index, index - 1):
        opened = _opened(source, candidate, usual)
        if age >= opened:
            return Session(candidate, since + opened)
    return Session(0, since)


def usual_session(behaviour: Behaviour) -> float:
    """How long a starved upstream usually lasts, in seconds."""
    return min(LONGEST_SESSION, SESSION_BYTES / max(1.0, behaviour.number * 1000))


def _opened(source: Source, index: int, usual: float) -> float:
    """How long after the behaviour's begin a connection is opened: evenly, and never exactly."""
    return usual * (index + 0.25 * source.delay.at(index)) if index > 0 else 0.0


def delay_ms(source: Source, behaviour: Behaviour, since: float, at: float) -> int:
    """How far the stream runs behind at a moment."""
    if behaviour.name == "down":
        return NO_STREAM_DELAY_MS
    steady = _steady_delay_ms(source, at)
    if behaviour.name == "delay":
        opened = session(source, behaviour, since, at)
        return int((at - opened.since) * behaviour.number) + steady
    if not is_short(source, behaviour):
        return steady
    opened = session(source, behaviour, since, at)
    late = at - opened.since - GRACE_SECONDS * abs(source.scene.at(opened.earlier))
    if late <= 0:
        return abs(steady)
    share = behaviour.number * 1000 / source.needed
    scenes = (0.6 + 3.0 * share) * source.scene.wave(at / SCENE_STEP)
    grown = late * (1 - share) + scenes
    return int(min(max(grown, 0.0), late) * 1000) + abs(steady)


def _steady_delay_ms(source: Source, at: float) -> int:
    """That of a stream that keeps up: a little ahead, and now and then nearly a second late."""
    value = source.delay.at(int(at // REPORT_SECONDS))
    return int(600 + 2000 * (value - 0.85)) if value > 0.85 else int(-290 + 170 * (value + 1))


def declared_video_kbps(source: Source, behaviour: Behaviour, content: float) -> int:
    """A starved server measures the rate on the few pictures that it has, so it wanders."""
    if behaviour.name == "down":
        return 0
    if not is_short(source, behaviour):
        return source.video_kbps
    return round(source.video_kbps * (1 + 0.08 * source.scene.wave(content / 8)))
