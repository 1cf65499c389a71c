"""A store on a real PostgreSQL, something to put into it, and a watch over the reactor."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any, cast

from prometheus_client import CollectorRegistry
from twisted.internet import reactor as installed_reactor
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests import postgres
from tests.waiting import until
from tvmon.board import Board
from tvmon.health import Scoring
from tvmon.store import Store
from tvmon.store.address import Address
from tvmon.store.database import Session
from tvmon.streams import Measurement, Sample, Stream

reactor = cast(ReactorBase, installed_reactor)

BEAT_SECONDS = 0.005

OURS_SECONDS = 0.05
"""How long the daemon may compute without a break: processor time of the reactor's thread."""

NOISE_SECONDS = 0.75
"""
How long it may be away in all, by the clock.  A call that blocks blocks for seconds; this leaves
room for a machine on which other work takes the processor away for some tenths of one.
"""


def stream(number: int, server: str = "media1", **other: Any) -> Stream:
    """One of many streams."""
    values = {
        "server": server,
        "key": f"cust/channel{number}/live",
        "stream_id": number,
        "unify_name": f"{server}[10.0.0.1]/cust/Kanal {number}/live",
        "sample_interface": f"http://10.0.0.1/tag_live_monitor/cust/channel{number}/live",
        **other,
    }
    return Stream.of(**values)


def measurement(count: int, **other: Any) -> Measurement:
    """What a healthy stream says; ``total_gops`` counts its samples."""
    values: dict[str, Any] = {
        "total_gops": count,
        "upstream_opened_count": 1,
        "upstream_bytes_received": 300_000 * count,
        "total_bytes_sent": 600_000 * count,
        "clients_connected": 2,
        "live_delay_ms": -12,
        "average_upstream_kbps": 801.25,
        "stream_info_audiodatarate": 48,
        "stream_info_videodatarate": 752,
        **other,
    }
    return Measurement(**values)


class Watch:
    """Measures how long the reactor had no turn for others."""

    def __init__(self) -> None:
        self.away = self.ours = 0.0
        # What the tests before have heaped up is not the daemon's to be collected.
        gc.collect()
        gc.freeze()
        self._at, self._cpu = time.monotonic(), time.thread_time()
        self._loop = LoopingCall(self._beat)
        self._loop.start(BEAT_SECONDS, now=False)

    def _beat(self) -> None:
        at, cpu = time.monotonic(), time.thread_time()
        self.away = max(self.away, at - self._at)
        self.ours = max(self.ours, cpu - self._cpu)
        self._at, self._cpu = at, cpu

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
            gc.unfreeze()


class Load:
    """Notes a sample of each stream, again and again; ``total_gops`` is the sample's number."""

    def __init__(self, board: Board, streams: Sequence[Stream], seconds: float) -> None:
        self.noted = 0
        self._board = board
        self._streams = streams
        self._loop = LoopingCall(self.note)
        self._loop.start(seconds)

    def note(self) -> None:
        self.noted += 1
        for one in self._streams:
            sample = Sample(time.time(), reactor.seconds(), measurement(self.noted))
            self._board.note(one.mms_stream_id, sample)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()


class StoreCase(TestCase):
    """Stores and servers of one test; all are ended after it, and nothing may be left."""

    timeout = 120

    def setUp(self) -> None:
        self.board = Board(Scoring())
        self.registry = CollectorRegistry()
        self.refused: list[str] = []
        self.loaded: list[list[Stream]] = []

    def server(self, **options: Any) -> postgres.Postgres:
        """A server of this test's own, started."""
        server = postgres.Postgres(**{"fsync": "off", **options})
        self.addCleanup(server.close)
        server.start()
        return server

    def database(self) -> str:
        """The URL of an empty database on the shared server; see :meth:`sql`."""
        context = postgres.database()
        url, self.name = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return url

    def sql(self, text: str, *parameters: object) -> list[Any]:
        """Ask the database of :meth:`database`."""
        return postgres.shared().sql(text, *parameters, database=self.name)

    def directory(self) -> Path:
        """A directory that the unprivileged user can reach, too."""
        path = Path(tempfile.mkdtemp(prefix="tvmon-test-store-"))
        path.chmod(0o711)
        self.addCleanup(rmtree, path, ignore_errors=True)
        return path

    def store(self, url: str, **other: Any) -> Store:
        """A store, not started."""
        options: dict[str, Any] = {
            "reactor": reactor,
            "now": time.time,
            "board": self.board,
            "url": url,
            "directory": Path("/nonexistent"),
            "registry": self.registry,
            "keep_gone_seconds": 7 * 86400.0,
            "refused": self.refused.append,
            "loaded": lambda streams: self.loaded.append(list(streams)),
            **other,
        }
        return Store(**options)

    def start(self, url: str, **other: Any) -> Store:
        """A store, started; stopped after the test if it runs still."""
        store = self.store(url, **other)
        store.startService()
        self.addCleanup(lambda: store.stopService() if store.running else None)
        return store

    async def up(self, store: Store, seconds: float = 20.0) -> Store:
        """The store, as soon as the database takes what it is given, and can be asked."""

        def is_up() -> bool:
            return store.trouble() is None and store._lines[1].session is not None

        try:
            await until(is_up, seconds, "the store is up")
        except AssertionError:
            raise AssertionError(f"not up: {store.trouble()}") from None
        return store

    async def written(self, seconds: float = 30.0) -> None:
        """Return when nothing waits any more."""
        await until(lambda: self.metric("tvmon_pending_rows") == 0, seconds, "all is written")

    async def more_is_written(self) -> None:
        """Return as soon as one more batch was written."""
        written = self.metric("tvmon_rows_written_total")
        await until(lambda: self.metric("tvmon_rows_written_total") != written, 30)

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)

    async def session(self, url: str, name: str = "tvmon test") -> Session:
        """A session of the test's own, closed after it."""
        session = Session(reactor, Address(url, name))
        self.addCleanup(session.close)
        await session.open()
        return session

    def watch(self) -> Watch:
        """A watch over the reactor, from now on."""
        watch = Watch()
        self.addCleanup(watch.stop)
        return watch

    def load(self, streams: Sequence[Stream], seconds: float = 0.05) -> Load:
        """Put these streams on the board and note samples of them from now on."""
        for one in streams:
            self.board.put(one)
        load = Load(self.board, streams, seconds)
        self.addCleanup(load.stop)
        return load

    def assert_never_blocked(self, watch: Watch) -> None:
        watch.stop()
        self.assertLess(watch.ours, OURS_SECONDS, "computed too long without a break")
        self.assertLess(watch.away, NOISE_SECONDS, "something blocked the reactor")

    def assert_nothing_left(self) -> None:
        """No delayed call but the one that bounds the test."""
        left = [str(call) for call in reactor.getDelayedCalls()]
        self.assertEqual([call for call in left if "onTimeout" not in call], [])

    def assert_all_there(self, server: postgres.Postgres, load: Load, streams: int) -> None:
        """Each sample that was noted is there once, in its place, and none is not."""
        rows = server.sql(
            "SELECT count(*), min(n), max(n), sum(rows), sum(wrong) FROM (SELECT max(sample_no) n,"
            " count(*) AS rows, count(*) FILTER (WHERE sample_no <> total_gops) wrong"
            " FROM mms_samples GROUP BY mms_stream_id) s"
        )
        kept = min(load.noted, 200)
        self.assertEqual(rows, [(streams, load.noted, load.noted, streams * kept, 0)])


def in_thread(work: Callable[[], object]) -> Deferred[object]:
    """Do something that blocks, while the reactor runs on."""
    return deferToThread(work)
