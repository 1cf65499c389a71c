"""
One media server: what it lists decides which of its streams are sampled.

What is believed of a listing:

    failed                    nothing; every sampler goes on; asked again after 2, 4, 8 .. 60 s
    empty, for the first time nothing; asked again at the next turn
    empty, again              there is no stream
    with unusable entries     what it has; what it lacks only where the one before lacked it, too
    any other                 what it says

    lacking a stream          of a server that lists what is published, and not what is configured:
                              the stream is sampled on for a while, since it is bad and not gone

A media server that has just started answers an empty listing until it has read its channels,
which takes longer than the first waits of the back-off.  So an empty listing is asked for
again a whole interval later: to sample streams that are gone for a minute more costs failed
polls, to drop ten thousand live ones costs the control room its eyes.  A failure between two
empty listings is such a restart again, and begins the count anew.  So it is with a stream that
is missing beside an entry that could not be used: that entry may well be the stream's.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.board import Board
from tvmon.polling import LONGEST_GRACE, Polling
from tvmon.report import ServerReport
from tvmon.sampling.asking import Terms, TimedFetch, ended_within
from tvmon.sampling.crew import Crew
from tvmon.sampling.limit import limited
from tvmon.sampling.listing import Lister
from tvmon.sampling.meters import PollMeters
from tvmon.sampling.missing import Missing
from tvmon.sampling.plan import Plan
from tvmon.sampling.redact import redact
from tvmon.sampling.sampler import Sampler
from tvmon.sampling.slices import Slices
from tvmon.sampling.talks import talking
from tvmon.servers.watched import Watched
from tvmon.streams import Stream

STOP_SECONDS = 1.0
"""How long aborted polls have to end when tvmon stops."""


class Updater(Service):
    """
    Lists one media server once each interval, and runs a sampler for each stream it has.

    Lives once: a changed configuration makes a new one, which adopts the streams of the old.

    :param random: for the phases of the samplers
    :param fetch: asks for samples
    :param listing_fetch: asks for listings, which are larger; ``fetch`` where not given
    :param slices: in which long work is done; shared by all media servers
    """

    log = Logger()

    def __init__(
        self,
        *,
        clock: IReactorTime,
        now: Callable[[], float],
        random: Random,
        server: Watched,
        fetch: TimedFetch,
        board: Board,
        meters: PollMeters,
        polling: Polling,
        listing_fetch: TimedFetch | None = None,
        slices: Slices | None = None,
    ) -> None:
        self._slices = Slices(clock) if slices is None else slices
        self.server = server
        self._clock = clock
        self._now = now
        self._board = board
        self._polling = polling
        self._meters = meters.server(server.name, self._listing_age)
        fetch = limited(clock, fetch, server.requests_at_once)
        large = limited(clock, listing_fetch, server.requests_at_once) if listing_fetch else fetch
        seconds, grace = polling.deadline_seconds, polling.grace_seconds
        self._sample_terms = Terms(clock, fetch, seconds, grace)
        self._talk = talking(
            server.name,
            server.server.begin(),
            Terms(clock, large, seconds, grace),
            polling.sampling_seconds / 2,
            self._look_again,
            self._slices,
        )
        self._meters.watch(self._talk.drift)
        self._lister = Lister(
            now=now,
            name=server.name,
            talk=self._talk,
            terms=Terms(clock, large, polling.listing_deadline_seconds, LONGEST_GRACE),
            meters=self._meters,
            longest_wait=polling.listing_seconds,
        )
        self._crew = Crew(
            clock=clock,
            random=random,
            board=board,
            meters=self._meters,
            recruit=self._recruit,
            slices=self._slices,
        )
        self._loop = LoopingCall(self._turn)
        self._loop.clock = clock
        self._ended: Deferred[Any] = succeed(None)
        self._pause: Deferred[None] | None = None
        self._good_at = clock.seconds()
        self._listed_time: float | None = None
        self._missing = Missing(server.keep_missing_seconds)
        self._is_listing = False
        self._empty_listings = 0
        self._lacked: frozenset[int] = frozenset()
        self._is_listed = False
        self._adopted: list[Stream] = []

    def startService(self) -> None:
        """List and sample from now on."""
        super().startService()
        self._good_at = self._clock.seconds()
        adopted, self._adopted = self._adopted, []
        self._run(self._crew.add(adopted))
        self._ended = self._loop.start(self._polling.listing_seconds)

    async def stopService(self) -> None:
        """Abort what is in flight and wait for it, at most a second; the board stays as it is."""
        if self.running:
            super().stopService()
            await self._stop()

    def adopt(self, streams: Iterable[Stream]) -> None:
        """
        Sample these until a listing says better: they are configured, which is told before the
        start, or were there when tvmon last looked.

        After the first listing that was believed they come too late: those of them that it did
        not have are gone, and are taken off the board, or are missing from now on where the
        server lists what is published.
        """
        mine = [stream for stream in streams if stream.server == self.server.name]
        if not self.running:
            self._adopted += map(self.server.known, mine)
        elif mine:
            self._run(self._adopt(mine))

    def trouble(self) -> str | None:
        """What is wrong with the listing, for an operator; ``None`` where nothing is."""
        trouble = self._lister.trouble()
        if trouble is None and self._doubts_emptiness and len(self._crew):
            return f"listing was empty; its {len(self._crew)} streams are kept until it is so again"
        if trouble is None and self._lacked:
            return (
                f"listing had entries that cannot be used and lacked {len(self._lacked)} streams,"
                " which are kept until it lacks them again"
            )
        return trouble

    def report(self) -> ServerReport:
        """What is to be told of the media server itself."""
        drift = self._talk.drift
        return ServerReport(
            self.server.name,
            self.server.kind,
            self.trouble(),
            self._listed_time,
            drift.unknown,
            drift.missing,
        )

    @property
    def _doubts_emptiness(self) -> bool:
        """Whether the listing was empty once, of a server that does not list what is published."""
        return self._empty_listings == 1 and not self.server.keep_missing_seconds

    async def _adopt(self, streams: list[Stream]) -> None:
        streams = await self._known(streams)
        if self._is_listed and not self.server.keep_missing_seconds:
            await self._crew.disown(streams)
        else:
            count = await self._crew.add(streams)
            if count:
                self.log.info(
                    "{server}: {count} streams are known from before",
                    server=self.server.name,
                    count=count,
                )

    def _look_again(self) -> None:
        """There is a stream that the last listing did not have: list anew, and not in a minute."""
        if self.running and not self._is_listing:
            self._run(self._turn())

    async def _turn(self) -> None:
        if self._is_listing:
            return
        self._is_listing = True
        try:
            await self._list()
        except Exception as error:
            # Not the media server's failure, nor any that is known; the next turn may do.
            self._show("{server}: the listing could not be followed\n{traceback}", Failure(error))
        finally:
            self._is_listing = False

    async def _list(self) -> None:
        """Ask until there is an answer, and follow it where it is believed."""
        while (listing := await self._lister.ask()) is None:
            self._empty_listings = 0
            self._lacked = frozenset()
            if not await self._waited(self._lister.wait):
                return
        self._good_at = self._clock.seconds()
        self._listed_time = self._now()
        self._tell_drift()
        self._empty_listings = 0 if listing.streams else self._empty_listings + 1
        if self._doubts_emptiness:
            self._lister.note_skipped(listing.skipped)
            if len(self._crew):
                self.log.warn(
                    "{server}: listing is empty; {count} streams are kept until it is so again",
                    server=self.server.name,
                    count=len(self._crew),
                )
            return
        is_partial = bool(listing.streams and listing.skipped)
        listed = await self._known(listing.streams)
        spared = self._missing.spared(
            self._crew.streams, listed, self._talk.unseen, self._clock.seconds()
        )
        await self._slices.pause()
        # Not before: what is adopted meanwhile would be compared with nothing, and disowned.
        self._is_listed = True
        done = await self._crew.follow(listed, self._lacked if is_partial else None, spared)
        self._lacked = frozenset(stream.mms_stream_id for stream in done.kept)
        if not self.running:
            return
        self._lister.note_skipped((*listing.skipped, *done.skipped))
        self._tell(done)

    async def _known(self, streams: Iterable[Stream]) -> list[Stream]:
        """The streams with what the configuration says of them."""
        self._slices.begin()
        known = []
        for stream in streams:
            known.append(self.server.known(stream))
            await self._slices.pause()
        return known

    async def _waited(self, seconds: float) -> bool:
        """Wait; whether we still run."""
        if self.running:
            self._pause = deferLater(self._clock, seconds)
            try:
                await self._pause
            except CancelledError:
                # By _stop(), and then there is nothing more to do here.
                return False
            finally:
                self._pause = None
        return bool(self.running)

    async def _stop(self) -> None:
        self._loop.stop()
        self._lister.stop()
        self._talk.stop()
        if self._pause is not None:
            self._pause.cancel()
        until = self._clock.seconds() + STOP_SECONDS
        endings: list[Deferred[Any]] = [*await self._crew.stop(until), self._ended]
        left = max(0.0, until - self._clock.seconds())
        if not await ended_within(self._clock, left, endings):
            self.log.warn(
                "{server}: {count} polls or listings are left, that did not end within {seconds} s",
                server=self.server.name,
                count=sum(not ending.called for ending in endings),
                seconds=STOP_SECONDS,
            )
        self._meters.close()

    def _recruit(self, stream: Stream) -> Sampler:
        return Sampler(
            stream,
            now=self._now,
            talk=self._talk,
            terms=self._sample_terms,
            board=self._board,
            meters=self._meters,
            interval=self._polling.sampling_seconds,
        )

    def _run(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        Deferred.fromCoroutine(work).addErrback(
            lambda failure: self._show("{server}: streams were not adopted\n{traceback}", failure)
        )

    def _show(self, text: str, failure: Failure) -> None:
        self.log.error(text, server=self.server.name, traceback=redact(failure.getTraceback()))

    def _listing_age(self) -> float:
        return self._clock.seconds() - self._good_at

    def _tell_drift(self) -> None:
        """Say once of each field that the server's module does not know, or misses."""
        news = self._talk.drift.news()
        for what, names in (("does not know", news.unknown), ("misses", news.missing)):
            if names:
                self.log.warn(
                    "{server}: answers are not as the module for {kind} knows them: it {what}"
                    " {fields}",
                    server=self.server.name,
                    kind=self.server.kind,
                    what=what,
                    fields=", ".join(names),
                )

    def _tell(self, done: Plan) -> None:
        if done.kept:
            self.log.warn(
                "{server}: listing lacks {count} streams, and has entries that cannot be used;"
                " the streams are kept until it lacks them again",
                server=self.server.name,
                count=len(done.kept),
            )
        if not done.is_empty:
            self.log.info(
                "{server}: {started} streams are new, {stopped} are gone, {changed} are changed;"
                " {count} are sampled",
                server=self.server.name,
                started=len(done.start),
                stopped=len(done.stop),
                changed=len(done.change),
                count=len(self._crew),
            )
