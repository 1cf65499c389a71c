"""
What it costs to keep a sample: tvmon's own time, and PostgreSQL's, process by process.

    PYTHONPATH=. python bench/store.py                     10,000 streams for five minutes
    PYTHONPATH=. python bench/store.py --against CHECKOUT  beside another tvmon, at the same time

The store and its embedded server as they are, a table that is full, 200 rows of each stream, and
each stream's next sample every three seconds, evenly spread, as samplers would bring them.  What
it takes to make the samples is taken off, and so is what the same loop takes without any.  With
``--against`` both run side by side, so that whatever else the machine does meets both of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg2
from prometheus_client import CollectorRegistry
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from tvmon.board import Board, Listener
from tvmon.entry import Entry
from tvmon.health import Scoring
from tvmon.store import Store
from tvmon.store.cluster import DATABASE, ROLE
from tvmon.store.rows import COLUMNS
from tvmon.streams import Measurement, Sample, Stream, Timing

reactor: Any = _reactor
BEAT_SECONDS = 0.05
EVERY_SECONDS = 3.0
IDLE_SECONDS = 5.0
RING = 200

SIZES = "SELECT pg_table_size('mms_samples'), pg_indexes_size('mms_samples')"
UPDATES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'mms_samples'"
_names = [name for name, _ in COLUMNS]
_other = {"slot": "n % 200", "sample_no": "n", "sample_time": "sample_time + n * interval '3 s'"}
FILL = (
    f"INSERT INTO mms_samples ({', '.join(_names)})"  # our own columns
    f" SELECT {', '.join(_other.get(name, name) for name in _names)}"
    " FROM generate_series(2, 200) AS n"
    # Again and again in the order in which the streams are sampled.
    " CROSS JOIN LATERAL (SELECT *, n AS z FROM mms_samples WHERE slot = 1 OFFSET 0) s"
)


class Feed(Board):
    """A board that judges nothing, so that what is measured is the store."""

    listener: Listener

    def listen(self, listener: Listener) -> Any:
        """The store is the only one."""
        self.listener = listener
        return super().listen(listener)

    def restore(self, stream: Stream, *_: Any) -> None:
        """As it would be without a past."""
        self.put(stream)


class Server:
    """The embedded server's processes, by what each of them is for."""

    def __init__(self, folder: Path) -> None:
        self.pid = int((folder / "data/postmaster.pid").read_text().split()[0])
        self.connection = psycopg2.connect(host=folder / "run", user=ROLE, dbname=DATABASE)
        self.connection.autocommit = True
        self.used: dict[tuple[int, str], float] = {}

    def ask(self, sql: str) -> Any:
        """The first row of the answer."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()

    def pids(self) -> list[int]:
        """All but that of our own questions."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        own = self.connection.info.backend_pid
        return [self.pid, *(int(child) for child in children if int(child) != own)]

    def look(self) -> None:
        """Note each one's processor time; one that ends between two looks keeps its last."""
        for pid in self.pids():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
                nanoseconds = Path(f"/proc/{pid}/schedstat").read_text().split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            name = words.removeprefix("postgres: ").rstrip() if pid != self.pid else "postmaster"
            name = "backends" if name.startswith("tvmon ") else name.rstrip(" 0123456789")
            name = "autovacuum" if name.startswith("autovacuum") else name
            self.used[pid, name] = int(nanoseconds) / 1e9

    def seconds(self) -> Counter[str]:
        """Processor time of each kind until now."""
        self.look()
        kinds: Counter[str] = Counter()
        for (_, name), seconds in self.used.items():
            kinds[name] += seconds
        return kinds

    def memory(self) -> tuple[float, float]:
        """The sums of RSS, which counts what is shared for each, and of PSS; MiB."""
        sums = [0, 0]
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                words = line.split()
                if words[0] in {"Rss:", "Pss:"}:
                    sums[words[0] == "Pss:"] += int(words[1])
        return sums[0] / 1024, sums[1] / 1024


