"""placeholder while the rooms are laid out"""

from __future__ import annotations

from dataclasses import dataclass

from tvmon.streams import Health, Sample
from tvmon.window import Window


@dataclass(frozen=True, slots=True)
class Scoring:
    """How samples are judged; every field is a key of ``[score]`` in the configuration."""

    upstream_weight: float = 0.8
    live_delay_weight: float = 0.2
    bad_score: int = 20
    good_score: int = 90
    window_seconds: float = 30.0
    worst_delay_ms: int = 10000


def judge(sample: Sample, window: Window, scoring: Scoring) -> Health: ...
