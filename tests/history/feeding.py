"""A board that is fed by hand, with a clock that is stepped by hand: for tests of the recorder."""

from __future__ import annotations

import subprocess
import unittest
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from tvmon.board import Board
from tvmon.entry import Scored
from tvmon.health import Scoring
from tvmon.history.files import Files
from tvmon.history.meters import HistoryMeters
from tvmon.history.names import Names
from tvmon.history.recorder import Recorder
from tvmon.history.rrd import Output, Rrd, RrdError
from tvmon.history.shelf import Shelf
from tvmon.history.sources import MACHINE_SOURCES
from tvmon.streams import Measurement, Sample, Stream, Timing
from tvmon.tiers import Tier

START = 1_700_000_100.0
"""A boundary of five minutes."""

SMALL = (Tier("5m", 300, 1), Tier("1h", 3600, 2))


def stream(number: int, server: str = "ingest", key: str = "") -> Stream:
    key = key or f"live/cam{number}"
    return Stream(server, key, None, f"{server}/{key}", "http://h/stat", number, "nginx-rtmp")


class Pipe:
    """A real rrdtool that is waited for, so that a test is over when its last line is."""

    def __init__(self, test: unittest.TestCase, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.commands: list[str] = []
        self.process = subprocess.Popen(
            ["rrdtool", "-"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        )
        test.addCleanup(self.close)

    def trouble(self) -> str | None:
        return None

    async def write(self, command: str) -> Output:
        return self.ask(command)

    async def read(self, command: str) -> Output:
        return self.ask(command)

    def ask(self, command: str) -> Output:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.commands.append(command)
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        lines: list[str] = []
        while True:
            line = self.process.stdout.readline().decode().rstrip("\n")
            if line.startswith("ERROR: "):
                raise RrdError(line.removeprefix("ERROR: "))
            if line.startswith("OK u:"):
                return Output(tuple(lines))
            lines.append(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)

    def rows(self, file: str, source: str, function: str, step: int, start: int, end: int) -> Any:
        """Time and value of each row of one archive that ends after start and not after end."""
        lines = self.ask(f"fetch {file} {function} -r {step} -s {start} -e {end - 1}").lines
        place = lines[0].split().index(source)
        found = {}
        for line in lines[2:]:
            time, values = line.split(": ")
            value = float(values.split()[place])
            found[int(time)] = None if value != value else value
        return found


class Feeding:
    """
    A recorder over a board.

    :ivar wall: by how much the wall clock is ahead of the stepped one
    """

    def __init__(self, rrd: Rrd, folder: Any, tiers: Sequence[Tier] = SMALL, **given: Any) -> None:
        self.clock = Clock()
        self.wall = START
        self.board = Board(Scoring())
        self.names = Names()
        folder.mkdir(exist_ok=True)
        self.files = Files(folder, tiers)
        self.files.look()
        self.shelf = Shelf(rrd, self.files, folder)
        self.kept: dict[int, list[Scored]] = {}
        self.registry = CollectorRegistry()
        self.recorder = Recorder(
            clock=self.clock,
            now=self.now,
            board=self.board,
            shelf=self.shelf,
            names=self.names,
            kept=given.pop("kept", self.kept_samples),
            machine=lambda: (1.0,) * len(MACHINE_SOURCES),
            meters=HistoryMeters(self.registry, lambda: True, self.files.__len__),
            sampling_seconds=3.0,
        )

    def now(self) -> float:
        return self.wall + self.clock.seconds()

    async def kept_samples(
        self, since: Mapping[int, float], before_seconds: float
    ) -> dict[int, list[Scored]]:
        """As the store tells them, oldest first."""
        return {
            number: [
                each
                for each in self.kept.get(number, [])
                if each.sample.time >= time - before_seconds
            ]
            for number, time in since.items()
        }

    def sample(self, number: int, **measured: Any) -> Sample:
        """A good sample of this moment, onto the board."""
        sample = Sample(
            self.now(), self.clock.seconds(), Measurement(**measured), timing=Timing(2.0, 5.0)
        )
        self._note(number, sample)
        return sample

    def fail(self, number: int, reason: str = "no answer") -> None:
        sample = Sample(self.now(), self.clock.seconds(), None, reason)
        self._note(number, sample)

    def _note(self, number: int, sample: Sample) -> None:
        self.board.note(number, sample)
        entry = self.board.get(number)
        score = None if entry is None else entry.health.whole.score
        self.kept.setdefault(number, []).append(Scored(sample, score))

    def step(self, seconds: float, each: float, do: Callable[[], object]) -> None:
        """So many seconds, with something done at the beginning of each part of them."""
        for _ in range(round(seconds / each)):
            do()
            self.clock.advance(each)

    def metric(self, name: str) -> float:
        value = self.registry.get_sample_value(name)
        assert value is not None, name
        return value
