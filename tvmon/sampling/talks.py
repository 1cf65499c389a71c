"""
Conversations with media servers, as samplers and the lister have them.

Most servers tell of all their streams in one answer.  Each stream has its sampler all the same,
with its own clock; but of the samplers of one server the first one asks, and the others take
what it got: an answer that is fresher than half an interval is shared, and one that is under way
is joined and never doubled.  A failure is shared like an answer.

A server that refuses who we are is asked again only after some minutes: a password that is wrong
stays so, and some servers lock out who tries too often.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.errors import NoAnswer, Trouble
from tvmon.sampling.asking import AUTH_SECONDS, Question, Terms
from tvmon.sampling.meters import INTERNAL
from tvmon.sampling.redact import redact
from tvmon.sampling.refused import refused
from tvmon.sampling.slices import Slices
from tvmon.servers import Drift, Listing, Overview, Survey, Talk
from tvmon.streams import Measurement, Presence, Stream, Timing

JITTER_SECONDS = 0.008
"""By how much a stream that was asked for last time is asked sooner: where two samplers lie half
an interval apart, some ms would decide each time whether one shares, and its samples lie apart."""

UNSEEN_SECONDS = 15.0
"""
For how long nothing is noted of a stream that an answer does not show, though it may be there.

Of a server with several workers one answers at a time, so that a stream is seen now and then;
between two such answers what was seen last is still what is known.
"""

ABSENT = Measurement(presence=Presence.ABSENT)

EVERY_STREAM = ""
"""In place of a stream's key: the password is refused, whatever is asked for."""


class Talking(Protocol):
    """A conversation that is under way."""

    @property
    def drift(self) -> Drift:
        """Which fields of the answers are unknown, or missing."""

    @property
    def unseen(self) -> Container[str]:
        """The keys of streams that the last listing did not show, and that may be there."""

    async def list_streams(self, question: Question[Any]) -> Listing:
        """Every stream that the server has now; raises Trouble."""

    async def sample(self, stream: Stream, question: Question[Any]) -> Measurement | None:
        """What the server says of a stream now, ``None`` where nothing new; raises Trouble."""

    def stop(self) -> None:
        """Abort what is under way."""


class Direct:
    """
    A conversation with a server that is asked for each stream by itself.

    Where it refuses who we are before it has ever let us in, the password is wrong, and nobody
    asks for a while; later it is that stream alone which we may not see.

    :param name: of the server, for the log
    :param slices: in which long answers are read
    """

    log = Logger()

    def __init__(
        self, name: str, talk: Talk, clock: IReactorTime, slices: Slices | None = None
    ) -> None:
        self._name, self._talk, self._clock = name, talk, clock
        self._slices = Slices(clock) if slices is None else slices
        self._is_let_in = False
        self._held: dict[str, tuple[float, Trouble]] = {}

    @property
    def drift(self) -> Drift:
        """Which fields of the answers are unknown, or missing."""
        return self._talk.drift

    @property
    def unseen(self) -> Container[str]:
        """None: a listing shows all that there are."""
        return ()

    async def list_streams(self, question: Question[Any]) -> Listing:
        """Every stream that the server has now; raises Trouble."""
        self._check(EVERY_STREAM, question)
        return await self._slices.run(self._list(question))

    async def sample(self, stream: Stream, question: Question[Any]) -> Measurement | None:
        """What the server says of a stream now; raises Trouble."""
        whom = stream.key if self._is_let_in else EVERY_STREAM
        self._check(whom, question)
        try:
            measured = await self._talk.sample(stream, question.fetch)
        except Trouble as trouble:
            if trouble.outcome == "auth":
                self._hold(whom, trouble)
                self._check(whom, question)
            raise
        self._is_let_in = True
        if self._held:
            for place in (EVERY_STREAM, whom):
                self._held.pop(place, None)
        return measured

    def stop(self) -> None:
        """There is nothing under way but what others asked."""

    async def _list(self, question: Question[Any]) -> Listing:
        return await self._talk.list_streams(question.fetch)

    def _check(self, whom: str, question: Question[Any]) -> None:
        """Raise what was said at the refusal, while nobody is to ask."""
        if not self._held:
            return
        until, trouble = self._held.get(whom, (float("-inf"), None))
        if trouble is not None and self._clock.seconds() < until:
            question.is_shared = whom == EVERY_STREAM
            raise type(trouble)(trouble.reason, trouble.outcome)

    def _hold(self, whom: str, trouble: Trouble) -> None:
        refusal = refused(trouble)
        if whom == EVERY_STREAM and whom not in self._held:
            self.log.warn(
                "{server}: polls fail: {reason}", server=self._name, reason=redact(str(refusal))
            )
        self._held[whom] = self._clock.seconds() + AUTH_SECONDS, refusal


