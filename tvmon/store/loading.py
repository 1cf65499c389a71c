"""
What the database knows, read after a start, and put back on the board.

    streams    their names and addresses
    learned    what is known of each one's rate
    ends       where each stream's rows end, and what its window held: one scan of the table
    newest     the newest row of each stream, with all of its columns

The last one is read while the part before it is put back.  All of it is done in slices of some
milliseconds, so that the daemon goes on serving meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tvmon.board import Board
from tvmon.pause import Pause
from tvmon.store import queries
from tvmon.store.database import Session, Transaction, Values
from tvmon.store.past import floats, past_of
from tvmon.store.rows import Stored, bigints, samples, stored
from tvmon.streams import Stream
from tvmon.window import KEPT_SECONDS

SCANNED_SECONDS = KEPT_SECONDS + 10.0
"""
How far back from the newest row of most streams the scan takes points along: a window, and what
the newest row of a stream may be older.  Of a stream that has not been sampled for longer they are
looked up.
"""

MOST_SCANNED_SECONDS = KEPT_SECONDS + 150.0
"""How far back from the newest row of all, should that of most be much older: it is a scan, too."""

LOOKED_UP_SAMPLES = 45
"""How many rows of a stream are looked up: at 3 s each a little more than a window."""

STREAMS_AT_A_TIME = 100
"""Streams whose newest rows are read in one statement: about 2 ms of our time."""

LISTED_AT_A_TIME = 500

LEARNED_AT_A_TIME = 500
"""Streams whose learned rates are read in one statement, 120 of each: some ms of our time."""

SCANNED_AT_A_TIME = 200
"""Streams of the scan that are taken from the driver in one go: 3 kB each."""

SCAN_SECONDS = 60.0
"""How long the scan may take: 1 s for 2 million rows in memory, more from a cold disk."""


class Known(NamedTuple):
    """A stream of the database."""

    stream: Stream
    is_gone: bool


class End(NamedTuple):
    """
    The end of a stream's rows.

    :ivar number: of the newest one
    :ivar good_time: of the newest one that is not failed, seconds since 1970
    :ivar points: its rows since :attr:`Ends.since`, as :mod:`tvmon.store.past` takes them apart
    """

    number: int
    good_time: float | None
    points: bytes


class Ends(NamedTuple):
    """
    The ends of all streams that have rows, gone ones too, by their ``mms_stream_id``.

    :ivar since: from when on points were taken along, seconds since 1970
    """

    since: float
    of: Mapping[int, End]


class Loaded(NamedTuple):
    """
    What there was.

    :ivar known: all streams, by their ``mms_stream_id``
    :ivar numbers: of the newest row of each that has one
    :ivar streams: those that are on the board now
    """

    known: dict[int, Known]
    numbers: dict[int, int]
    streams: list[Stream]


async def load(
    session: Session,
    board: Board,
    configured: Callable[[Stream], Stream],
    is_gone: Callable[[int], bool],
    clock: IReactorTime,
    now: Callable[[], float],
) -> Loaded:
    """
    Put all streams back on the board that were not gone.

    :param configured: a stream with what the configuration says of it, by which it is judged
    :param is_gone: tells by the ``mms_stream_id`` which of them have gone meanwhile
    :param now: wall clock, seconds since 1970
    """
    known = await known_streams(session, configured)
    found = await ends(session, clock)
    streams = [
        there.stream for number, there in known.items() if not there.is_gone and not is_gone(number)
    ]
    await restore(session, board, streams, found, await learned_rates(session), clock, now)
    return Loaded(known, {number: end.number for number, end in found.of.items()}, streams)


def _known(values: Values) -> Known:
    mms_stream_id, server, key, stream_id, unify_name, sample_interface, is_gone = values
    stream = Stream(server, key, stream_id, unify_name, sample_interface, mms_stream_id)
    return Known(stream, is_gone)


async def known_streams(
    session: Session, configured: Callable[[Stream], Stream]
) -> dict[int, Known]:
    """Every stream of the database by its ``mms_stream_id``, gone ones too."""
    found: dict[int, Known] = {}
    last = -1
    while True:
        some = await session.query(queries.STREAMS, (last, LISTED_AT_A_TIME), _known)
        for known in some:
            last = known.stream.mms_stream_id
            found[last] = known._replace(stream=configured(known.stream))
        if len(some) < LISTED_AT_A_TIME:
            return found


async def learned_rates(session: Session) -> dict[int, Sequence[float]]:
    """What was learned of each stream's rate, by its ``mms_stream_id``."""
    found: dict[int, Sequence[float]] = {}
    last = -1
    while True:
        some = await session.query(queries.LEARNED, (last, LEARNED_AT_A_TIME), _rates)
        found.update(some)
        if len(some) < LEARNED_AT_A_TIME:
            return found
        last = some[-1][0]


