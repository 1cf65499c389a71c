"""
What the database knows, read after a start, and put back on the board.

Ten thousand streams are half a million samples, some seconds of work: it is done in slices
of some milliseconds, so that the daemon goes on serving meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from tvmon.board import Board
from tvmon.store import queries
from tvmon.store.database import Session, Transaction, Values
from tvmon.store.rows import Stored, bigints, samples, stored, unbroken
from tvmon.streams import Stream

RESTORED_SAMPLES = 45
"""Samples of a stream that are put back: at 3 s each a little more than a window of 130 s."""

STREAMS_AT_A_TIME = 10
"""Streams whose samples are read in one statement: 450 rows, about 3 ms of our time."""

LISTED_AT_A_TIME = 1000

LEARNED_AT_A_TIME = 200
"""Streams whose learned rates are read in one statement, 120 of each: some ms of our time."""

TURN_SECONDS = 0.01
"""How long samples are put back before everybody else has a turn."""

NUMBERS_SECONDS = 60.0
"""How long the newest numbers may take: they need a scan of the whole table, 1 s for 2 million
rows in memory, more from a cold disk."""


class Known(NamedTuple):
    """A stream of the database."""

    stream: Stream
    is_gone: bool


class Newest(NamedTuple):
    """
    The end of a stream's rows.

    :ivar number: of the newest one
    :ivar good_time: of the newest one that is not failed, seconds since 1970
    """

    number: int
    good_time: float | None


def _known(values: Values) -> Known:
    mms_stream_id, server, key, stream_id, unify_name, sample_interface, is_gone = values
    stream = Stream(server, key, stream_id, unify_name, sample_interface, mms_stream_id)
    return Known(stream, is_gone)


async def known_streams(session: Session) -> dict[int, Known]:
    """Every stream of the database by its ``mms_stream_id``, gone ones too."""
    found: dict[int, Known] = {}
    last = -1
    while True:
        some = await session.query(queries.STREAMS, (last, LISTED_AT_A_TIME), _known)
        for known in some:
            last = known.stream.mms_stream_id
            found[last] = known
        if len(some) < LISTED_AT_A_TIME:
            return found


async def learned_rates(session: Session) -> dict[int, Sequence[float]]:
    """What was learned of each stream's rate, by its ``mms_stream_id``."""
    found: dict[int, Sequence[float]] = {}
    last = -1
    while True:
        some = await session.query(queries.LEARNED, (last, LEARNED_AT_A_TIME), _pair)
        found.update(some)
        if len(some) < LEARNED_AT_A_TIME:
            return found
        last = some[-1][0]


def _pair(values: Values) -> tuple[int, Sequence[float]]:
    return values[0], values[1]


async def newest_rows(session: Session) -> dict[int, Newest]:
    """The end of each stream that has rows, gone ones too."""

    async def work(transaction: Transaction) -> list[tuple[int, Newest]]:
        return await transaction.query(queries.NEWEST_NUMBERS, (), _newest)

    return dict(await session.transaction(work, NUMBERS_SECONDS))


async def newest_numbers(session: Session) -> dict[int, int]:
    """The number of the newest row of each stream that has rows, gone ones too."""
    return {number: row.number for number, row in (await newest_rows(session)).items()}


def _newest(values: Values) -> tuple[int, Newest]:
    return values[0], Newest(values[1], values[2])


def _is_sampled(board: Board, stream: Stream) -> bool:
    entry = board.get(stream.mms_stream_id)
    return entry is not None and entry.newest is not None


async def restore(
    session: Session,
    board: Board,
    streams: Sequence[Stream],
    newest: Mapping[int, Newest],
    learned: Mapping[int, Sequence[float]],
    clock: IReactorTime,
    now: Callable[[], float],
) -> None:
    """
    Put each of these streams back on the board, with its newest samples.

    Those that have been sampled meanwhile are left out: what was seen just now is newer.  Only
    when they were last good is told, which they may not have been since.
    """

    def good_time(stream: Stream) -> float | None:
        row = newest.get(stream.mms_stream_id)
        return None if row is None else row.good_time

    for stream in streams:
        if _is_sampled(board, stream):
            board.restore(stream, (), good_time(stream), learned.get(stream.mms_stream_id, ()))
    streams = [stream for stream in streams if not _is_sampled(board, stream)]
    parts = [
        streams[start : start + STREAMS_AT_A_TIME]
        for start in range(0, len(streams), STREAMS_AT_A_TIME)
    ]

    def read(part: Sequence[Stream]) -> Deferred[list[Stored]]:
        numbers = [s.mms_stream_id for s in part if s.mms_stream_id in newest]
        return Deferred.fromCoroutine(
            session.query(
                queries.NEWEST_SAMPLES,
                (bigints(numbers), bigints(newest[n].number for n in numbers), RESTORED_SAMPLES),
                stored,
            )
        )

    ahead = read(parts[0]) if parts else None
    began = clock.seconds()
    for index, part in enumerate(parts):
        assert ahead is not None
        rows = await ahead
        # The server looks for the next rows while these are put back.
        ahead = read(parts[index + 1]) if index + 1 < len(parts) else None
        found = {number: list(some) for number, some in groupby(rows, attrgetter("mms_stream_id"))}
        try:
            for stream in part:
                rows_of_it = unbroken(found.get(stream.mms_stream_id, ()))
                latest_first = samples(rows_of_it, clock.seconds(), now())
                rates = learned.get(stream.mms_stream_id, ())
                board.restore(stream, reversed(latest_first), good_time(stream), rates)
                if clock.seconds() - began > TURN_SECONDS:
                    await deferLater(clock, 0)
                    began = clock.seconds()
        except BaseException:
            if ahead is not None:
                ahead.addErrback(lambda _: None)
            raise
