"""Asking a media server for its listing, and what is known of how that went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.entry import utc
from tvmon.errors import Trouble
from tvmon.sampling.asking import AUTH_SECONDS, Question, Terms
from tvmon.sampling.meters import INTERNAL, ServerMeters
from tvmon.sampling.redact import redact
from tvmon.sampling.talks import Talking
from tvmon.servers import Listing
from tvmon.streams import Stream

FIRST_WAIT = 2.0
LONGEST_WAIT = 60.0
"""Seconds from a failed listing to the next try: doubled from the first to the longest."""

SHOWN = 20
"""How many skipped entries are named in one line of the log; the others are counted."""


class Lister:
    """
    Asks one media server, once for each call of :meth:`ask`.

    :ivar failures: how many listings have failed in a row
    """

    log = Logger()

    def __init__(
        self,
        *,
        now: Callable[[], float],
        name: str,
        talk: Talking,
        terms: Terms,
        meters: ServerMeters,
        longest_wait: float,
    ) -> None:
        self.failures = 0
        self._now = now
        self._name = name
        self._talk = talk
        self._terms = terms
        self._meters = meters
        self._longest_wait = min(LONGEST_WAIT, longest_wait)
        self._question: Question[Listing] | None = None
        self._is_stopped = False
        self._is_asked = False
        self._is_refused = False
        self._failed_reason = ""
        self._failed_since = 0.0
        self._skipped: frozenset[str] = frozenset()

    async def ask(self) -> Listing | None:
        """What the server lists; ``None`` where it failed, or was stopped."""
        question: Question[Listing] = Question(self._terms)
        self._question = question
        try:
            listing = await question.ask(self._list(question))
        except (Exception, SystemExit) as error:
            # CancelledError among them: it is ours only where we were stopped.
            if not self._is_stopped:
                self._failed(error, is_shared=question.is_shared)
            return None
        finally:
            self._question = None
        if self._is_stopped:
            return None
        self._good(listing, is_shared=question.is_shared)
        return listing

    def stop(self) -> None:
        """Abort what is asked now; nothing is noted of it."""
        self._is_stopped = True
        if self._question is not None:
            self._question.stop()

    @property
    def wait(self) -> float:
        """Seconds until it is worth while to ask again, after a failure."""
        if self._is_refused:
            return AUTH_SECONDS
        wait = FIRST_WAIT * 2.0 ** min(self.failures - 1, 16)
        return min(wait, self._longest_wait)

    def trouble(self) -> str | None:
        """What is wrong, for an operator; ``None`` where nothing is."""
        if not self._is_asked:
            return "not listed yet"
        if not self.failures:
            return None
        since = utc(self._failed_since)
        if self.failures == 1:
            return f"listing failed once, at {since}: {self._failed_reason}"
        return f"listing failed {self.failures} times since {since}: {self._failed_reason}"

    def note_skipped(self, sentences: Sequence[str]) -> None:
        """Count the entries that could not be used, and log those that are new."""
        self._meters.listing_skipped.set(len(sentences))
        skipped = frozenset(sentences)
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in self._skipped]
        if new:
            self.log.warn(
                "{server}: {count} entries of the listing cannot be used: {sentences}{more}",
                server=self._name,
                count=len(sentences),
                sentences="; ".join(redact(sentence) for sentence in new[:SHOWN]),
                more=f"; and {len(new) - SHOWN} more" if len(new) > SHOWN else "",
            )
        elif self._skipped and not skipped:
            self.log.info("{server}: every entry of the listing is used", server=self._name)
        self._skipped = skipped

    async def _list(self, question: Question[Listing]) -> Listing:
        listing = await self._talk.list_streams(question)
        if not isinstance(listing, Listing):
            raise TypeError(f"list_streams() gave {type(listing).__name__}, not Listing")
        if not all(isinstance(stream, Stream) for stream in listing.streams):
            raise TypeError("list_streams() gave something else among its streams")
        return listing

    def _good(self, listing: Listing, *, is_shared: bool) -> None:
        self._is_asked = True
        self._meters.listing_ended("ok")
        if self.failures and not is_shared:
            self.log.info(
                "{server}: listing is good again, after {count} failed ones;"
                " {streams} streams listed",
                server=self._name,
                count=self.failures,
                streams=len(listing.streams),
            )
        self.failures = 0

    def _failed(self, error: BaseException, *, is_shared: bool) -> None:
        self._is_asked = True
        if isinstance(error, Trouble):
            reason, outcome = redact(str(error)), str(error.outcome)
        else:
            reason, outcome = f"internal error: {type(error).__name__}", INTERNAL
        self._meters.listing_ended(outcome)
        self._is_refused = outcome == "auth"
        if not self.failures:
            self._failed_since = self._now()
        if (reason != self._failed_reason or not self.failures) and not is_shared:
            self.log.warn("{server}: listing failed: {reason}", server=self._name, reason=reason)
            if outcome == INTERNAL:
                self.log.error(
                    "{server}: internal error\n{traceback}",
                    server=self._name,
                    traceback=redact(Failure(error).getTraceback()),
                )
        self._failed_reason = reason
        self.failures += 1
