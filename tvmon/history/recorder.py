"""
Listens to the board, and writes five minutes of everybody when they are over.

At each boundary, and some seconds more for what comes late, the buckets of all streams are
handed out, added up for what they are a part of, and given to rrdtool, in slices: none of it is
in a hurry, and the next boundary is five minutes away.  What is written is never written again,
so a restart repeats nothing; and what a restart cut in two is rebuilt from the samples that the
database keeps, before it is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.board import Board
from tvmon.entry import Entry, Scored
from tvmon.history.bucket import Sum, Values
from tvmon.history.meters import HistoryMeters
from tvmon.history.names import Names
from tvmon.history.rrd import NoRrdtool
from tvmon.history.shelf import Shelf
from tvmon.history.side_by_side import side_by_side
from tvmon.history.subjects import MACHINE, Subject, groups_of, of_stream
from tvmon.history.track import Track, bucket_end
from tvmon.pause import Pause
from tvmon.streams import Sample, Stream
from tvmon.tiers import STEP_SECONDS

Kept = Callable[[Mapping[int, float], float], Awaitable[Mapping[int, Sequence[Scored]]]]
"""
The kept samples of some streams, oldest first, of each since a time, seconds since 1970, and the
newest good one of so many seconds before that; raises LookupError where it cannot tell.
"""

GRACE_SECONDS = 10.0
"""How long after a boundary samples of the time before it are waited for."""

LOOK_SECONDS = 1.0
"""How often it is looked whether a boundary has passed, by a wall clock that may jump."""

AT_ONCE = 100
"""Rows that are with rrdtool at a time."""

REBUILT_TOGETHER = 8
"""Streams whose kept samples are read in one statement: some 1,000 rows, 10 ms of our time."""

REBUILT_AT_ONCE = 2
"""Statements at a time: the server works on one while the rows of another are added up."""

BEFORE_SAMPLES = 60
"""How far before a bucket's beginning the good sample may be that its counters grew from."""

REBUILD_SECONDS = 240.0
"""After so long without a database, or of rebuilding, what is there is written as it is."""

STOP_SECONDS = 1.0
"""Of what the daemon has; rrdtool's children need most of the rest."""


