"""The kept samples of one stream: those in the database, and those that wait to get there."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from tvmon.board import Board
from tvmon.store import queries
from tvmon.store.database import Session, truth
from tvmon.store.errors import Away, DatabaseError
from tvmon.store.rows import samples, stored
from tvmon.store.writer import Writer
from tvmon.streams import Sample


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
        newest = []
        for row in reversed(waiting):
            if row.number is None:
                newest.append(row.sample)
            else:
                numbered[row.number] = row.sample
        newest += [numbered[number] for number in sorted(numbered, reverse=True)]
        return newest[:limit]
