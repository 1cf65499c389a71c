"""
Answers questions about histories: pictures and numbers, made once and kept for a while.

What is written changes every five minutes, so an answer holds until the next boundary.  Within
the first seconds behind one it holds for just these: the newest row is only being written.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeVar

import simplejson
from cachetools import LRUCache
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.history import numbers, report_rows
from tvmon.history.drawing import Look, Span, draw
from tvmon.history.numbers import Row
from tvmon.history.plots import Plot
from tvmon.history.report import Report, as_csv, report
from tvmon.history.rrd import Archive, Asked, NoRrdtool, RrdError
from tvmon.history.subjects import Subject
from tvmon.tiers import STEP_SECONDS, Tier

T = TypeVar("T")

MOST_BYTES = 32 * 1024 * 1024
"""Of all answers that are kept: some thousand pictures."""

BESIDE_BYTES = 1000
"""What keeping an answer takes beside its body, about."""

WRITTEN_SECONDS = 30
"""Behind a boundary, after which its row is there."""


class Question(NamedTuple):
    """
    What somebody wants to see.

    :ivar subject: whose history; ``None`` is one of whom nothing is known
    :ivar vhost: how the subject was named, for the answer to say
    """

    plot: Plot
    subject: Subject | None
    tier: Tier
    span: Span
    vhost: str | None = None


class Answer(NamedTuple):
    """
    A picture or numbers.

    :ivar etag: differs where the body does
    :ivar until: it holds so long, seconds since 1970
    """

    body: bytes
    etag: str
    until: float


class Reader:
    """
    Asks rrdtool, no more than once at a time for the same.

    :param archive: which histories there are
    :param now: seconds since 1970, UTC
    :param most_bytes: of all answers that are kept
    """

    log = Logger()

    def __init__(
        self,
        *,
        rrd: Asked,
        archive: Archive,
        now: Callable[[], float],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.archive, self.now = archive, now
        self._rrd = rrd
        self._kept: LRUCache[tuple[object, ...], Answer] = LRUCache(most_bytes, getsizeof=_size)
        self._making: dict[tuple[object, ...], list[Deferred[Answer]]] = {}
        self._said = ""

    def forget(self) -> None:
        """Another history takes the place of the one that was told of."""
        self._kept.clear()

    def trouble(self) -> str | None:
        """Why nothing can be asked, and what to install; ``None`` where all is well."""
        return self._rrd.trouble()

    async def picture(self, question: Question, look: Look) -> Answer:
        """
        A PNG.

        :raises NoRrdtool: nobody is there to draw it
        :raises RrdError: rrdtool would not
        """
        plot, tier, span = question.plot, question.tier, question.span

        async def drawn(file: str | None) -> bytes:
            image = (await self._rrd.read(draw(plot, file, tier, span, look))).image
            if image is None:
                raise RrdError("it has drawn no picture")
            return image

        async def make() -> bytes:
            return await self._of(question.subject, drawn)

        return await self._answer((self._file(question.subject), plot, tier, span, look), make)

    async def numbers(self, question: Question, form: Literal["json", "csv"]) -> Answer:
        """The same as JSON or CSV; raises as :meth:`picture`."""
        plot, _, tier, span, vhost = question

        async def rows(file: str | None) -> tuple[int, list[Row]]:
            return await self._rows(plot, file, tier, span)

        async def make() -> bytes:
            step, told = await self._of(question.subject, rows)
            columns = numbers.columns_of(plot, tier)
            whole = numbers.Numbers(plot.name, vhost, step, *span, plot.unit, columns, told)
            return numbers.to_json(whole) if form == "json" else numbers.to_csv(whole)

        file = self._file(question.subject)
        return await self._answer((file, plot, tier, span, vhost, form), make)

    async def report(
        self,
        subject: Subject,
        name: str,
        tier: Tier,
        span: Span,
        form: Literal["json", "csv"],
        *,
        parts: Sequence[tuple[str, Subject]] | None = None,
    ) -> Answer:
        """
        What a subject has done in a period, and each of its parts; raises as :meth:`picture`.

        :param name: how the subject is called in the answer
        :param parts: whose reports are told as well, with their names
        """

        async def make() -> bytes:
            whole = await self._report(subject, tier, span)
            each = [(part, await self._report(of, tier, span)) for part, of in parts or ()]
            if form == "csv":
                return as_csv([(name, whole), *each]).encode("utf-8", "replace")
            told: dict[str, Any] = {"name": name, **whole.as_dict()}
            if parts is not None:
                told["parts"] = [{"name": part, **of.as_dict()} for part, of in each]
            return simplejson.dumps(told, separators=(",", ":")).encode()

        return await self._answer((subject, name, tier, span, form, parts is not None), make)

    async def _report(self, subject: Subject, tier: Tier, span: Span) -> Report:
        async def made(file: str | None) -> Report:
            if file is None:
                self._check()
                return report(tier, (), *span)
            output = await self._rrd.read(report_rows.ask(file, tier, span))
            step, rows = report_rows.rows(output.lines)
            # It is another than was asked for where the tiers have been changed meanwhile.
            return report(tier._replace(seconds=step), rows, *span)

        return await self._of(subject, made)

    async def _rows(
        self, plot: Plot, file: str | None, tier: Tier, span: Span
    ) -> tuple[int, list[Row]]:
        command = None if file is None else numbers.ask(plot, file, tier, span)
        if command is None:
            self._check()
            return tier.seconds, []
        return numbers.read((await self._rrd.read(command)).lines)

    def _check(self) -> None:
        """Where nothing need be asked, it still must be possible: an answer is not by chance."""
        trouble = self._rrd.trouble()
        if trouble is not None:
            raise NoRrdtool(trouble)

    def _file(self, subject: Subject | None) -> str | None:
        return None if subject is None else self.archive.file_of(subject)

    async def _of(self, subject: Subject | None, ask: Callable[[str | None], Awaitable[T]]) -> T:
        """Ask of a subject's file; again, where another one took its place meanwhile."""
        file = self._file(subject)
        try:
            return await ask(file)
        except RrdError:
            now = self._file(subject)
            if now == file:
                raise
            return await ask(now)

    async def _answer(
        self, what: tuple[object, ...], make: Callable[[], Awaitable[bytes]]
    ) -> Answer:
        """The answer that is kept; or that somebody else waits for too; or a new one."""
        until = valid_until(self.now())
        key = (*what, until)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        waiting = self._making.get(key)
        if waiting is not None:
            waiter: Deferred[Answer] = Deferred()
            waiting.append(waiter)
            return await waiter
        waiting = self._making[key] = []
        try:
            body = await make()
        except BaseException as error:
            if isinstance(error, RrdError):
                self._say(str(error))
            # However it ends, even by being given up: those who wait must not wait for ever.
            failure = Failure()
            for waiter in self._done(key):
                waiter.errback(failure)
            raise
        answer = Answer(body, blake2b(body, digest_size=12).hexdigest(), until)
        if _size(answer) <= self._kept.maxsize:
            self._kept[key] = answer
        for waiter in self._done(key):
            waiter.callback(answer)
        return answer

    def _say(self, words: str) -> None:
        """Once: who asks again and again must not fill the log."""
        if words != self._said:
            self._said = words
            self.log.warn("a history cannot be read: {why}", why=words)

    def _done(self, key: tuple[object, ...]) -> list[Deferred[Answer]]:
        return [waiter for waiter in self._making.pop(key) if not waiter.called]


def valid_until(now: float) -> float:
    """How long what is answered now holds: to the next boundary, or until its row is there."""
    boundary = math.floor(now / STEP_SECONDS) * STEP_SECONDS
    written = boundary + WRITTEN_SECONDS
    return written if now < written else boundary + STEP_SECONDS


def _size(answer: Answer) -> int:
    return len(answer.body) + BESIDE_BYTES
