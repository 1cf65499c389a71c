"""What a daemon says on ``/metrics``, and what came to pass between two looks at it."""

from __future__ import annotations

import re
from collections.abc import Mapping

Metrics = Mapping[str, float]
"""The value of each line, by its name with its labels."""

OF_A_STREAM = "tvmon_stream_"
LATENESS = "tvmon_poll_lateness_seconds"
TURNS = "tvmon_reactor_turn_seconds"
LONGEST_TURN = "tvmon_reactor_longest_turn_seconds"
LONG_TURN_SECONDS = 0.05


def parse(text: bytes) -> dict[str, float]:
    """
    Every value that is tvmon's own.

    Those of its streams are left out: of ten thousand they are 80,000, which a measurement that
    looks each quarter of a minute would keep in gigabytes.
    """
    found = {}
    for line in text.decode().splitlines():
        if line and not line.startswith(("#", OF_A_STREAM)):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


def since(before: Metrics, after: Metrics) -> dict[str, float]:
    """By how much each value has grown; what was not there before began at 0."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def total(metrics: Metrics, name: str) -> float:
    """The sum over all labels of a name."""
    return sum(v for key, v in metrics.items() if key == name or key.startswith(name + "{"))


def by_labels(metrics: Metrics, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The values of a name by those labels, which each of its lines has."""
    found = {}
    for key, value in metrics.items():
        if key.startswith(name + "{"):
            told = dict(re.findall(r'(\w+)="([^"]*)"', key))
            found[tuple(told[label] for label in labels)] = value
    return found


def within(metrics: Metrics, histogram: str, seconds: float) -> float:
    """How many observations were at most that long; the histogram must have that bound."""
    for (bound,), count in by_labels(metrics, f"{histogram}_bucket", "le").items():
        if float(bound) == seconds:
            return count
    raise KeyError(f"{histogram} has no bound of {seconds} s")


def share_within(metrics: Metrics, histogram: str, seconds: float) -> float:
    """The share of the observations that were at most that long, 0 to 1; 1 where there is none."""
    count = metrics[f"{histogram}_count"]
    return within(metrics, histogram, seconds) / count if count else 1.0


def at_most(metrics: Metrics, histogram: str) -> float:
    """The smallest bound that no observation was above, seconds; may be infinite."""
    bounds = by_labels(metrics, f"{histogram}_bucket", "le")
    count = metrics[f"{histogram}_count"]
    return min(float(bound) for (bound,), held in bounds.items() if held >= count)


def longest_turn(before: Metrics, after: Metrics) -> str:
    """
    The reactor's longest turn between two looks.

    The gauge knows the longest since the start; where that was before, the histogram bounds it.
    """
    longest = after[LONGEST_TURN]
    if longest > before[LONGEST_TURN]:
        return f"{1000 * longest:.0f} ms"
    return f"at most {1000 * min(longest, at_most(since(before, after), TURNS)):.0f} ms"


def long_turns(before: Metrics, after: Metrics) -> int:
    """How many turns were longer than LONG_TURN_SECONDS."""
    said = since(before, after)
    return round(said[f"{TURNS}_count"] - within(said, TURNS, LONG_TURN_SECONDS))
