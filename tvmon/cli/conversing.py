"""A media server as the commands ask it: on the daemon's terms, and one question at a time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

from tvmon.errors import Trouble
from tvmon.polling import LONGEST_GRACE, Polling
from tvmon.sampling.asking import Question, Terms
from tvmon.sampling.fetch import Fetcher
from tvmon.sampling.limit import limited
from tvmon.sampling.redact import redact
from tvmon.sampling.talks import ABSENT
from tvmon.servers import Answer, Fetch, Listing, Overview, Request
from tvmon.servers.watched import Watched
from tvmon.streams import Measurement, Presence, Sample, Stream
from tvmon.words import cleaned

T = TypeVar("T")

REASON_CHARACTERS = 300
"""How much is said of a mistake in a module."""


class Conversation:
    """
    A conversation with one media server.

    :param seconds: the deadline for the whole of one sample, where it is not that of ``polling``
    """

    def __init__(
        self,
        reactor: Any,
        fetcher: Fetcher,
        server: Watched,
        polling: Polling,
        seconds: float | None = None,
    ) -> None:
        self.server = server
        self._reactor = reactor
        self._talk = server.server.begin()

        def terms(most: int, of: float) -> Terms:
            async def bounded(request: Request, left: float) -> Answer:
                return await fetcher.fetch(request, left, most)

            within = limited(reactor, bounded, server.requests_at_once)
            return Terms(reactor, within, of, LONGEST_GRACE)

        large, small = polling.listing_body_bytes, polling.body_bytes
        self._sample_terms = terms(
            large if isinstance(self._talk, Overview) else small,
            polling.deadline_seconds if seconds is None else seconds,
        )
        self._listing_terms = terms(large, polling.listing_deadline_seconds)

    async def list_streams(self) -> Listing:
        """Every stream that the server has now, as the configuration knows it; raises Trouble."""
        listing = await self._ask(Question(self._listing_terms), self._listed)
        return Listing(tuple(map(self.server.known, listing.streams)), listing.skipped)

    async def sample(self, stream: Stream) -> tuple[Sample, Trouble | None]:
        """A sample of one stream now, and why it failed where it did."""
        question: Question[Measurement] = Question(self._sample_terms)
        trouble: Trouble | None = None
        measured: Measurement | None = None
        try:
            measured = await self._ask(question, lambda fetch: self._sampled(stream, fetch))
        except Trouble as error:
            trouble = error
        now = self._reactor.seconds()
        at = now if trouble or question.answered_at is None else question.answered_at
        reason = None if trouble is None else trouble.reason
        return Sample(at, at, measured, reason, question.timing), trouble

    def drifted(self) -> Iterator[str]:
        """A sentence on the fields of its answers that are not what its module knows."""
        news = self._talk.drift.news()
        if news.unknown:
            yield f"its answers have fields that tvmon does not know: {', '.join(news.unknown)}"
        if news.missing:
            yield f"its answers lack fields that tvmon needs: {', '.join(news.missing)}"

    async def _ask(
        self, question: Question[T], ask: Callable[[Fetch], Coroutine[Any, Any, T]]
    ) -> T:
        try:
            return await question.ask(ask(question.fetch))
        except Trouble:
            raise
        except Exception as error:
            # A module of another package may be wrong; the other servers are asked all the same.
            words = cleaned(redact(f"{type(error).__name__}: {error}"), REASON_CHARACTERS)
            raise Trouble(f"internal error: {words}", "body") from error

    async def _listed(self, fetch: Fetch) -> Listing:
        talk = self._talk
        if not isinstance(talk, Overview):
            return await talk.list_streams(fetch)
        survey = await talk.survey(fetch)
        hidden = (f"{key} may be there, too: {why}" for key, why in survey.unseen.items())
        streams = tuple(seen.stream for seen in survey.seen.values())
        return Listing(streams, (*survey.skipped, *hidden))

    async def _sampled(self, stream: Stream, fetch: Fetch) -> Measurement:
        talk = self._talk
        if not isinstance(talk, Overview):
            return await talk.sample(stream, fetch)
        survey = await talk.survey(fetch)
        seen = survey.seen.get(stream.key)
        if seen is not None:
            return seen.measured
        why = survey.unseen.get(stream.key)
        if why is None:
            return ABSENT
        return Measurement(presence=Presence.UNSEEN, remarks=(why,))
