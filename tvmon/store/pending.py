"""
What waits to be written: streams that changed, what was learned of them, and their samples.

Pure bookkeeping; it knows no clock and no database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice

from tvmon.store.queries import RING
from tvmon.store.rows import Row, StreamState


class Pending:
    """
    Streams and rows that wait, and the number of each stream's newest row.

    :ivar count: rows that wait, without those of a batch that was taken
    :ivar streams: the state that is to be stored, of each stream that changed
    :ivar learned: the rates that are to be stored, kbit/s, of each stream with new ones
    """

    def __init__(self) -> None:
        self.count = 0
        self.streams: dict[int, StreamState] = {}
        self.learned: dict[int, tuple[float, ...]] = {}
        # A list and no deque, which takes 600 bytes and is made anew for nearly every row: where
        # all is well a stream has one row here.
        self._rows: dict[int, list[Row]] = {}
        # Streams with rows, in the order of their turn: a batch takes one row of each, so that
        # after an outage all of them come up to date together.
        self._turns: deque[int] = deque()
        self._numbers: dict[int, int] = {}

    def change(self, state: StreamState) -> None:
        """A stream is to be stored like this; what was to be stored of it before is old."""
        self.streams[state.stream.mms_stream_id] = state

    def add(self, row: Row) -> bool:
        """
        A sample came in.  Whether an older one of the stream had to go for it.

        That is so where 200 of it wait already, and the ring would have lost it anyway.
        """
        rows = self._rows.get(row.mms_stream_id)
        if rows is None:
            self._rows[row.mms_stream_id] = [row]
            self._turns.append(row.mms_stream_id)
            self.count += 1
            return False
        rows.append(row)
        if len(rows) > RING:
            del rows[0]
            return True
        self.count += 1
        return False

    def take(self, most: int) -> list[Row]:
        """
        The next rows to be written, numbered.

        No two of them have the same slot: a stream never has more than 200 rows waiting.
        """
        batch: list[Row] = []
        while self._turns and len(batch) < most:
            number = self._turns.popleft()
            rows = self._rows[number]
            row = rows.pop(0)
            row.number = self._numbers[number] = self._numbers.get(number, 0) + 1
            batch.append(row)
            if rows:
                self._turns.append(number)
            else:
                del self._rows[number]
        self.count -= len(batch)
        return batch

    def take_streams(self, most: int) -> list[StreamState]:
        """The next streams to be stored."""
        taken = list(islice(self.streams.values(), most))
        for state in taken:
            del self.streams[state.stream.mms_stream_id]
        return taken

    def take_learned(self, most: int) -> dict[int, tuple[float, ...]]:
        """The next rates to be stored."""
        return {number: self.learned.pop(number) for number in list(islice(self.learned, most))}

    def give_back_learned(self, learned: Mapping[int, tuple[float, ...]]) -> None:
        """They were not stored after all; where newer ones wait, those count."""
        self.learned = {**learned, **self.learned}

    def give_back_streams(self, states: Iterable[StreamState]) -> None:
        """They were not stored after all; where a newer state waits, that one counts."""
        for state in states:
            self.streams.setdefault(state.stream.mms_stream_id, state)

    def begin_again(self, batch: Iterable[Row], newest: Mapping[int, int]) -> int:
        """
        Number anew, after these; a batch that was taken waits again, before the younger rows.

        How many of it had to go, as 200 younger ones of their stream wait.
        """
        self.count_from(newest)
        return self.put_before(batch)

    def put_before(self, rows: Iterable[Row]) -> int:
        """
        These come before all that wait, and get numbers when it is their turn.

        :param rows: the oldest of each stream first
        :returns: how many of them had to go, as 200 younger ones of their stream wait
        """
        gone = 0
        for row in reversed(list(rows)):
            row.number = None
            waiting = self._rows.get(row.mms_stream_id)
            if waiting is None:
                waiting = self._rows[row.mms_stream_id] = []
                self._turns.appendleft(row.mms_stream_id)
            if len(waiting) == RING:
                gone += 1
            else:
                waiting.insert(0, row)
                self.count += 1
        return gone

    def take_all(self) -> list[Row]:
        """All rows that wait, the oldest of each stream first; none waits after that."""
        rows = [row for number in self._turns for row in self._rows[number]]
        self._turns.clear()
        self._rows.clear()
        self.count = 0
        return rows

    def count_from(self, newest: Mapping[int, int]) -> None:
        """Go on numbering after these, the newest numbers of the database."""
        self._numbers = dict(newest)

    def forget(self, mms_stream_id: int) -> None:
        """The stream and its rows were removed from the database."""
        self._numbers.pop(mms_stream_id, None)

    def of(self, mms_stream_id: int) -> list[Row]:
        """The rows of one stream that wait, oldest first."""
        return list(self._rows.get(mms_stream_id, ()))
