"""
What writing history costs: five minutes of many streams, while every stream is sampled on.

    PYTHONPATH=. python bench/history.py [--streams 10000] [--rounds 3] [--folder DIR]

A board whose every stream gets a sample each three seconds, evenly spread, as samplers would
bring them; a wall clock that is set ahead to the next boundary, so that everybody's five minutes
are written at once.  A beat each millisecond tells by how much that makes a sample late, beside
the same time before it, in which nothing is written.
The first round makes the files.  The archives are as many as by default, but shorter: 10,000
files of 10 MB are 100 GB.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.history.engine import Engine
from tvmon.history.files import Files
from tvmon.history.meters import HistoryMeters
from tvmon.history.names import Names
from tvmon.history.recorder import GRACE_SECONDS, Recorder
from tvmon.history.shelf import Shelf
from tvmon.history.sources import MACHINE_SOURCES
from tvmon.streams import Measurement, Sample, Stream, Timing
from tvmon.tiers import parse_tier

reactor: Any = _reactor
TIERS = tuple(map(parse_tier, ("5m:1d", "30m:2d", "1h:4d", "6h:8d", "1d:16d")))


class Bench:
    def __init__(self, streams: int, folder: Path) -> None:
        self.streams, self.ahead = streams, 0.0
        self.board = Board(Scoring())
        self.engine = Engine(reactor=reactor, folder=folder, registry=CollectorRegistry())
        self.engine.startService()
        registry = CollectorRegistry()
        files = Files(folder, TIERS)
        files.look()
        self.meters = HistoryMeters(registry, lambda: True, lambda: 0)
        self.registry = registry
        self.recorder = Recorder(
            clock=reactor,
            now=lambda: time.time() + self.ahead,
            board=self.board,
            shelf=Shelf(self.engine, files, folder),
            names=Names(),
            kept=lambda number, limit: None,  # type: ignore[arg-type,return-value]
            machine=lambda: (0.0,) * len(MACHINE_SOURCES),
            meters=self.meters,
            sampling_seconds=3.0,
        )
        self.next, self.sampled, self.due = 0, 0, time.monotonic()
        self.late: list[float] = []
        self.cost = 0.0

    def beat(self) -> None:
        now = time.monotonic()
        self.late.append(max(0.0, now - self.due))
        self.due = now + 0.001
        wanted = int((now - self.began) * self.streams / 3)
        began = time.thread_time()
        for _ in range(min(200, wanted - self.sampled)):
            self.sampled += 1
            number = self.sampled % self.streams
            count = int(1e5 * now)
            measured = Measurement(
                upstream_bytes_received=count,
                total_bytes_sent=3 * count,
                clients_connected=7,
                live_delay_ms=900,
                stream_info_videodatarate=700,
                stream_info_audiodatarate=100,
            )
            sample = Sample(time.time() + self.ahead, now, measured, timing=Timing(1.0, 2.0))
            self.board.note(number, sample)
        self.cost += time.thread_time() - began

    def take(self) -> str:
        late, self.late = sorted(self.late), []
        times = (late[len(late) * 99 // 100], late[-1])
        return "p99 {:5.1f} ms, most {:5.1f} ms".format(*(1000 * seconds for seconds in times))

    def written(self) -> float:
        return self.registry.get_sample_value("tvmon_history_buckets_written_total") or 0.0

    async def run(self, rounds: int) -> None:
        for number in range(self.streams):
            key = f"live/{number}"
            self.board.put(Stream("bench", key, None, key, "http://bench/", number, "nginx-rtmp"))
        self.recorder.startService()
        self.began = self.due = time.monotonic()
        gc.freeze()
        gc.disable()  # as the daemon does
        beats = LoopingCall(self.beat)
        beats.start(0.001)
        await deferLater(reactor, 6)
        for number in range(rounds):
            self.late.clear()
            cpu, seconds = time.process_time(), 6.0
            await deferLater(reactor, seconds)
            quiet = (time.process_time() - cpu) / seconds
            print(f"round {number + 1}: nothing written   a beat is late by {self.take()}")
            before, cpu, began = self.written(), time.process_time(), time.monotonic()
            now = time.time() + self.ahead
            self.ahead += 300 - now % 300 + GRACE_SECONDS
            while self.written() < before + self.streams or self.recorder.is_writing:
                await deferLater(reactor, 0.05)
            took = time.monotonic() - began
            own = time.process_time() - cpu - quiet * took
            count = self.written() - before
            print(
                f"round {number + 1}: {count:.0f} rows       a beat is late by {self.take()}"
                f"   {took:.1f} s, {1e6 * own / count:.0f} us of our time a row"
            )
        beats.stop()
        print(f"a sample on board and in its bucket: {1e6 * self.cost / self.sampled:.0f} us")
        await self.recorder.stopService()
        await self.engine.stopService()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="tvmon-bench-"))
    try:
        work = Deferred.fromCoroutine(Bench(options.streams, folder).run(options.rounds))
        work.addErrback(lambda failure: failure.printTraceback())
        work.addBoth(lambda _: reactor.stop())
        reactor.run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
