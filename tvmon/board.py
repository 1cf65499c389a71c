"""
The latest of every stream, in memory; whoever wants to know is told here.

Samples come in by :meth:`Board.note`, are judged, become the stream's new entry, and go to
every listener in the same turn of the reactor.  Nothing here waits for anybody: a listener
that wants to write or to send puts the news aside and does it in its own time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from twisted.logger import Logger

from tvmon.entry import CounterReset, Entry
from tvmon.expected import NO_DEMAND, NOTHING_EXPECTED, Demand, Learned
from tvmon.health import Scoring, flow_kbps, judge
from tvmon.streams import NO_RATES, Health, Level, Presence, Sample, Stream
from tvmon.window import Reset, Window, all_rates

LEARNED_NEWS = 10
"""After so many newly learned rates, five minutes, whoever keeps them is told."""


class Listener(Protocol):
    """Who wants to know.  A method that raises is logged and disturbs nobody else."""

    def stream_put(self, entry: Entry) -> None:
        """A stream is new on the board, or its name or address changed."""

    def stream_dropped(self, entry: Entry) -> None:
        """A stream is gone from its media server and off the board."""

    def sample_noted(self, entry: Entry, sample: Sample) -> None:
        """A stream has a new newest sample, and this entry."""

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        """What is known of a stream's own past, kbit/s, oldest first: to be kept."""


class _Row:
    """One stream on the board: what it is, its flow, and what is said of it and asked of it."""

    __slots__ = ("demand", "entry", "good_time", "learned", "reset", "window")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.window = Window()
        self.learned: Learned | None = None  # most streams declare what they need
        self.reset: CounterReset | None = None
        self.good_time: float | None = None
        self.ask()

    def ask(self) -> None:
        """Work out anew what is asked of the stream."""
        stream, learned = self.entry.stream, self.learned
        past = NOTHING_EXPECTED if learned is None else learned.expected
        demand = Demand(stream.expected_kbps, past, stream.may_sleep)
        self.demand = NO_DEMAND if demand == NO_DEMAND else demand