class Bench:
    """One store, on a folder of its own."""

    def __init__(self, streams: int, folder: Path) -> None:
        self.count, self.folder = streams, folder
        names = [f"cust/channel{number}/live" for number in range(streams)]
        self.streams = [
            Stream.of("east", name, number, f"east/{name}", f"http://10.0.0.1/{name}")
            for number, name in enumerate(names)
        ]
        self.entries = [Entry(stream, 1) for stream in self.streams]
        self.noted = 0
        self.started: float | None = None
        self.making = self.most = self.last = 0.0

    async def up(self) -> Store:
        loaded = Deferred[None]()
        self.board = Feed(Scoring())
        self.store = Store(
            reactor=reactor,
            now=time.time,
            board=self.board,
            url="embedded",
            directory=self.folder,
            registry=CollectorRegistry(),
            keep_gone_seconds=1e9,
            refused=lambda why: loaded.errback(RuntimeError(why)),
            loaded=lambda _: loaded.callback(None),
        )
        self.store.startService()
        await loaded
        return self.store

    async def written(self) -> None:
        await deferLater(reactor, 1.0)
        while self.store.waiting_rows:
            await deferLater(reactor, 0.05)

    def sample(self, index: int) -> Sample:
        now, count = time.time(), int(time.time() * 1e5)
        measured = Measurement(
            total_gops=count // 10**6,
            upstream_opened_count=1,
            upstream_connected_count=1,
            upstream_connection_fail_count=0,
            upstream_bytes_received=count,
            clients_connected=index % 50,
            total_clients_served=1000 + index,
            total_bytes_sent=3 * count,
            live_delay_ms=900 + index % 100,
            average_upstream_kbps=801.25 + index % 7,
            average_downstream_kbps=1602.5 + index % 9,
            stream_info_audiodatarate=48,
            stream_info_videodatarate=752,
            stream_info_audiocodecid=10,
            stream_info_audiosamplesize=16,
            stream_info_audiosamplerate=44100,
            stream_info_stereo=1,
            stream_info_videocodecid=7,
            stream_info_framerate=25,
            stream_info_width=1280,
            stream_info_height=720,
        )
        timing = Timing(1000 * (now % 0.001) + 3, 1000 * (now % 0.002) + 5)
        return Sample(now, now, measured, timing=timing)

    def note(self, indexes: list[int]) -> None:
        """A new sample of each of these; the making of it is not the store's."""
        began = time.thread_time()
        new = [(self.entries[index], self.sample(index)) for index in indexes]
        self.making += time.thread_time() - began
        noted = self.board.listener.sample_noted
        for entry, sample in new:
            noted(entry, sample)
        self.noted += len(new)

    def beat(self) -> None:
        """The samples that are due; and how long the store was busy since the last beat."""
        used = time.thread_time() - self.making
        self.most, self.last = max(self.most, used - self.last), used
        if self.started is not None:
            elapsed = time.monotonic() - self.started
            due = int(elapsed / EVERY_SECONDS * self.count) - self.noted
            self.note([(self.noted + more) % self.count for more in range(due)])

    async def fill(self) -> None:
        """All 200 rows of each stream."""
        store = await self.up()
        for stream in self.streams:
            self.board.put(stream)
        await deferLater(reactor, 2.0)
        self.note(list(range(self.count)))
        await self.written()
        server = Server(self.folder)
        for statement in (FILL, "VACUUM ANALYZE mms_samples"):
            server.connection.cursor().execute(statement)
        server.connection.close()
        await store.stopService()
        self.noted = 0

    async def run(self, seconds: float) -> dict[str, Any]:
        """Sample, and say what it cost."""
        await self.fill()
        store = await self.up()
        server = Server(self.folder)
        for stream in self.streams:
            self.board.put(stream)
        await self.written()
        gc.freeze()
        gc.disable()  # as the daemon does
        beats = LoopingCall(self.beat)
        beats.start(BEAT_SECONDS)
        own = time.process_time()
        await deferLater(reactor, IDLE_SECONDS)
        idle = (time.process_time() - own) / IDLE_SECONDS
        self.started, self.making = time.monotonic(), 0.0
        await deferLater(reactor, 10.0)  # until all is as it stays
        looks = LoopingCall(server.look)
        before, noted, own, making = server.seconds(), self.noted, time.process_time(), self.making
        began, self.most, self.last = time.monotonic(), 0.0, time.thread_time() - self.making
        position, sizes, updates = (
            server.ask(q) for q in ("SELECT pg_current_wal_insert_lsn() - '0/0'", SIZES, UPDATES)
        )
        looks.start(1.0)
        await deferLater(reactor, seconds)
        most, elapsed = self.most, time.monotonic() - began
        own = time.process_time() - own - idle * elapsed - (self.making - making)
        rows, used = self.noted - noted, server.seconds()
        used.subtract(before)
        wal = server.ask("SELECT pg_current_wal_insert_lsn() - '0/0'")[0] - position[0]
        looks.stop()
        self.started = None
        await self.written()
        await deferLater(reactor, 2.0)  # the server counts with a delay
        all_updates, hot = (b - a for a, b in zip(updates, server.ask(UPDATES), strict=True))
        table, index = (b - a for a, b in zip(sizes, server.ask(SIZES), strict=True))
        rss, pss = server.memory()
        beats.stop()
        server.connection.close()
        await store.stopService()
        return {
            "rows": f"{rows}",
            "tvmon, us a row": f"{1e6 * own / rows:.1f}",
            "PostgreSQL, us a row": f"{1e6 * sum(used.values()) / rows:.1f}",
            **{f"- {name}": f"{1e6 * used[name] / rows:.2f}" for name in sorted(used)},
            "WAL, bytes a row": f"{wal / rows:.0f}",
            "HOT updates, %": f"{100 * hot / max(1, all_updates):.2f}",
            "table, MB": f"{(sizes[0] + table) / 1e6:.0f}, {table / 1e6:+.1f}",
            "index, MB": f"{(sizes[1] + index) / 1e6:.0f}, {index / 1e6:+.1f}",
            f"most of tvmon's time within {1000 * BEAT_SECONDS:.0f} ms, ms": f"{1000 * most:.1f}",
            "PostgreSQL's RSS, PSS, MiB": f"{rss:.0f}, {pss:.0f}",
        }


