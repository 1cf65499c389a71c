"""
Listens to the board and writes what it hears, in batches, at most a second later.

A row gets its number when its batch is made, and keeps it: a batch of which nobody knows
whether it was written, as the connection was lost over it, is written again with the same
numbers into the same slots.  So nothing is doubled and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tvmon.alarm import Alarm
from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.store import queries
from tvmon.store.database import Session, integer
from tvmon.store.delivery import Delivery
from tvmon.store.errors import Away, DatabaseError, QueryTimeout, Refused
from tvmon.store.meters import StoreMeters
from tvmon.store.pending import Pending
from tvmon.store.queries import RING
from tvmon.store.rows import Row, StreamState, learned_columns
from tvmon.streams import Sample, Stream

BATCH_ROWS = 1000
"""Rows, and streams, of one statement."""

FLUSH_SECONDS = 0.4
"""How long the first row of a batch waits for company; a row may see two such waits."""

PING_SECONDS = 5.0
"""With nothing to write, the server is asked so often whether it is there."""

RETRY_SECONDS = 1.0
"""After a refusal for which the values are not at fault."""

FIRST_REMOVE_SECONDS = 60.0
REMOVE_SECONDS = 3600.0
"""How often streams are removed that are gone for long; the first time a minute after start."""

REMOVE_STREAMS = 20
"""Streams removed in one statement, with their 200 rows each."""


class Writer:
    """
    The one that writes; a :class:`tvmon.board.Listener`.

    :param now: wall clock, seconds since 1970
    :param keep_gone_seconds: how long a stream that is gone keeps its samples
    :param removed: told of streams that were removed since they were gone for longer
    :ivar keep_gone_seconds: as the parameter; may be changed at any time
    :ivar refusal: why the database, although it is there, does not take what it is given
    """

    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        now: Callable[[], float],
        board: Board,
        meters: StoreMeters,
        keep_gone_seconds: float,
        removed: Callable[[Sequence[int]], None] = lambda _: None,
    ) -> None:
        self.keep_gone_seconds = keep_gone_seconds
        self.refusal: str | None = None
        self._clock = clock
        self._now = now
        self._tell_removed = removed
        self._board = board
        self._meters = meters
        self._pending = Pending()
        self._batch: list[Row] = []
        self._alarm = Alarm(clock)
        self._since: float | None = None
        self._asked = clock.seconds()
        self._remove_at = clock.seconds() + FIRST_REMOVE_SECONDS
        self._removed = 0
        self._drained: Deferred[None] | None = None
        self._overflows = False
        self._unstorable: set[int] = set()
        self._told_of: set[int] = set()

    # What the board tells.

    def stream_put(self, entry: Entry) -> None:
        """A stream is new on the board, or its name or address changed."""
        self._unstorable.discard(entry.stream.mms_stream_id)
        self._pending.change(StreamState(entry.stream, self._now(), None))
        self._touch()

    def stream_dropped(self, entry: Entry) -> None:
        """A stream is gone from its media server."""
        now = self._now()
        before = self._pending.streams.get(entry.stream.mms_stream_id)
        seen = now if before is None else before.seen
        self._pending.change(StreamState(entry.stream, seen, now))
        self._touch()

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        """A stream has a new sample."""
        if entry.stream.mms_stream_id in self._unstorable:
            self._meters.dropped.inc()
            return
        row = Row(entry, sample)
        if self._pending.count < BATCH_ROWS:  # while more wait, memory is worth more than time
            row.write_down()
        if self._pending.add(row):
            self._overflow(1)
        self._touch()
        if self._pending.count == BATCH_ROWS:
            self._alarm.ring()

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        """More is known of what a stream needs; it goes along with the next samples."""
        self._pending.learned[entry.stream.mms_stream_id] = rates

    # What others want to know.

    @property
    def waiting_rows(self) -> int:
        """How many rows are not written yet, or not known to be."""
        return self._pending.count + len(self._batch)

    def waiting(self, mms_stream_id: int) -> list[Row]:
        """The rows of one stream that are not known to be written, oldest first."""
        batch = [row for row in self._batch if row.mms_stream_id == mms_stream_id]
        return batch + self._pending.of(mms_stream_id)

    def saw_gone(self, mms_stream_id: int) -> bool:
        """Whether the board dropped this stream, and that is not written yet."""
        state = self._pending.streams.get(mms_stream_id)
        return state is not None and state.gone_at is not None

    # The course of things.

    def begin(self, known: Mapping[int, tuple[Stream, bool]], newest: Mapping[int, int]) -> None:
        """
        Go on from what the database holds.

        :param known: its streams, and whether each is gone; what the board said of them
            meanwhile is written only where it differs
        :param newest: the number of the newest row of each stream
        """
        self._pending.count_from(newest)
        for number, state in list(self._pending.streams.items()):
            if known.get(number) == (state.stream, state.gone_at is not None):
                del self._pending.streams[number]

    def begin_again(self, newest: Mapping[int, int]) -> None:
        """Another process wrote here meanwhile, or this is another database: count anew."""
        self._overflow(self._pending.begin_again(self._batch, newest))
        self._batch = []
        for entry in self._board.entries():
            if entry.stream.mms_stream_id not in self._pending.streams:
                self._pending.change(StreamState(entry.stream, self._now(), None))
        self._touch()

    def inherit(self, old: Writer) -> None:
        """Take over what another writer, that has come to its end, could not write."""
        self._overflow(self._pending.put_before(old._batch + old._pending.take_all()))
        old._batch = []
        for number, state in old._pending.streams.items():
            ours = self._pending.streams.get(number)
            self._pending.change(state if ours is None else ours._replace(seen=state.seen))
        old._pending.streams.clear()
        self._pending.give_back_learned(old._pending.learned)
        self._touch()

    def drain(self) -> Deferred[None]:
        """Write at once, from now on; fires when nothing waits any more."""
        drained = self._drained = Deferred[None]()
        self._alarm.ring()
        return drained

    async def run(self, session: Session) -> None:
        """
        Write what comes, until the session is over.

        :raises Away: it is
        """
        session.over().addCallback(lambda _: self._alarm.ring())
        self._asked = self._clock.seconds()
        while True:
            if session.end is not None:
                raise Away(session.end)
            wait = self._wait_seconds()
            if wait > 0:
                await self._alarm.sleep(wait)
                continue
            try:
                await self._step(session)
            except (QueryTimeout, Refused) as problem:
                self._refused(str(problem))
                await self._alarm.sleep(RETRY_SECONDS)

    def _touch(self) -> None:
        if self._since is None:
            self._since = self._clock.seconds()
            self._alarm.ring()

    def _is_due(self) -> bool:
        if self._batch or self._pending.count >= BATCH_ROWS:
            return True
        if self._since is None:
            return False
        return self._drained is not None or self._clock.seconds() >= self._since + FLUSH_SECONDS

    def _wait_seconds(self) -> float:
        if self._is_due():
            return 0.0
        if self._drained is not None:
            if not self._drained.called:
                self._drained.callback(None)
            return PING_SECONDS
        until = min(self._asked + PING_SECONDS, self._remove_at)
        if self._since is not None:
            until = min(until, self._since + FLUSH_SECONDS)
        return until - self._clock.seconds()

    async def _step(self, session: Session) -> None:
        now = self._clock.seconds()
        if self._is_due():
            await self._write(session)
        elif now >= self._remove_at:
            await self._remove(session)
        elif now >= self._asked + PING_SECONDS:
            await session.query(queries.PING, (), integer)
        self._asked = self._clock.seconds()

    async def _write(self, session: Session) -> None:
        began = self._clock.seconds()
        states = self._pending.take_streams(BATCH_ROWS)
        rows: list[Row] = []
        if not self._pending.streams:
            rows = self._batch = self._batch or self._pending.take(BATCH_ROWS)
        if self._pending.streams:
            self._since = began - FLUSH_SECONDS
        else:
            self._since = began if self._pending.count else None
        delivery = Delivery(session, self._states_of, self._skipped)
        try:
            await delivery.write(states, rows)
        except DatabaseError:
            self._pending.give_back_streams(states)
            if states:
                self._touch()
            raise
        if rows:
            self._batch = []
            self._meters.written.inc(len(rows) - delivery.lost)
            self._meters.dropped.inc(delivery.lost)
            self._meters.batch_seconds.observe(self._clock.seconds() - began)
        if self._pending.learned and not self._pending.streams:
            await self._write_learned(session)
        self._accepted()

    async def _write_learned(self, session: Session) -> None:
        learned = self._pending.take_learned(BATCH_ROWS)
        try:
            await session.execute(queries.UPSERT_LEARNED, learned_columns(learned))
        except DatabaseError:
            self._pending.give_back_learned(learned)
            raise

    def _states_of(self, rows: Sequence[Row]) -> list[StreamState]:
        numbers = {row.mms_stream_id for row in rows}
        entries = [self._board.get(number) for number in numbers]
        now = self._now()
        return [StreamState(entry.stream, now, None) for entry in entries if entry is not None]

    def _skipped(self, part: StreamState | Row, reason: str) -> None:
        if isinstance(part, Row):
            number, what = part.mms_stream_id, "a sample"
        else:
            number, what = part.stream.mms_stream_id, "the stream itself"
            self._unstorable.add(number)
        if number not in self._told_of:
            self._told_of.add(number)
            self.log.warn(
                "stream {mms_stream_id}: the database cannot hold {what}, which is left out:"
                " {reason}; said once for each stream",
                mms_stream_id=number,
                what=what,
                reason=reason,
            )

    async def _remove(self, session: Session) -> None:
        """Remove some streams that are gone for long; the next step removes more."""
        before = self._now() - self.keep_gone_seconds
        removed: list[int] = []
        try:
            removed = await session.query(queries.REMOVE_GONE, (before, REMOVE_STREAMS), integer)
        except (QueryTimeout, Refused) as problem:
            self.log.warn("streams that are gone could not be removed: {why}", why=problem)
        for number in removed:
            self._pending.forget(number)
        if removed:
            self._tell_removed(removed)
        self._removed += len(removed)
        if len(removed) == REMOVE_STREAMS:
            return
        if self._removed:
            self.log.info("removed {count} streams that are gone for long", count=self._removed)
        self._removed = 0
        self._remove_at = self._clock.seconds() + REMOVE_SECONDS

    def _refused(self, why: str) -> None:
        if self.refusal is None:
            self.log.warn("the database refuses samples, which wait in memory: {why}", why=why)
        self.refusal = why

    def _accepted(self) -> None:
        if self.refusal is not None:
            self.log.info("the database takes samples again")
        self.refusal = None
        self._overflows = False

    def _overflow(self, count: int) -> None:
        if not count:
            return
        self._meters.dropped.inc(count)
        if not self._overflows:
            self._overflows = True
            self.log.warn(
                "more than {ring} samples of a stream wait to be written; the oldest are let go",
                ring=RING,
            )
