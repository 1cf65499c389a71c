"""
One batch on its way: whole where it can be, in ever smaller parts where values are refused.

So a row that the database cannot hold costs nobody but itself: not the rows beside it, and
not those that come later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvmon.store import queries
from tvmon.store.columns import Unfit
from tvmon.store.database import Session, Transaction
from tvmon.store.errors import Refused
from tvmon.store.queries import RING
from tvmon.store.rows import Row, StreamState, batch, fits, stream_columns

_FOREIGN_KEY_VIOLATION = "23503"

Part = tuple[Sequence[StreamState], Sequence[Row]]


class Delivery:
    """
    Writes one batch.

    :param states_of: the streams of some rows, as far as they are on the board
    :param skipped: told of each stream and each row that cannot be stored, and why
    :ivar lost: how many rows were skipped
    """

    def __init__(
        self,
        session: Session,
        states_of: Callable[[Sequence[Row]], Sequence[StreamState]],
        skipped: Callable[[StreamState | Row, str], None],
    ) -> None:
        self.lost = 0
        self._session = session
        self._states_of = states_of
        self._skipped = skipped
        self._put_again = False

    async def write(self, states: Sequence[StreamState], rows: Sequence[Row]) -> None:
        """
        Write these; streams first, as the rows refer to them.

        :raises DatabaseError: nothing, or not all of it, was written, and the values are not
            at fault.  All of it can be written again.
        """
        try:
            await self._send(states, rows)
        except Unfit as problem:
            reason = str(problem)
        except Refused as problem:
            if not problem.is_of_data:
                raise
            if problem.sqlstate == _FOREIGN_KEY_VIOLATION and not states and not self._put_again:
                # Somebody took streams out of the table; those of the board belong there.
                self._put_again = True
                await self.write(self._states_of(rows), rows)
                return
            reason = str(problem)
        else:
            return
        if len(states) + len(rows) == 1:
            self.lost += len(rows)
            for state in states:
                self._skipped(state, reason)
            for row in rows:
                self._skipped(row, reason)
            return
        for some_states, some_rows in smaller(states, rows):
            await self.write(some_states, some_rows)

    async def _send(self, states: Sequence[StreamState], rows: Sequence[Row]) -> None:
        if not states:
            if rows:
                await self._session.execute(queries.UPSERT_SAMPLES, (batch(rows, RING),))
            return

        async def both(transaction: Transaction) -> None:
            await transaction.execute(queries.UPSERT_STREAMS, stream_columns(states))
            if rows:
                await transaction.execute(queries.UPSERT_SAMPLES, (batch(rows, RING),))

        await self._session.transaction(both)


def smaller(states: Sequence[StreamState], rows: Sequence[Row]) -> list[Part]:
    """
    The parts of a batch that was refused, of which one at least is good or is smaller.

    Streams apart from rows; rows whose fault can be seen from here each on its own, apart
    from the others; else halves.
    """
    if states and rows:
        return [(states, ()), ((), rows)]
    if states:
        middle = len(states) // 2
        return [(states[:middle], ()), (states[middle:], ())]
    good = [row for row in rows if fits(row, RING)]
    if 0 < len(good) < len(rows):
        return [((), good), *(((), (row,)) for row in rows if not fits(row, RING))]
    middle = len(rows) // 2
    return [((), rows[:middle]), ((), rows[middle:])]
