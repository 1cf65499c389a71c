"""``GET /graph...``: histories as pictures, and the numbers behind them."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

from klein import Klein
from twisted.web.server import Request

from tvmon.api.graph_query import (
    LOOKS,
    TIMES,
    Form,
    check_rows,
    parse_form,
    parse_look,
    parse_plot,
    parse_protocol,
    parse_span,
    parse_window,
    parse_window_span,
)
from tvmon.api.query import parse_arguments, parse_stream_id
from tvmon.api.refusal import NOT_FOUND, Refusal, busy
from tvmon.api.reply import JSON, reply
from tvmon.api.rooms import arguments, json_klein, shielded
from tvmon.board import Board
from tvmon.history.drawing import Look, Span
from tvmon.history.numbers import MOST_ROWS
from tvmon.history.plots import GLOBALS, METRICS, TARGETS, Plot
from tvmon.history.ranges import Window
from tvmon.history.reader import Answer, Question, Reader
from tvmon.history.rrd import Archive, NoRrdtool, RrdError
from tvmon.history.subjects import ALL, PROTOCOL_OF, Subject, of_stream
from tvmon.report import ServerReport
from tvmon.streams import Stream
from tvmon.tiers import Tier

TYPES = {"png": b"image/png", "json": JSON, "csv": b"text/csv; charset=utf-8"}

MOST_DRAWN = 120_000
"""Rows of one picture: rrdtool takes 20 MB for so many, and a few hundred milliseconds."""

AWAY_SECONDS = 30
"""When to ask again, where rrdtool cannot be asked."""


class Graphs:
    """
    The graphs of streams, of what they are parts of, and of the machine.

    :param reports: what is to be told of each media server, now
    :param filled: done when the board tells what was known before the last restart
    """

    app: Klein = json_klein()

    def __init__(
        self,
        *,
        reader: Reader,
        board: Board,
        reports: Callable[[], Sequence[ServerReport]],
        filled: Callable[[], Awaitable[None]],
    ) -> None:
        self._reader, self._board = reader, board
        self._reports, self._filled = reports, filled

    @app.route("/graph_global", methods=["GET"])
    async def of_machine(self, request: Request) -> bytes:
        """Of the machine, or of everything together."""
        asked = parse_arguments(arguments(request), ["target", "step", *TIMES, *LOOKS])
        plot = parse_plot(asked.get("target"), GLOBALS)
        tier, span = self._span(asked)
        question = Question(plot, plot.of, tier, span)
        return await self._answer(request, asked, question, parse_look(asked))

    @app.route("/graph_vhost", methods=["GET"])
    async def of_vhost(self, request: Request) -> bytes:
        """Of a media server, an application or a stream, or of everything."""
        allowed = ["target", "vhost", "protocol", "step", *TIMES, *LOOKS]
        asked = parse_arguments(arguments(request), allowed)
        plot = parse_plot(asked.get("target"), TARGETS)
        tier, span = self._span(asked)
        look = parse_look(asked)
        await shielded(self._filled())
        vhost = asked.get("vhost") or None
        question = Question(plot, self._subject(asked, plot), tier, span, vhost)
        return await self._answer(request, asked, question, look)

    @app.route("/graph/stream/<file>", methods=["GET"])
    async def of_stream(self, request: Request, file: str) -> bytes:
        """Of one stream, by its number."""
        if not file.endswith(".png"):
            raise NOT_FOUND
        number = parse_stream_id(file.removesuffix(".png"))
        asked = parse_arguments(arguments(request), ["metric", "step", *TIMES, *LOOKS])
        plot = parse_plot(asked.get("metric", "traffic"), METRICS, "metric")
        tier, span = self._span(asked)
        look = parse_look(asked)
        await shielded(self._filled())
        stream, subject = self._stream(number), of_stream(number)
        if stream is None:
            check_there(self._reader)
            raise Refusal("there is no such stream", code=404, part="mms_stream_id")
        vhost = f"{stream.server}/{stream.key}"
        return await self._answer(request, asked, Question(plot, subject, tier, span, vhost), look)

    @app.route("/graph/<file>", methods=["GET"])
    async def window_of_machine(self, request: Request, file: str) -> bytes:
        """As :meth:`of_machine`, by an older address."""
        plot, window = parse_window(file, GLOBALS)
        asked = parse_arguments(arguments(request), [*TIMES, *LOOKS])
        tier, span = self._span(asked, window)
        question = Question(plot, plot.of, tier, span)
        look = parse_look(asked, window.width, window.height)
        return await self._answer(request, asked, question, look)

    @app.route("/graph/vhost/<file>", methods=["GET"])
    async def window_of_vhost(self, request: Request, file: str) -> bytes:
        """As :meth:`of_vhost`, by an older address."""
        plot, window = parse_window(file, TARGETS)
        asked = parse_arguments(arguments(request), ["vhost", "protocol", *TIMES, *LOOKS])
        tier, span = self._span(asked, window)
        look = parse_look(asked, window.width, window.height)
        await shielded(self._filled())
        vhost = asked.get("vhost") or None
        question = Question(plot, self._subject(asked, plot), tier, span, vhost)
        return await self._answer(request, asked, question, look)

    def _span(self, asked: Mapping[str, str], window: Window | None = None) -> tuple[Tier, Span]:
        tiers, now = self._reader.archive.tiers, self._reader.now()
        if window is None:
            return parse_span(asked, tiers, now)
        return parse_window_span(asked, window, tiers, now)

    def _subject(self, asked: Mapping[str, str], plot: Plot) -> Subject | None:
        """Who is meant; ``None`` is one of whom nothing goes by the protocol that is asked for."""
        protocol = parse_protocol(asked, plot)
        subject = find_subject(self._reader.archive, asked)
        if protocol is None:
            return subject
        if subject == ALL:
            return Subject("protocol", protocol)
        kind = self._kind(subject)
        return subject if PROTOCOL_OF.get(kind) == protocol else None

    def _kind(self, subject: Subject) -> str:
        """The kind of its media server; empty where that is not known any more."""
        kinds = {report.name: report.kind for report in self._reports()}
        if subject.kind == "stream":
            stream = self._stream(int(subject.name))
            return "" if stream is None else kinds.get(stream.server, stream.kind)
        name = subject.name
        servers = [server for server in kinds if f"{name}/".startswith(f"{server}/")]
        return kinds[max(servers, key=len)] if servers else ""

    def _stream(self, number: int) -> Stream | None:
        """What is known of a stream, be it gone."""
        entry = self._board.get(number)
        return self._reader.archive.stream(number) if entry is None else entry.stream

    async def _answer(
        self, request: Request, asked: Mapping[str, str], question: Question, look: Look
    ) -> bytes:
        form = parse_form(asked)
        check_rows(question.tier, question.span, MOST_DRAWN if form == "png" else MOST_ROWS)
        if form == "png":
            making = self._reader.picture(question, look)
        else:
            making = self._reader.numbers(question, form)
        return await answer(request, self._reader, making, form, question.plot.name)


def find_subject(archive: Archive, asked: Mapping[str, str]) -> Subject:
    """Whom ``vhost`` names; everything, where it names nobody."""
    try:
        return archive.find(asked["vhost"]) if asked.get("vhost") else ALL
    except LookupError as error:
        raise Refusal(str(error.args[0]), code=404, part="vhost") from None
    except NoRrdtool as trouble:
        raise busy(str(trouble), AWAY_SECONDS) from None


def check_there(reader: Reader) -> None:
    """Refuse where there is no history at all: nobody is known then."""
    trouble = reader.trouble()
    if trouble is not None:
        raise busy(trouble, AWAY_SECONDS)


async def answer(
    request: Request, reader: Reader, making: Awaitable[Answer], form: Form, name: str
) -> bytes:
    """
    Answer with what is being made, and say how long it holds.

    :param name: of the file that a CSV is kept as, without its ending; a constant of ours
    """
    made = await shielded(_or_refusal(making))
    if isinstance(made, Refusal):
        raise made
    seconds = max(0, math.ceil(made.until - reader.now()))
    request.setHeader(b"Cache-Control", b"private, max-age=%d" % seconds)
    if form == "csv":
        request.setHeader(b"Content-Disposition", f'attachment; filename="{name}.csv"'.encode())
    etag = f'W/"{made.etag}"'.encode()
    return reply(request, made.body, content_type=TYPES[form], etag=etag, shrinks=form != "png")


async def _or_refusal(making: Awaitable[Answer]) -> Answer | Refusal:
    """
    What is made, or why nothing is.

    Returned rather than raised: where the client has gone away meanwhile, nobody is there to
    take an expected error.
    """
    try:
        return await making
    except NoRrdtool as trouble:
        return busy(str(trouble), AWAY_SECONDS)
    except RrdError:
        return busy("this history cannot be read now; tvmon's log says why", AWAY_SECONDS)