def _rates(values: Values) -> tuple[int, Sequence[float]]:
    return values[0], floats(bytes(values[1]))


async def ends(session: Session, clock: IReactorTime) -> Ends:
    """Where the rows of each stream end, and what lies before."""
    pause = Pause(clock)

    async def work(transaction: Transaction) -> Ends:
        for setting in queries.SCAN_SETTINGS:
            await transaction.execute(setting)
        spans = SCANNED_SECONDS, MOST_SCANNED_SECONDS
        (since,) = await transaction.query(queries.SINCE, spans, _since)
        found = await transaction.query_in_parts(
            queries.ENDS, (since,), _end, SCANNED_AT_A_TIME, pause.now_and_then
        )
        return Ends(since, dict(found))

    return await session.transaction(work, SCAN_SECONDS)


def _since(values: Values) -> float:
    """Where there is no row yet, since ever."""
    return values[0] or 0.0


def _end(values: Values) -> tuple[int, End]:
    return values[0], End(values[1], values[2], bytes(values[3] or b""))


async def newest_numbers(session: Session) -> dict[int, int]:
    """The number of the newest row of each stream that has rows, gone ones too."""

    async def work(transaction: Transaction) -> list[tuple[int, int]]:
        return await transaction.query(queries.NEWEST_NUMBERS, (), _number)

    return dict(await session.transaction(work, SCAN_SECONDS))


def _number(values: Values) -> tuple[int, int]:
    return values[0], values[1]


async def restore(
    session: Session,
    board: Board,
    streams: Sequence[Stream],
    ends: Ends,
    learned: Mapping[int, Sequence[float]],
    clock: IReactorTime,
    now: Callable[[], float],
) -> None:
    """
    Put each of these streams back on the board, with its newest samples.

    Those that have been sampled meanwhile keep what was seen just now; what came before is put
    before it as far as :meth:`tvmon.board.Board.recall` can.
    """
    parts = [
        streams[start : start + STREAMS_AT_A_TIME]
        for start in range(0, len(streams), STREAMS_AT_A_TIME)
    ]
    pause = Pause(clock)
    ahead = _read(session, parts[0], ends) if parts else None
    for index, part in enumerate(parts):
        assert ahead is not None
        newest = await ahead
        # The server looks for the next rows while these are put back.
        ahead = _read(session, parts[index + 1], ends) if index + 1 < len(parts) else None
        try:
            for stream in part:
                number = stream.mms_stream_id
                end = ends.of.get(number)
                good_time = None if end is None else end.good_time
                board.restore(stream, (), good_time, learned.get(number, ()))
                if number in newest:
                    _recall(board, stream, *newest[number], clock.seconds(), now())
                await pause.now_and_then()
        except BaseException:
            if ahead is not None:
                ahead.addErrback(lambda _: None)
            raise


def _recall(
    board: Board, stream: Stream, row: Stored, points: bytes, clock_now: float, wall_now: float
) -> None:
    entry = board.get(stream.mms_stream_id)
    since = None if entry is None else entry.newest
    if since is not None:
        # What came before it shall lie before it, whatever the clocks did.
        clock_now, wall_now = since.at, since.time
    (newest,) = samples([row], clock_now, wall_now)
    past = past_of(points, newest, row.number)
    board.recall(stream, newest, past.window, past.reset)


def _read(
    session: Session, streams: Sequence[Stream], ends: Ends
) -> Deferred[dict[int, tuple[Stored, bytes]]]:
    """The newest row of each of these streams that has one, and the points before it."""

    async def read() -> dict[int, tuple[Stored, bytes]]:
        numbers = [s.mms_stream_id for s in streams if s.mms_stream_id in ends.of]
        rows = await session.query(queries.NEWEST_SAMPLES, (*_where(numbers), 1), stored)
        # Of those that are older than the others the scan did not take all that a window holds.
        old = [row.mms_stream_id for row in rows if row.time - KEPT_SECONDS < ends.since]
        points: dict[int, bytes] = {}
        if old:
            parameters = (*_where(old), LOOKED_UP_SAMPLES)
            points = dict(await session.query(queries.NEWEST_POINTS, parameters, _points))
        return {
            number: (row, max(ends.of[number].points, points.get(number, b""), key=len))
            for number, row in ((row.mms_stream_id, row) for row in rows)
        }

    def _where(numbers: Sequence[int]) -> tuple[str, str]:
        return bigints(numbers), bigints(ends.of[number].number for number in numbers)

    return Deferred.fromCoroutine(read())


def _points(values: Values) -> tuple[int, bytes]:
    return values[0], bytes(values[1])
