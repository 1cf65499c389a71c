"""One simulated stream: who it is, what it does, and what its media server says of it."""

from __future__ import annotations

import random

from tvmon.simulator import model
from tvmon.simulator.behaviours import Behaviour
from tvmon.simulator.channels import Channel
from tvmon.simulator.model import Chapter, Counters, Report
from tvmon.simulator.source import Source
from tvmon.simulator.upstream import WORST_DELAY_MS, is_short, usual_session


class LiveStream:
    """
    A stream and its history.

    What it says is :func:`tvmon.simulator.model.counters` and nothing else; kept is only what is
    asked for again and again: the chapter that holds, and the report, which changes every 15 s.
    All times are seconds since the simulator's start.

    :ivar id: its number, which the listing calls ``id``; unique in the simulator
    :ivar polls: how often it was asked
    """

    __slots__ = ("_chapter", "_report", "_reported", "channel", "id", "name", "polls", "source")

    def __init__(
        self, number: int, channel: Channel, name: str, source: Source, chapter: Chapter
    ) -> None:
        self.id = number
        self.channel = channel
        self.name = name
        self.source = source
        self.polls = 0
        self._turn(chapter)

    def _turn(self, chapter: Chapter) -> None:
        self._chapter = chapter
        self._report: Report | None = None
        self._reported: float | None = None

    @property
    def behaviour(self) -> Behaviour:
        """What it does now."""
        return self._chapter.behaviour

    def counters(self, at: float) -> Counters:
        """What its media server says of it at a moment."""
        chapter = model.current(self.source, self._chapter, at)
        if chapter is not self._chapter:
            self._turn(chapter)
        tick = model.report_time(self.source, chapter, at)
        if self._report is None or tick != self._reported:
            self._report = model.report(self.source, chapter, tick)
            self._reported = tick
        return model.counters(self.source, chapter, at, self._report)

    def change(self, behaviour: Behaviour, at: float) -> None:
        """Do something else from now on; its counters go on from where they are."""
        base = self.counters(at)
        started = self._chapter.started
        self._turn(model.begin(self.source, behaviour, at, base, started))

    def restart(self, at: float) -> None:
        """Its media server starts again: all counters at zero, the behaviour as it was."""
        self._turn(model.begin(self.source, self.behaviour, at))


def opening(source: Source, behaviour: Behaviour, seed: int, number: int) -> Chapter:
    """
    The chapter in which a stream is when the simulator starts, at 0.

    It has a past, of minutes where something is wrong with it, else of up to three days.
    """
    chance = random.Random(f"{seed}/{number}/past")  # noqa: S311 - a model, not a secret
    if behaviour.name == "restarting":
        age = chance.uniform(0, behaviour.number)
    elif behaviour.name == "delay":
        age = chance.uniform(0, 0.3) * WORST_DELAY_MS / behaviour.number
    elif is_short(source, behaviour):
        age = min(chance.uniform(0.1, 0.5) * usual_session(behaviour), chance.uniform(120, 900))
    else:
        age = 10 ** chance.uniform(3, 5.4)
    return model.begin(source, behaviour, -age)
