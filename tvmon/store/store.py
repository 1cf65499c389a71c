"""
The store: the board's streams and samples in PostgreSQL, in a ring of 200 a stream.

    embedded server (if wanted) -> connect -> writer lock -> schema -> load -> board -> write

Any of these may fail and is tried again, from the connect on, while samples wait in memory.
Loading is done once in the life of the process; after a later outage writing just goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.application.service import Service
from twisted.internet.base import ReactorBase
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.board import Board
from tvmon.config import EMBEDDED
from tvmon.entry import Scored, utc
from tvmon.store import queries
from tvmon.store.address import Address
from tvmon.store.database import Session, Transaction, text
from tvmon.store.embedded import Embedded
from tvmon.store.errors import Away, Unusable
from tvmon.store.history import History
from tvmon.store.line import Line
from tvmon.store.loading import load, newest_numbers
from tvmon.store.lock import WriterLock, writer_name
from tvmon.store.meters import StoreMeters
from tvmon.store.migrations import migrate, migrations
from tvmon.store.outage import Outages
from tvmon.store.writer import Writer
from tvmon.streams import Sample, Stream

FLUSH_SECONDS = 1.8
"""At the stop, how long samples that wait may take to be written."""

STOP_SECONDS = 3.2
"""
At the stop, how long all of it may take: what the daemon has, less what samplers need to end.
The embedded server has what the samples leave, 1.4 s at least; one that is killed for want of
time loses nothing, and recovers at its next start.
"""


class Store(Service):
    """
    Keeps streams and samples in a database, and puts them back on the board after a start.

    :param now: wall clock, seconds since 1970
    :param url: a libpq URL or key=value string, or ``embedded``
    :param directory: where the embedded server's data lies
    :param keep_gone_seconds: how long a stream that is gone keeps its samples; may be changed
        later by the attribute of this name
    :param refused: told once why tvmon must not write to this database
    :param configured: a stream of the database with what the configuration says of it
    :param loaded: told once which streams were there, after they were put on the board
    :param removed: told which streams were removed, since they were gone for longer
    :param writer: what the process calls its sessions, :func:`writer_name`; the same for all
        stores that follow one another in it, so that none is taken for another tvmon
    """

    name: str | None = "store"
    log = Logger()

    def __init__(
        self,
        *,
        reactor: ReactorBase,
        now: Callable[[], float],
        board: Board,
        url: str,
        directory: Path,
        registry: CollectorRegistry,
        keep_gone_seconds: float,
        refused: Callable[[str], None],
        loaded: Callable[[Sequence[Stream]], None],
        configured: Callable[[Stream], Stream] = lambda stream: stream,
        removed: Callable[[Sequence[int]], None] = lambda _: None,
        writer: str | None = None,
    ) -> None:
        self._reactor, self._now, self._board = reactor, now, board
        self._url, self._refused = url, refused
        self._loaded, self._configured = loaded, configured
        self._meters = StoreMeters(
            registry, lambda: self.trouble() is None, lambda: self.waiting_rows
        )
        self._writer = Writer(
            clock=reactor,
            now=now,
            board=board,
            meters=self._meters,
            keep_gone_seconds=keep_gone_seconds,
            removed=removed,
        )
        self._history = History(reactor, now, board, self._writer)
        self._outages = Outages(reactor, now, self._meters, lambda: self.waiting_rows)
        self._embedded = Embedded(reactor, directory) if url == EMBEDDED else None
        self._name = writer or writer_name()
        self._lock = WriterLock(reactor, self._name)
        self._lines: tuple[Line, ...] = ()
        self._unlisten: Callable[[], None] = lambda: None
        self._is_loaded = False
        self._unusable: str | None = None
        self._address: Address | None = None
        self._drained: Deferred[None] | None = None
        self._takes_over: Deferred[None] | None = None
        self._has_started = False

    @property
    def keep_gone_seconds(self) -> float:
        """How long a stream that is gone keeps its samples."""
        return self._writer.keep_gone_seconds

    @keep_gone_seconds.setter
    def keep_gone_seconds(self, seconds: float) -> None:
        self._writer.keep_gone_seconds = seconds

    @property
    def waiting_rows(self) -> int:
        """How many samples are not written yet."""
        return self._writer.waiting_rows

    def prepare(self) -> None:
        """
        Look whether the store can be started, and hold the embedded server's directory.

        It blocks, for seconds at worst: while the daemon runs it belongs into a thread.
        :meth:`startService` does it where it was not done; :meth:`stopService` undoes it, of a
        store that was never started, too.

        :raises SystemExit: where an operator must put something right first
        """
        if self._embedded is not None:
            self._embedded.prepare()
            self._url = self._embedded.url
        try:
            self._address = Address(self._url, self._name)
        except ValueError as problem:
            raise SystemExit(f"tvmon: [database] url: {problem}") from None

    def startService(self) -> None:
        """
        Begin to connect, and to listen to the board.

        :raises SystemExit: as :meth:`prepare`
        """
        self._listen()
        self._begin()

    async def take_over(self, old: Store) -> None:
        """
        Start in place of another store, and stop that one; no sample is lost between the two.

        What the old one cannot write to its own database any more comes into this one's.

        :raises SystemExit: as :meth:`prepare`; the old one goes on then
        """
        self._listen()
        done = self._takes_over = Deferred[None]()
        try:
            await old._end(self._writer)
        finally:
            self._takes_over = None
            # Not where somebody stopped this one, too, meanwhile.
            if self.running:
                self._begin()
            done.callback(None)

    def stopService(self) -> Deferred[None]:
        """
        Write what waits, hang up, and stop the embedded server; nothing is left.

        All of it is done in its order, however the caller's patience ends: who cancels it
        only makes it give up what waits.
        """
        return self._end(None)

    def trouble(self) -> str | None:
        """Why the database does not take what it is given; ``None`` while it does."""
        if self._unusable is not None:
            return self._unusable
        if not self.running:
            return "stopped" if self._has_started else "not started"
        away = self._outages.now_away
        if away is not None:
            why = away.why
            if self._embedded is not None and self._embedded.trouble is not None:
                why = self._embedded.trouble
            if not self._is_loaded:
                return f"not loaded yet: {why}"
            return f"database is away since {utc(away.since)}: {why}"
        if self._writer.refusal is not None:
            return f"database refuses samples: {self._writer.refusal}"
        return None

    async def history(self, mms_stream_id: int, limit: int) -> list[Sample]:
        """
        The kept samples of one stream, newest first.

        :raises Away: the database cannot be asked now
        :raises LookupError: nobody knows this stream
        """
        return await self._history.of(self._reading(), mms_stream_id, limit)

    async def scored(self, since: Mapping[int, float], before: float) -> dict[int, list[Scored]]:
        """As :meth:`tvmon.store.history.History.scored`."""
        return await self._history.scored(self._reading(), since, before)

    def _reading(self) -> Session:
        session = self._lines[1].session if self._lines else None
        if session is None or not self._is_loaded:
            raise Away(self.trouble() or "not connected")
        return session

    def _listen(self) -> None:
        if self._address is None:
            self.prepare()
        super().startService()
        self._has_started = True
        self._outages.begin("starting")
        for entry in self._board.entries():
            self._writer.stream_put(entry)
        self._unlisten = self._board.listen(self._writer)

    def _begin(self) -> None:
        assert self._address is not None
        self._lines = (
            Line(self._reactor, self._address, self._write, self._outages.lost),
            Line(self._reactor, self._address, self._read, lambda _: None),
        )
        if self._embedded is None:
            self._connect()
        else:
            self._embedded.start(self._connect)

    def _connect(self) -> None:
        # From here on a database that does not answer is worth a line, not from initdb on.
        self._outages.begin("connecting")
        for line in self._lines:
            line.start()

    async def _write(self, session: Session) -> None:
        try:
            await self._lock.take(session)
            steps = migrations()
            if await migrate(session, steps) < len(steps):
                self.log.info("the schema is now of version {version}", version=len(steps))
            was_ours = await self._claim(session)
            if not self._is_loaded:
                await self._load(session)
            elif not was_ours:
                self._writer.begin_again(await newest_numbers(session))
        except Unusable as problem:
            self._unusable = str(problem)
            self._unlisten()
            self.log.error("{why}", why=self._unusable)
            self._refused(self._unusable)
            raise
        self._outages.found()
        await self._writer.run(session)

    async def _read(self, session: Session) -> None:
        await session.over()

    async def _claim(self, session: Session) -> bool:
        """Sign as the writer; whether this process was the one before, too."""

        async def work(transaction: Transaction) -> bool:
            last = await transaction.query(queries.LAST_WRITER, (), text)
            await transaction.execute(queries.CLAIM, (self._name, self._now()))
            return last == [self._name]

        return await session.transaction(work)

    async def _load(self, session: Session) -> None:
        began = self._reactor.seconds()
        gone = self._writer.saw_gone
        known, numbers, streams = await load(
            session, self._board, self._configured, gone, self._reactor, self._now
        )
        self._writer.begin(known, numbers)
        self._is_loaded = True
        self.log.info(
            "{count} streams loaded from the database in {seconds:.1f} s",
            count=len(streams),
            seconds=self._reactor.seconds() - began,
        )
        self._loaded(streams)

    def _end(self, heir: Writer | None) -> Deferred[None]:
        """
        Come to an end; cancelled, give up what waits, and come to an end.

        :param heir: who takes what could not be written
        """
        super().stopService()
        waiter: Deferred[None] = Deferred(lambda _: self._hurry())

        def relay(result: Failure | None) -> None:
            if not waiter.called:
                waiter.callback(result)
            elif result is not None:
                self.log.failure("the store did not stop in good order", result)

        Deferred.fromCoroutine(self._stop(heir)).addBoth(relay)
        return waiter

    def _hurry(self) -> None:
        if self._drained is not None:
            self._drained.cancel()

    async def _stop(self, heir: Writer | None) -> None:
        self._unlisten()
        give_up = self._reactor.seconds() + STOP_SECONDS
        if self._takes_over is not None:
            await self._takes_over
        try:
            await self._drain()
            lines, self._lines = self._lines, ()
            for line in lines:
                await line.stop()
            if heir is not None:
                heir.inherit(self._writer)
            elif self._writer.waiting_rows:
                self.log.warn(
                    "{count} samples were not written before the stop",
                    count=self._writer.waiting_rows,
                )
        finally:
            if self._embedded is not None:
                await self._embedded.stop(give_up - self._reactor.seconds())

    async def _drain(self) -> None:
        if not self._lines or self._outages.now_away is not None or self._unusable is not None:
            return
        drained = self._drained = self._writer.drain()
        drained.addTimeout(FLUSH_SECONDS, self._reactor)
        try:
            await drained
        except (TookTooLong, CancelledError):
            self.log.warn("the database did not take all samples in time")
        finally:
            self._drained = None
