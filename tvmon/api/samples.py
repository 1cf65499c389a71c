"""``GET /samples``: the newest of every stream, and the history of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

from klein import Klein
from twisted.web.server import Request

from tvmon.api.ahead import Ahead
from tvmon.api.bodies import Bodies
from tvmon.api.history import history as history_of
from tvmon.api.query import (
    Query,
    parse_arguments,
    parse_limit,
    parse_samples,
    parse_stream_id,
)
from tvmon.api.refusal import Refusal, busy
from tvmon.api.reply import JSON, reply_json, unchanged
from tvmon.api.rooms import arguments, json_klein, shielded
from tvmon.api.select import Orders, select
from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.streams import Sample

STEP = 200
"""How many entries are joined at a step: 260 kB, and 2 ms of work where all of them are new."""

AWAY_SECONDS = 5
"""When to ask for a history again; the store tries to connect more often than that."""


class Samples:
    """
    The samples API.

    :param history: kept samples, newest first; LookupError for a stream that it does not know
    :param away: what ``history`` raises when the database cannot be asked
    :param filled: done when the board tells what was known before the last restart
    :param boot: differs from start to start, so that revisions of two starts are never mixed up
    """

    app: Klein = json_klein()

    def __init__(
        self,
        *,
        board: Board,
        bodies: Bodies,
        ahead: Ahead,
        history: Callable[[int, int], Awaitable[list[Sample]]],
        away: type[Exception],
        filled: Callable[[], Awaitable[None]],
        boot: str,
    ) -> None:
        self._board, self._bodies, self._ahead = board, bodies, ahead
        self._orders = Orders()
        self._history, self._away = history, away
        self._filled, self._boot = filled, boot

    @app.route("/samples", methods=["GET"])
    @app.route("/samples/<anything:_>", methods=["GET"])
    async def samples(self, request: Request, _: str = "") -> None:
        """The streams that match, sorted, and a page of them."""
        query = parse_samples(request.path)
        parse_arguments(arguments(request))
        await shielded(self._filled())
        if unchanged(request, self._etag(query, self._board.revision)):
            return
        if query.keyword is None and not query.page_size:
            self._ahead.asked()
        await self._bodies.answer(
            request,
            query,
            lambda: pages(self._board.entries(), query, self._orders),
            content_type=JSON,
            etag=lambda revision: self._etag(query, revision),
        )

    @app.route("/samples/<mms_stream_id>/history", methods=["GET"])
    async def history(self, request: Request, mms_stream_id: str) -> bytes:
        """The kept samples of one stream, newest first."""
        number = parse_stream_id(mms_stream_id)
        limit = parse_limit(parse_arguments(arguments(request), ["limit"]))
        await shielded(self._filled())
        samples = await shielded(self._ask(number, limit))
        if isinstance(samples, Refusal):
            raise samples
        board = self._board
        answer = history_of(number, samples, board.scoring, board.demand(number))
        return reply_json(request, answer)

    async def _ask(self, number: int, limit: int) -> Sequence[Sample] | Refusal:
        """
        The samples, or why there are none.

        Returned rather than raised: where the client has gone away meanwhile, nobody is there
        to take an expected error, and only the unexpected ones belong into the log.
        """
        try:
            return await self._history(number, limit)
        except self._away:
            return busy(
                "the database is away; the newest of every stream is at samples", AWAY_SECONDS
            )
        except LookupError:
            return Refusal("there is no such stream", code=404, part="mms_stream_id")

    def _etag(self, query: Query, revision: int) -> bytes:
        digest = blake2b(query.path.encode(), digest_size=8).hexdigest()
        return f'W/"{self._boot}-{revision}-{digest}"'.encode()


def pages(entries: Iterable[Entry], query: Query, orders: Orders) -> Iterator[bytes | None]:
    """The answer to a query, in chunks; each is one step of work, and may be ``None``."""
    selection = yield from select(entries, query, orders)
    yield b'{"total_samples":%d,"samples":[' % selection.total
    for start in range(0, len(selection.page), STEP):
        comma = b"," if start else b""
        some = selection.page[start : start + STEP]
        yield comma + b",".join([entry.json for entry in some])
    yield b"]}"