def child(streams: int, seconds: float, folder: Path) -> None:
    """Measure the tvmon that is on the path."""
    results: list[dict[str, Any]] = []
    work = Deferred.fromCoroutine(Bench(streams, folder).run(seconds))
    work.addCallbacks(results.append, lambda failure: failure.printTraceback())
    work.addBoth(lambda _: reactor.stop())
    reactor.run()
    print(json.dumps(results[0]))


def main() -> None:
    """Measure one tvmon or two, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--against", type=Path, help="a checkout of another tvmon")
    parser.add_argument("--folder", type=Path, help="where the databases lie, 3 GB each")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.streams, options.seconds, options.child)
        return
    here = Path(__file__).resolve().parent.parent
    checkouts = {"this": here} | ({"against": options.against} if options.against else {})
    folder = Path(tempfile.mkdtemp(prefix="tvmon-bench-", dir=options.folder))
    folder.chmod(0o711)
    processes: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, checkout in checkouts.items():
            words = [sys.executable, __file__, "--child", str(folder / name)]
            words += ["--streams", str(options.streams), "--seconds", str(options.seconds)]
            environment = {**os.environ, "PYTHONPATH": str(checkout)}
            processes[name] = subprocess.Popen(
                words, env=environment, stdout=subprocess.PIPE, text=True
            )
        found = {
            name: json.loads(process.communicate()[0].splitlines()[-1])
            for name, process in processes.items()
        }
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"| {options.streams} streams, {options.seconds:.0f} s", *found, sep=" | ", end=" |\n")
    print("|---|" + "---|" * len(found))
    for line in dict.fromkeys(line for result in found.values() for line in result):
        print(f"| {line}", *(r.get(line, "") for r in found.values()), sep=" | ", end=" |\n")


if __name__ == "__main__":
    main()