class Board:
    """
    Every stream that is watched now, by its ``mms_stream_id``.

    :ivar scoring: the rules that samples are judged by now
    :ivar revision: counts the changes of any entry; an entry carries the count of its own
    :ivar resets: how often counters began anew, by the name of the server and why
    """

    log = Logger()

    def __init__(self, scoring: Scoring) -> None:
        self.revision = 0
        self.scoring = scoring
        self.resets: Counter[tuple[str, Reset]] = Counter()
        self._rows: dict[int, _Row] = {}
        self._listeners: list[Listener] = []

    def __len__(self) -> int:
        return len(self._rows)

    def entries(self) -> Iterable[Entry]:
        """The entry of every stream, in no order."""
        return [row.entry for row in self._rows.values()]

    def get(self, mms_stream_id: int) -> Entry | None:
        """The entry of one stream."""
        row = self._rows.get(mms_stream_id)
        return None if row is None else row.entry

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell this listener of everything from now on; call the result to stop."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def put(self, stream: Stream) -> None:
        """A stream is there, or has a new name or address; its samples stay."""
        row = self._rows.get(stream.mms_stream_id)
        if row is None:
            row = self._rows[stream.mms_stream_id] = _Row(Entry(stream, self._next()))
        elif row.entry.stream == stream:
            return
        else:
            old = row.entry
            row.entry = Entry(
                stream,
                self._next(),
                old.newest,
                old.good_time,
                old.upstream,
                old.downstream,
                old.health,
                old.expected,
                old.reset,
            )
            row.ask()
        entry = row.entry
        self._tell("stream_put", lambda listener: listener.stream_put(entry))

    def drop(self, mms_stream_id: int) -> None:
        """A stream is gone; it may come back and is then put again."""
        row = self._rows.pop(mms_stream_id, None)
        if row is not None:
            self._next()
            self._tell("stream_dropped", lambda listener: listener.stream_dropped(row.entry))

    def demand(self, mms_stream_id: int) -> Demand:
        """What is asked of a stream now."""
        row = self._rows.get(mms_stream_id)
        return NO_DEMAND if row is None else row.demand

    def restore(
        self,
        stream: Stream,
        samples: Iterable[Sample],
        good_time: float | None = None,
        learned: Sequence[float] = (),
    ) -> None:
        """
        Put back what was known before a restart: samples oldest first, listeners not told.

        Samples are not put back where the stream has some already: what was seen just now is
        newer.

        :param good_time: when the newest good sample was taken, which may be long before these
        :param learned: what :meth:`Listener.rates_learned` told last
        """
        row = self._rows.get(stream.mms_stream_id)
        if row is None:
            row = self._rows[stream.mms_stream_id] = _Row(Entry(stream, self._next()))
        if row.good_time is None:
            row.good_time = good_time
        if learned and row.learned is None:
            row.learned = Learned(learned)
            row.ask()
        if row.entry.newest is not None:
            return
        newest: Sample | None = None
        for newest in samples:
            self._take(row, newest)
        if newest is not None:
            row.entry = self._judged(row, newest)

    def recall(
        self, stream: Stream, newest: Sample, window: Window, reset: CounterReset | None = None
    ) -> None:
        """
        Put back the newest sample of before a restart, and the window of those before it.

        As :meth:`restore`, which comes before it; and the one sample that the stream may have
        had since the start comes after them, so that its rates are known.

        :param reset: when the counters began anew last within the window
        """
        row = self._rows.get(stream.mms_stream_id)
        if row is None:
            return
        since = row.entry.newest
        if since is not None and len(row.window) != (not since.is_failed):
            return  # there were more, and not all of them are here
        row.window, row.reset = window, reset
        samples = [newest] if since is None else [newest, since]
        for sample in samples:
            self._take(row, sample)
        row.entry = self._judged(row, samples[-1])

    def note(self, mms_stream_id: int, sample: Sample) -> None:
        """Take in a new sample; one of a stream that was dropped meanwhile is let go."""
        row = self._rows.get(mms_stream_id)
        if row is None:
            return
        reset = self._take(row, sample)
        if reset is not None:
            self.resets[row.entry.stream.server, reset] += 1
        entry = row.entry = self._judged(row, sample)
        # As _tell does it, without a function made for each of some thousand samples a second.
        for listener in tuple(self._listeners):
            try:
                listener.sample_noted(entry, sample)
            except Exception:
                self._failed(listener, "sample_noted")
        self._learn(row, sample)

    def rescore(self, scoring: Scoring) -> None:
        """
        Judge by other weights and thresholds from now on: each stream at its next sample.

        Ten thousand streams judged again in one go would hold up every poll for a second.
        """
        self.scoring = scoring

    def _take(self, row: _Row, sample: Sample) -> Reset | None:
        reset = row.window.add(sample)
        if reset is not None:
            row.reset = CounterReset(reset, sample.time)
        if not sample.is_failed:
            row.good_time = sample.time
        return reset

    def _judged(self, row: _Row, sample: Sample) -> Entry:
        measured, demand = sample.measured, row.demand
        upstream, downstream = (NO_RATES, NO_RATES) if measured is None else all_rates(row.window)
        return Entry(
            row.entry.stream,
            self._next(),
            sample,
            row.good_time,
            upstream,
            downstream,
            judge(sample, row.window, self.scoring, demand),
            demand.expected(measured),
            row.reset,
        )

    def _learn(self, row: _Row, sample: Sample) -> None:
        """Learn what the stream needs, where nobody else says it."""
        entry, learned = row.entry, row.learned
        if entry.expected.by in ("configured", "declared"):
            return
        if learned is not None and not learned.is_due(sample.at):
            return
        if not _flows(entry.health, sample):
            return
        kbps = flow_kbps(row.window, self.scoring)
        if kbps is None:
            return
        if learned is None:
            learned = row.learned = Learned()
        learned.take(sample.at, kbps, good=entry.health.upstream.level is Level.GOOD)
        row.ask()
        if learned.changes % LEARNED_NEWS == 1:
            rates = learned.rates
            self._tell("rates_learned", lambda listener: listener.rates_learned(entry, rates))

    def _next(self) -> int:
        self.revision += 1
        return self.revision

    def _tell(self, what: str, call: Callable[[Listener], None]) -> None:
        for listener in tuple(self._listeners):
            try:
                call(listener)
            except Exception:
                self._failed(listener, what)

    def _failed(self, listener: Listener, what: str) -> None:
        self.log.failure("{listener} failed at {what}", listener=listener, what=what)


def _flows(health: Health, sample: Sample) -> bool:
    """Whether a sample is of a stream that is there, and that something comes in of."""
    measured = sample.measured
    is_live = measured is not None and measured.presence is Presence.LIVE
    return is_live and bool(health.upstream.score)