class Recorder(Service):
    """
    Keeps the histories of all streams; a :class:`tvmon.board.Listener`.

    :param now: wall clock, seconds since 1970
    :param kept: asks the database for samples that were taken before a restart
    :param machine: five minutes of this machine, when they are over
    """

    name: str | None = "recorder"
    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        now: Callable[[], float],
        board: Board,
        shelf: Shelf,
        names: Names,
        kept: Kept,
        machine: Callable[[], Values],
        meters: HistoryMeters,
        sampling_seconds: float,
    ) -> None:
        self._clock, self._now, self._board = clock, now, board
        self._shelf, self._names, self._kept, self._machine = shelf, names, kept, machine
        self._meters, self._sampling_seconds = meters, sampling_seconds
        self._tracks: dict[int, Track] = {}
        self._meanwhile: dict[int, list[Scored]] = {}
        self._due = 0
        self._unlisten: Callable[[], None] = lambda: None
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock
        self._writing: Deferred[None] | None = None
        self._rebuilding: Deferred[None] | None = None
        self._saved = 0
        self._is_restored = False
        self._patient_until = 0.0

    # What the board tells.

    def stream_put(self, entry: Entry) -> None:
        """A stream is new on the board, or its name or address changed."""
        self._names.put(entry.stream)

    def stream_dropped(self, entry: Entry) -> None:
        """A stream is gone; what it brought in the open five minutes is written all the same."""

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        """A stream has a new sample."""
        number = entry.stream.mms_stream_id
        track = self._tracks.get(number)
        if track is None:
            track = self._tracks[number] = Track()
            self._names.put(entry.stream)
        whole, reset = entry.health.whole, entry.reset
        is_reset = reset is not None and reset.time == sample.time
        if not track.add(sample, whole.score, whole.level, is_reset=is_reset):
            self._meters.late.inc()
        if number in self._meanwhile:
            self._meanwhile[number].append(Scored(sample, whole.score))

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        """Of no interest here."""

    # The course of things.

    def startService(self) -> None:
        """Begin to listen, and to look at the clock."""
        super().startService()
        self._due = bucket_end(self._now())
        self._patient_until = self._clock.seconds() + REBUILD_SECONDS
        for entry in self._board.entries():
            self.stream_put(entry)
        self._unlisten = self._board.listen(self)
        self._loop.start(LOOK_SECONDS, now=False).addErrback(self._died)

    async def stopService(self) -> None:
        """Listen no more; what is being written is written, within some seconds."""
        super().stopService()
        self._unlisten()
        if self._loop.running:
            self._loop.stop()
        if self._rebuilding is not None:
            self._rebuilding.cancel()
        if self._writing is not None:
            self._writing.addTimeout(STOP_SECONDS, self._clock)
            await self._writing
        await self._save_names()

    @property
    def is_writing(self) -> bool:
        """Whether a boundary's rows are on their way."""
        return self._writing is not None

    def restored(self, streams: Sequence[Stream]) -> None:
        """
        The board was filled from the database: what a restart has cut in two is made whole.

        Done once: where another database takes the place of this one, all has been heard since.
        """
        if not self.running or self._is_restored:
            return
        self._is_restored = True
        self._rebuilding = Deferred.fromCoroutine(self._rebuild(streams))
        self._rebuilding.addTimeout(REBUILD_SECONDS, self._clock)
        self._rebuilding.addBoth(self._rebuilt)

    def forget(self, numbers: Iterable[int]) -> None:
        """The rows of these streams were removed from the database, and so is their history."""
        for number in numbers:
            self._tracks.pop(number, None)
            self._names.remove(number)
            self._shelf.remove(of_stream(number).file_name)

    def _look(self) -> None:
        now = self._now()
        if self._writing is not None or self._rebuilding is not None:
            return
        if not self._is_restored and self._clock.seconds() < self._patient_until:
            return  # the database may still have the first half of these five minutes
        if self._due > now + 2 * STEP_SECONDS:
            self._set_back(now)
        elif now >= self._due + GRACE_SECONDS:
            over, due = bucket_end(now - GRACE_SECONDS) - STEP_SECONDS, self._due
            self._due = over + STEP_SECONDS
            self._writing = Deferred.fromCoroutine(self._write_all(over, due))
            self._writing.addBoth(self._written)

    def _set_back(self, now: float) -> None:
        """The clock was set back: what it brought of the time to come is of no time at all."""
        self._due = bucket_end(now)
        gone = sum(track.forget_after(self._due) for track in self._tracks.values())
        self.log.warn(
            "the clock was set back; {count} open five minutes are not written, and nothing is"
            " until it has come to where it was",
            count=gone,
        )

    async def _write_all(self, over: int, due: int) -> None:
        """
        Write all that ended up to then.

        :param due: what was to be written; behind it are only buckets that came late, and where
            it lies before ``over``, the clock has jumped or we were stopped
        """
        began = self._clock.seconds()
        machine = self._machine()
        ends = {end for track in self._tracks.values() for end in track.ends() if end <= over}
        for end in sorted(ends | {over}):
            rows = await self._rows(end)
            if end == over == due:
                rows.append((MACHINE, machine))
            await self._write_rows(end, rows)
        await self._save_names()
        self._meters.seconds.observe(self._clock.seconds() - began)

    async def _rows(self, end: int) -> list[tuple[Subject, Values]]:
        """What was of everybody in the five minutes that ended then: streams, and their sums."""
        rows: list[tuple[Subject, Values]] = []
        sums: dict[Subject, Sum] = {}
        pause = Pause(self._clock)
        for number, track in list(self._tracks.items()):
            values = track.take(end)
            stream = self._names.stream(number)
            if values is not None and stream is not None:
                rows.append((of_stream(number), values))
                for group in groups_of(stream):
                    sums.setdefault(group, Sum()).add(values)
            elif self._board.get(number) is None and not track.ends():
                self._tracks.pop(number, None)  # it may have been forgotten meanwhile
            await pause.now_and_then()
        return rows + [(subject, total.values) for subject, total in sums.items()]

    async def _write_rows(self, end: int, rows: list[tuple[Subject, Values]]) -> None:
        waiting = iter(rows)

        async def some() -> None:
            for subject, values in waiting:
                if self._is_forgotten(subject):
                    continue
                try:
                    taken = await self._shelf.write(subject, end, values)
                except NoRrdtool:
                    taken = False
                (self._meters.written if taken else self._meters.lost).inc()

        await side_by_side(some, AT_ONCE)

    def _is_forgotten(self, subject: Subject) -> bool:
        return subject.kind == "stream" and self._names.stream(int(subject.name)) is None

    def _written(self, result: Failure | None) -> None:
        self._writing = None
        if result is not None and result.check(CancelledError) is None:
            self.log.failure("history could not be written", result)

    async def _rebuild(self, streams: Sequence[Stream]) -> None:
        began = self._clock.seconds()
        numbers = [stream.mms_stream_id for stream in streams]
        waiting = iter(range(0, len(numbers), REBUILT_TOGETHER))

        async def some() -> None:
            for start in waiting:
                await self._rebuild_some(numbers[start : start + REBUILT_TOGETHER])

        await side_by_side(some, REBUILT_AT_ONCE)
        self.log.debug(
            "the open five minutes of {count} streams were rebuilt in {seconds:.1f} s",
            count=len(streams),
            seconds=self._clock.seconds() - began,
        )

    async def _rebuild_some(self, numbers: Sequence[int]) -> None:
        pause = Pause(self._clock)
        since = {}
        try:
            for number in numbers:
                self._meanwhile[number] = []
                track = self._tracks.setdefault(number, Track())
                track.done = max(track.done, await self._shelf.last(of_stream(number)))
                since[number] = track.done
            kept = await self._kept(since, BEFORE_SAMPLES * self._sampling_seconds)
            for number in numbers:
                self._rebuild_one(number, kept.get(number, ()), self._meanwhile.pop(number))
                await pause.now_and_then()
        except (NoRrdtool, LookupError):
            return  # what is on its way is all that there is
        finally:
            for number in numbers:
                self._meanwhile.pop(number, None)

    def _rebuild_one(
        self, number: int, kept: Sequence[Scored], meanwhile: Sequence[Scored]
    ) -> None:
        track = self._tracks.get(number)
        if track is None:
            return  # it was forgotten meanwhile
        newest = kept[-1].sample.time if kept else 0.0
        # The database keeps microseconds.
        later = [each for each in meanwhile if each.sample.time > newest + 0.001]
        track.rebuild([*kept, *later], self._board.scoring)

    def _rebuilt(self, result: Failure | None) -> None:
        self._rebuilding = None
        if result is not None and result.check(CancelledError, TookTooLong) is None:
            self.log.failure("the open five minutes could not be rebuilt", result)

    async def _save_names(self) -> None:
        changes = self._names.changes
        if changes == self._saved:
            return
        pause = Pause(self._clock)
        try:
            for _ in self._names.saving(self._shelf.folder):
                await pause.now_and_then()
            self._saved = changes
        except OSError as error:
            self.log.warn("the names of histories could not be kept: {why}", why=str(error))

    def _died(self, failure: Failure) -> None:
        self.log.critical("history is written no more\n{why}", why=failure.getTraceback())
