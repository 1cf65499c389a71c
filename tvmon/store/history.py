"""The kept samples of one stream: those in the database, and those that wait to get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime

from tvmon.board import Board
from tvmon.entry import Scored
from tvmon.store import queries
from tvmon.store.database import Session, Values, truth
from tvmon.store.errors import Away, DatabaseError
from tvmon.store.rows import Row, Summed, bigints, doubles, samples, stored, summed
from tvmon.store.writer import Writer
from tvmon.streams import Sample

T = TypeVar("T")


class History:
    """
    Reads histories.

    :param now: wall clock, seconds since 1970
    """

    def __init__(
        self, clock: IReactorTime, now: Callable[[], float], board: Board, writer: Writer
    ) -> None:
        self._clock, self._now, self._board, self._writer = clock, now, board, writer

    async def of(self, session: Session, mms_stream_id: int, limit: int) -> list[Sample]:
        """
        The kept samples of one stream, newest first.

        :raises Away: the database cannot be asked now
        :raises LookupError: nobody knows this stream
        """
        limit = max(1, min(limit, queries.RING))
        # Noted before the database is asked, so that a row that is written meanwhile is in
        # one of the two; in both, its number tells.
        waiting = self._writer.waiting(mms_stream_id)
        try:
            rows = await session.query(queries.HISTORY, (mms_stream_id, limit), stored)
            if not rows and not waiting and self._board.get(mms_stream_id) is None:
                known = await session.query(queries.IS_KNOWN, (mms_stream_id,), truth)
                if known != [True]:
                    raise LookupError(mms_stream_id)
        except DatabaseError as problem:
            raise Away(str(problem)) from None
        old = samples(rows, self._clock.seconds(), self._now())
        numbered = dict(zip((row.number for row in rows), old, strict=True))
        return _together(numbered, waiting, lambda row: row.sample)[:limit]

    async def scored(
        self, session: Session, since: Mapping[int, float], before_seconds: float
    ) -> dict[int, list[Scored]]:
        """
        The kept samples of some streams, oldest first, with what five minutes are made of.

        :param since: from when on, seconds since 1970, by the ``mms_stream_id``
        :param before_seconds: how far before that the newest good one is looked for, which is
            told, too
        :raises Away: the database cannot be asked now
        """
        waiting = {number: self._writer.waiting(number) for number in since}
        try:
            found = await session.query(
                queries.SUMMED_SAMPLES,
                (bigints(since), doubles(since.values()), before_seconds),
                _as_it_is,
            )
        except DatabaseError as problem:
            raise Away(str(problem)) from None
        of_each: dict[int, list[Summed]] = {number: [] for number in since}
        has_before = set()
        for values in found:
            number, _, time, is_failed, *_ = values
            if time < since[number]:
                if is_failed or number in has_before:
                    continue
                has_before.add(number)
            of_each[number].append(summed(values))
        clock_now, wall_now = self._clock.seconds(), self._now()
        told = {}
        for number, some in of_each.items():
            old = samples([one.row for one in some], clock_now, wall_now)
            numbered = {
                one.row.number: Scored(sample, one.score)
                for one, sample in zip(some, old, strict=True)
            }
            newest_first = _together(
                numbered, waiting[number], lambda row: Scored(row.sample, row.scores[0])
            )
            told[number] = newest_first[::-1]
        return told


def _as_it_is(values: Values) -> Values:
    return values


def _together(numbered: dict[int, T], waiting: Sequence[Row], make: Callable[[Row], T]) -> list[T]:
    """What is in the database and what waits to get there, newest first; each of them once."""
    newest = []
    for row in reversed(waiting):
        if row.number is None:
            newest.append(make(row))
        else:
            numbered[row.number] = make(row)
    return newest + [numbered[number] for number in sorted(numbered, reverse=True)]
