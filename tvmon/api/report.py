"""``GET /report``: what a stream, a server or all of them have done in a period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from klein import Klein
from twisted.web.server import Request

from tvmon.api.graph_query import TIMES, check_rows, parse_numbers, parse_span, parse_switch
from tvmon.api.graphs import answer, find_subject
from tvmon.api.query import parse_arguments
from tvmon.api.refusal import Refusal
from tvmon.api.rooms import arguments, json_klein, shielded
from tvmon.history.reader import Reader

EVERYTHING = "everything"
"""The name of the sum of all servers in a report."""

MOST_PARTS = 1000
"""In one report: each takes some milliseconds."""

MOST_READ = 10_000
"""Rows of one subject: more than a month of five minutes, and 50 ms of work."""

MOST_READ_IN_ALL = 2_000_000
"""Rows of one report with all its parts: some seconds of work, in turns."""


class Reports:
    """
    Reports, as JSON or CSV.

    :param filled: done when the board tells what was known before the last restart
    """

    app: Klein = json_klein()

    def __init__(self, *, reader: Reader, filled: Callable[[], Awaitable[None]]) -> None:
        self._reader, self._filled = reader, filled

    @app.route("/report", methods=["GET"])
    async def report(self, request: Request) -> bytes:
        """Of one, or of everything; with ``each=1`` of all its parts too."""
        asked = parse_arguments(arguments(request), ["vhost", *TIMES, "format", "each"])
        reader = self._reader
        form, each = parse_numbers(asked), parse_switch(asked, "each")
        tier, span = parse_span(asked, reader.archive.tiers, reader.now())
        await shielded(self._filled())
        subject = find_subject(reader.archive, asked)
        parts = reader.archive.parts_of(subject) if each else None
        if parts is not None and len(parts) > MOST_PARTS:
            raise Refusal(
                f"it has more than {MOST_PARTS} parts: ask for them one by one", part="each"
            )
        # What one turn of the reactor reads, and what one answer reads in all.
        check_rows(tier, span, min(MOST_READ, MOST_READ_IN_ALL // (1 + len(parts or ()))))
        name = asked.get("vhost") or EVERYTHING
        making = reader.report(subject, name, tier, span, form, parts=parts)
        return await answer(request, reader, making, form, "report")
