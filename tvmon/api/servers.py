"""``GET /servers``: the media servers themselves, and how many of their streams are how well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from klein import Klein
from twisted.web.server import Request

from tvmon.api.query import parse_arguments
from tvmon.api.reply import encode, reply
from tvmon.api.rooms import arguments, json_klein, shielded
from tvmon.board import Board
from tvmon.entry import Entry, utc
from tvmon.report import ServerReport
from tvmon.streams import Level

LEVELS: dict[str, Level | None] = {
    "bad": Level.BAD,
    "problem": Level.PROBLEM,
    "good": Level.GOOD,
    "unknown": None,
}
"""The words for ``score_level``, the worst first."""


class Servers:
    """
    The media servers, in the order of the configuration.

    :param reports: what is to be told of each, now
    :param filled: done when the board tells what was known before the last restart
    """

    app: Klein = json_klein()

    def __init__(
        self,
        *,
        board: Board,
        reports: Callable[[], Sequence[ServerReport]],
        filled: Callable[[], Awaitable[None]],
    ) -> None:
        self._board, self._reports, self._filled = board, reports, filled

    @app.route("/servers", methods=["GET"])
    async def servers(self, request: Request) -> bytes:
        """All of them."""
        parse_arguments(arguments(request))
        await shielded(self._filled())
        body = encode({"servers": described(self._reports(), self._board.entries())})
        # Hardly anything of it changes from sample to sample, so the tag is of what it says.
        digest = blake2b(body, digest_size=8).hexdigest()
        return reply(request, body, etag=f'W/"{digest}"'.encode())


def described(reports: Iterable[ServerReport], entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Each media server with its streams counted: 5 ms of work for 10,000 streams."""
    counts = Counter((entry.stream.server, entry.health.whole.level) for entry in entries)
    return [_server(report, counts) for report in reports]


def _server(report: ServerReport, counts: Counter[tuple[str, Level | None]]) -> dict[str, Any]:
    levels = {word: counts[report.name, level] for word, level in LEVELS.items()}
    return {
        "name": report.name,
        "kind": report.kind,
        "streams": sum(levels.values()),
        "levels": levels,
        "trouble": report.trouble,
        "listed_time": None if report.listed_time is None else utc(report.listed_time),
        "fields_unknown": dict(report.unknown),
        "fields_missing": dict(report.missing),
    }
