"""
What never changes about a simulated stream: its format, its rhythm, its audience.

Everything is drawn from the seed and the stream's number, so the same seed gives the same
streams, whatever else is simulated beside them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tvmon.simulator.noise import Noise

REPORT_SECONDS = 15.0
"""How often a media server works out the delay and the averages afresh."""

AUDIENCE_SECONDS = 45.0
"""For how long the number of viewers stays the same."""

AUDIENCE_SWING = 0.45
"""How far the audience wanders: at 0.5 it would be anything between nobody and twice the usual."""


@dataclass(frozen=True, slots=True)
class Profile:
    """
    The format of a stream.

    :param overhead: bytes that come in, as a share of the declared rates; containers cost some
    :param gop_seconds: how long a group of pictures is
    """

    audio_kbps: int
    video_kbps: int
    overhead: float
    gop_seconds: float
    framerate: int
    width: int
    height: int


PROFILES = (
    Profile(46, 757, 1.06, 5.0, 24, 1024, 576),
    Profile(44, 488, 1.066, 6.1, 30, 480, 384),
)
"""The two formats on the recordings: 106 and 71 kB/s."""

LARGE, SMALL = PROFILES


@dataclass(frozen=True, slots=True)
class Source:
    """
    One stream's constants.

    :param video_kbps: its own declared rate, near that of the profile
    :param needed: what has to come in, byte/s
    :param report_phase: when, within every fifteen seconds, its delay is reported
    :param viewers: how many watch on the average
    """

    profile: Profile
    video_kbps: int
    needed: float
    report_phase: float
    viewers: float
    burst: Noise
    scene: Noise
    delay: Noise
    audience: Noise

    @classmethod
    def drawn(
        cls,
        seed: int,
        number: int,
        profile: Profile | None = None,
        needed_kilobytes_per_second: float | None = None,
    ) -> Source:
        """
        The stream of this number among those of this seed.

        :param profile: drawn too where it is not given; three of four are large
        :param needed_kilobytes_per_second: that of the format where it is not given
        """
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a model, not a secret
        drawn = LARGE if chance.random() < 0.75 else SMALL
        profile = profile or drawn
        video_kbps = round(profile.video_kbps * chance.uniform(0.96, 1.04))
        if needed_kilobytes_per_second is not None:
            declared_kbps = needed_kilobytes_per_second * 8 / profile.overhead
            video_kbps = max(1, round(declared_kbps) - profile.audio_kbps)
        needed = (profile.audio_kbps + video_kbps) * 1000 / 8 * profile.overhead
        return cls(
            profile=profile,
            video_kbps=video_kbps,
            needed=needed,
            report_phase=chance.uniform(0, REPORT_SECONDS),
            viewers=_audience(chance),
            burst=Noise.drawn(chance),
            scene=Noise.drawn(chance),
            delay=Noise.drawn(chance),
            audience=Noise.drawn(chance),
        )

    def watching(self, at: float) -> int:
        """How many viewers there are at a moment."""
        if not self.viewers:
            return 0
        share = 1 + AUDIENCE_SWING * self.audience.slope(at / AUDIENCE_SECONDS)
        return round(self.viewers * share)

    def arrived(self, at: float) -> int:
        """
        How many viewers have come up to a moment, counted from anywhere.

        As many leave at the end of every step as watch on the busiest one, so that this never
        falls, however the number of those who watch does.
        """
        if not self.viewers:
            return 0
        leaving = round(self.viewers * (1 + 2 * AUDIENCE_SWING))
        return int(at // AUDIENCE_SECONDS) * leaving + self.watching(at)

    def watched(self, at: float) -> float:
        """For how many seconds all viewers together have watched, counted from anywhere."""
        if not self.viewers:
            return 0.0
        at -= at % self.profile.gop_seconds  # viewers get whole groups of pictures
        swing = AUDIENCE_SWING * AUDIENCE_SECONDS * self.audience.wave(at / AUDIENCE_SECONDS)
        return self.viewers * (at + swing)


def _audience(chance: random.Random) -> float:
    """A third has none, most have a few, some have hundreds."""
    kind = chance.random()
    if kind < 0.3:
        return 0.0
    if kind < 0.75:
        return chance.uniform(0.4, 5.0)
    return 10 ** chance.uniform(1.0, 2.6)
