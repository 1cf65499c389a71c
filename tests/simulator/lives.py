"""Streams of the model without a server around them, and tvmon's judgement of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tvmon.health import Scoring, judge
from tvmon.simulator import model
from tvmon.simulator.behaviours import Behaviour
from tvmon.simulator.channels import Channel, Server
from tvmon.simulator.live import LiveStream
from tvmon.simulator.model import Counters
from tvmon.simulator.source import Profile, Source
from tvmon.streams import Health, Measurement, Sample
from tvmon.window import Window

CHANNEL = Channel(1, "tvie", "channel", "Channel", Server("media1"))
SECONDS = 3.0


def live(
    wanted: Behaviour, seed: int = 1, profile: Profile | None = None, since: float = 0.0
) -> LiveStream:
    """A stream whose counters are zero at a moment."""
    source = Source.drawn(seed, 1, profile)
    return LiveStream(1, CHANNEL, "live", source, model.begin(source, wanted, since))


def polled(stream: LiveStream, count: int, first: float = 0.0) -> list[Counters]:
    """What it says when it is asked every three seconds."""
    return [stream.counters(first + SECONDS * index) for index in range(count)]


def judged(polls: Iterable[Counters]) -> Iterator[tuple[float, Health]]:
    """What tvmon makes of polls three seconds apart: (seconds since the first, health)."""
    window, scoring = Window(), Scoring()
    for index, counters in enumerate(polls):
        at = index * SECONDS
        sample = Sample(at, at, Measurement(**counters._asdict()))
        window.add(sample)
        yield at, judge(sample, window, scoring)
