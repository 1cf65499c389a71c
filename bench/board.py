"""
What a sample costs once its answer is there: to be read, noted on the board and judged.

    PYTHONPATH=. python bench/board.py [--streams 10000] [--rounds 5]

Healthy streams of a TVie media server, each polled every 3 s for as long as its window is; the
next rounds are measured.  Their rates swing as those of the recordings do, and the delay is
reported afresh every 15 s.  Three listeners are told and do nothing.  Times are of the processor,
the mean of all streams in the best of the rounds.  "tracked" are the objects that Python's garbage
collector walks through; a full collection stops everything else for as long as it takes.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import psutil

from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.health import Scoring
from tvmon.servers.tvie import parse_sample
from tvmon.streams import Level, Measurement, Sample, Stream, Timing
from tvmon.window import KEPT_SECONDS

SECONDS = 3.0
KBPS = 800
ANSWER = """total_gops: {gops}
upstream_opened_count: 1
upstream_connected_count: 1
upstream_connection_fail_count: 0
upstream_bytes_received: {received}
clients_connected: {clients}
total_clients_served: 31
total_bytes_sent: {sent}
live_delay_ms: {delay}
average_upstream_kbps: 552.598409
average_downstream_kbps: {sent_kbps:.6f}
stream_info_audiodatarate: 48
stream_info_videodatarate: 752
stream_info_audiocodecid: 10
stream_info_audiosamplesize: 16
stream_info_audiosamplerate: 44100
stream_info_stereo: 1
stream_info_videocodecid: 7
stream_info_framerate: 24
stream_info_width: 1024
stream_info_height: 576
"""


class Ear:
    """A listener that is told and does nothing."""

    def stream_put(self, entry: Entry) -> None: ...

    def stream_dropped(self, entry: Entry) -> None: ...

    def sample_noted(self, entry: Entry, sample: Sample) -> None: ...

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None: ...


class Source:
    """One stream, as its media server tells of it at each poll."""

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.polls = 0
        self.received, self.sent = self.random.randrange(10**11), self.random.randrange(10**11)
        self.delay = 0

    def answer(self) -> bytes:
        if self.polls % 5 == 0:
            self.delay = self.random.randint(-300, 900)
        self.polls += 1
        self.received += int(KBPS * 125 * SECONDS * self.random.uniform(0.75, 1.25))
        self.sent += int(KBPS * 125 * SECONDS * 3)
        return ANSWER.format(
            gops=self.polls,
            received=self.received,
            clients=self.random.randint(0, 50),
            sent=self.sent,
            delay=self.delay,
            sent_kbps=self.sent / 1e6,
        ).encode()


def resident() -> int:
    """The process's memory, bytes."""
    return int(psutil.Process().memory_info().rss)


def timed(work: Iterator[Any]) -> tuple[float, list[Any]]:
    """Seconds of the processor, and what was made."""
    began = time.process_time()
    made = list(work)
    return time.process_time() - began, made


def run(streams: int, rounds: int) -> None:
    sources = [Source(number) for number in range(streams)]
    gc.collect()
    gc.freeze()  # what is there now is not counted
    memory, objects = resident(), len(gc.get_objects())
    known = [
        Stream("bench", str(n), n, f"bench/stream{n}", f"http://bench/{n}", n, "tvie")
        for n in range(streams)
    ]
    board = Board(Scoring())
    for _ in range(3):
        board.listen(Ear())
    for stream in known:
        board.put(stream)
    parsing, noting = [], []
    filling = round(KEPT_SECONDS / SECONDS) + 2
    for turn in range(filling + rounds):
        answers = [source.answer() for source in sources]
        seconds, measured = timed(map(parse_sample, answers))
        parsing.append(seconds)
        samples = [sample(turn * SECONDS + n / streams, one) for n, one in enumerate(measured)]
        began = time.process_time()
        for stream, one in zip(known, samples, strict=True):
            board.note(stream.mms_stream_id, one)
        noting.append(time.process_time() - began)
    del answers, measured, samples, one
    gc.collect()
    memory, objects = resident() - memory, len(gc.get_objects()) - objects
    collecting, _ = timed(map(gc.collect, (2, 2, 2)))
    good = sum(entry.health.whole.level is Level.GOOD for entry in board.entries())
    rows = (
        ("parse_sample, µs a sample", f"{min(parsing[filling:]) / streams * 1e6:.1f}"),
        ("Board.note, µs a sample", f"{min(noting[filling:]) / streams * 1e6:.1f}"),
        ("memory, KiB a stream", f"{memory / streams / 1024:.1f}"),
        ("tracked objects a stream", f"{objects / streams:.1f}"),
        ("full collection, ms", f"{collecting / 3 * 1000:.0f}"),
        ("good streams, %", f"{100 * good / streams:.0f}"),
    )
    print(f"| {streams:,} streams, Python {platform.python_version()} | |")
    print("|---|---:|")
    for name, figure in rows:
        print(f"| {name} | {figure} |")


def sample(at: float, measured: Measurement) -> Sample:
    return Sample(1_700_000_000.0 + at, at, measured, None, Timing(1.0 + at % 1, 2.0 + at % 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run(options.streams, options.rounds)


if __name__ == "__main__":
    main()