class Shared:
    """
    A conversation with a server that tells of all its streams in one answer.

    :param name: of the server, for the log
    :param terms: on what terms it is asked, whoever wants to know
    :param fresh_seconds: how old an answer may be that is shared
    :param on_news: called when there is a stream that the last listing did not have
    :param slices: in which long answers are read, and handed on
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        overview: Overview,
        terms: Terms,
        fresh_seconds: float,
        on_news: Callable[[], None] = lambda: None,
        slices: Slices | None = None,
    ) -> None:
        self._slices = Slices(terms.clock) if slices is None else slices
        self._name, self._overview, self._terms = name, overview, terms
        self._fresh_seconds, self._on_news = fresh_seconds, on_news
        self._question: Question[Survey] | None = None
        self._waiting: OrderedDict[Deferred[None], None] = OrderedDict()
        self._survey: Survey | None = None
        self._trouble: Trouble | None = None
        self._good_until = self._held_until = float("-inf")
        self._answered_at = 0.0
        self._timing: Timing | None = None
        self._seen_at: dict[str, float] = {}
        # The streams whose last sample began to ask, and did not join or share.
        self._askers: set[str] = set()
        self._listed: frozenset[str] | None = None
        self._failed_count, self._failed_since = 0, 0.0
        self._is_stopped = False

    @property
    def drift(self) -> Drift:
        """Which fields of the answers are unknown, or missing."""
        return self._overview.drift

    @property
    def unseen(self) -> Container[str]:
        """The keys of streams that the newest answer did not show, and that may be there."""
        return () if self._survey is None else self._survey.unseen

    async def list_streams(self, question: Question[Any]) -> Listing:
        """Every stream that is published now; raises Trouble."""
        survey = await self._ask(question)
        self._listed = frozenset(survey.seen)
        return Listing(tuple(seen.stream for seen in survey.seen.values()), survey.skipped)

    async def sample(self, stream: Stream, question: Question[Any]) -> Measurement | None:
        """What the newest answer says of a stream; ``None`` where it need not say it; Trouble."""
        survey = await self._ask(question, stream.key)
        seen = survey.seen.get(stream.key)
        if seen is not None:
            return seen.measured
        why = survey.unseen.get(stream.key)
        if why is None:
            return ABSENT
        if self._answered_at - self._seen_at.get(stream.key, float("-inf")) < UNSEEN_SECONDS:
            return None
        return Measurement(presence=Presence.UNSEEN, remarks=(why,))

    def stop(self) -> None:
        """Abort what is under way; who waits for it is to be stopped before."""
        self._is_stopped = True
        if self._question is not None:
            self._question.stop()

    async def _ask(self, question: Question[Any], key: str = "") -> Survey:
        """The newest answer, asked for where there is none that is fresh."""
        question.is_shared = True
        now = self._terms.clock.seconds()
        good_until = self._good_until
        if key in self._askers:
            good_until -= min(JITTER_SECONDS, self._fresh_seconds / 4)
            self._askers.discard(key)
        is_left_alone = good_until <= now < self._held_until
        if now >= good_until and not is_left_alone:
            if self._question is None:
                self._askers.add(key)
                self._begin()
            if self._question is not None:
                waiter: Deferred[None] = Deferred(self._leave)
                self._waiting[waiter] = None
                await waiter
        if self._is_stopped:
            raise NoAnswer("tvmon is stopping", "connection")
        if not is_left_alone:
            question.timing = self._timing
        if self._trouble is not None:
            # Each gets one of its own: who raises it adds to its traceback.
            raise type(self._trouble)(self._trouble.reason, self._trouble.outcome)
        assert self._survey is not None
        question.answered_at = self._answered_at
        return self._survey

    def _leave(self, waiter: Deferred[None]) -> None:
        """Who waits does so no more; the others go on."""
        self._waiting.pop(waiter, None)

    def _begin(self) -> None:
        question: Question[Survey] = Question(self._terms)
        self._question = question
        asked = question.ask(self._slices.run(self._overview_of(question)))
        asked.addCallbacks(
            self._came, self._failed, callbackArgs=(question,), errbackArgs=(question,)
        )

    async def _overview_of(self, question: Question[Survey]) -> Survey:
        survey = await self._overview.survey(question.fetch)
        if not isinstance(survey, Survey):
            raise TypeError(f"survey() gave {type(survey).__name__}, not Survey")
        return survey

    def _came(self, survey: Survey, question: Question[Survey]) -> None:
        clock = self._terms.clock
        at = clock.seconds() if question.answered_at is None else question.answered_at
        self._survey, self._trouble, self._answered_at = survey, None, at
        self._timing = question.timing
        seen_at = dict.fromkeys(survey.seen, at)
        # Of the others only those are of interest that the server may still have.
        for key in survey.unseen:
            if key in self._seen_at:
                seen_at.setdefault(key, self._seen_at[key])
        self._seen_at = seen_at
        self._askers &= seen_at.keys() | {""}
        if self._failed_count:
            self.log.info(
                "{server}: polls are good again, after {count} failed ones in {seconds} s",
                server=self._name,
                count=self._failed_count,
                seconds=round(clock.seconds() - self._failed_since),
            )
            self._failed_count = 0
        self._end()
        if self._listed is not None and not survey.seen.keys() <= self._listed:
            self._on_news()

    def _failed(self, failure: Failure, question: Question[Survey]) -> None:
        self._timing = question.timing
        if self._is_stopped:
            self._end()
            return
        error = failure.value
        now = self._terms.clock.seconds()
        if isinstance(error, Trouble):
            self._trouble = error
            if error.outcome == "auth":
                self._held_until = now + AUTH_SECONDS
                self._trouble = refused(error)
        else:
            self._trouble = Trouble(f"internal error: {type(error).__name__}", INTERNAL)
        if not self._failed_count:
            self._failed_since = now
            self.log.warn(
                "{server}: polls fail: {reason}",
                server=self._name,
                reason=redact(str(self._trouble)),
            )
            if not isinstance(error, Trouble):
                self.log.error(
                    "{server}: internal error\n{traceback}",
                    server=self._name,
                    traceback=redact(failure.getTraceback()),
                )
        self._failed_count += 1
        self._end()

    def _end(self) -> None:
        self._question = None
        self._good_until = self._terms.clock.seconds() + self._fresh_seconds
        Deferred.fromCoroutine(self._release())

    async def _release(self) -> None:
        """Let those go on who waited, in slices: each of them notes a sample."""
        self._slices.begin()
        for _ in range(len(self._waiting)):
            if not self._waiting:
                return
            self._waiting.popitem(last=False)[0].callback(None)
            await self._slices.pause()


def talking(
    name: str,
    talk: Talk | Overview,
    terms: Terms,
    fresh_seconds: float,
    on_news: Callable[[], None] = lambda: None,
    slices: Slices | None = None,
) -> Talking:
    """The conversation as samplers have it; :class:`Shared` says what the parameters are."""
    if isinstance(talk, Overview):
        return Shared(name, talk, terms, fresh_seconds, on_news, slices)
    return Direct(name, talk, terms.clock, slices)
