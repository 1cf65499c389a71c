"""One stream: asked on a clock, and what was heard, or not, goes to the board."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tvmon.board import Board
from tvmon.errors import Trouble
from tvmon.sampling.asking import Question, Terms
from tvmon.sampling.meters import INTERNAL, ServerMeters
from tvmon.sampling.redact import redact
from tvmon.sampling.talks import Talking
from tvmon.sampling.turns import Turns
from tvmon.streams import Measurement, Sample, Stream, Timing


class Sampler:
    """
    Asks for one sample each interval, begun at a random phase of it, and never overlaps.

    A sample's moment is when the answer was complete.  Its counters were read somewhere
    between asking and answering; the answer's body is written right after they were read, so
    its arrival is nearer, and what a slow connect or a busy server adds before the counters
    are read does not show up in a rate.

    :ivar stream: what is asked for from the next turn on
    """

    log = Logger()
    __slots__ = (
        "_began",
        "_board",
        "_failed_count",
        "_failed_since",
        "_interval",
        "_is_stopped",
        "_is_traced",
        "_meters",
        "_now",
        "_over",
        "_question",
        "_talk",
        "_terms",
        "_timer",
        "_turns",
        "stream",
    )

    def __init__(
        self,
        stream: Stream,
        *,
        now: Callable[[], float],
        talk: Talking,
        terms: Terms,
        board: Board,
        meters: ServerMeters,
        interval: float,
    ) -> None:
        self.stream = stream
        self._now = now
        self._talk = talk
        self._terms = terms
        self._board = board
        self._meters = meters
        self._interval = interval
        self._timer: IDelayedCall | None = None
        self._turns = Turns(interval, 0.0)
        self._question: Question[Measurement | None] | None = None
        self._over: Deferred[None] | None = None
        self._began = 0.0
        self._failed_count = 0
        self._failed_since = 0.0
        self._is_traced = False
        self._is_stopped = False

    def start(self, phase: float) -> None:
        """Take the first turn after this part of an interval, 0 to 1, and go on from there."""
        clock = self._terms.clock
        wait = phase * self._interval
        self._turns = Turns(self._interval, clock.seconds() + wait)
        self._timer = clock.callLater(wait, self._turn)

    def change(self, stream: Stream) -> None:
        """
        The stream has a new name or address: used from the next turn on, at the same phase.

        A poll in flight goes on: it was asked where the stream was, and a gap tells less.
        """
        self.stream = stream

    def rest(self) -> None:
        """Take no more turns, and note nothing of a poll in flight."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> Deferred[None] | None:
        """Rest, and abort the poll in flight; what :attr:`in_flight` is then."""
        self.rest()
        if self._question is not None:
            self._question.stop()
        return self.in_flight

    @property
    def in_flight(self) -> Deferred[None] | None:
        """What fires when the poll in flight has ended; ``None`` where there is none."""
        if self._question is None:
            return None
        if self._over is None:
            self._over = Deferred()
        return self._over

    def _turn(self) -> None:
        self._timer = None
        self._began = self._terms.clock.seconds()
        self._meters.poll_began(*self._turns.begin(self._began))
        question: Question[Measurement | None] = Question(self._terms)
        self._question = question
        question.begin(self._sample(question), self._ended)

    async def _sample(self, question: Question[Measurement | None]) -> Measurement | None:
        measured = await self._talk.sample(self.stream, question)
        if measured is not None and not isinstance(measured, Measurement):
            raise TypeError(f"sample() gave {type(measured).__name__}, not Measurement")
        return measured

    def _ended(self, result: Measurement | Failure | None) -> None:
        """Whatever became of this turn, the next one comes in its time."""
        try:
            if isinstance(result, Failure):
                self._failed(result)
            else:
                self._came(result)
        except Exception:
            # The poll was asked, and what came could not be noted.
            self._trace(Failure())
        if not self._is_stopped:
            clock = self._terms.clock
            wait = max(0.0, self._turns.due - clock.seconds())
            self._timer = clock.callLater(wait, self._turn)
        over, self._over = self._over, None
        if over is not None:
            over.callback(None)

    def _came(self, measured: Measurement | None) -> None:
        question, at, time = self._end()
        if self._is_stopped:
            self._meters.poll_aborted()
            return
        self._meters.poll_ended(at - self._began, "ok")
        answered_at = at
        if question is not None and question.answered_at is not None:
            answered_at = question.answered_at
        if self._failed_count:
            self._good_again(at)
        if measured is None:
            return
        self._board.note(
            self.stream.mms_stream_id,
            Sample(time - (at - answered_at), answered_at, measured, None, _timing(question)),
        )
        self._is_traced = False

    def _failed(self, failure: Failure) -> None:
        question, at, time = self._end()
        if self._is_stopped:
            # Mostly a CancelledError, and whatever it is, it comes of our own stopping.
            self._meters.poll_aborted()
            return
        error = failure.value
        if isinstance(error, Trouble):
            reason, outcome = str(error), str(error.outcome)
        else:
            # Even a CancelledError: nobody who stopped us caused it, so it must not end the loop.
            reason, outcome = f"internal error: {type(error).__name__}", INTERNAL
            self._trace(failure)
        self._meters.poll_ended(at - self._began, outcome)
        sample = Sample(time, at, None, reason, _timing(question))
        if question is not None and question.is_shared:
            # It is the server's failure, and said once for all its streams.
            self._board.note(self.stream.mms_stream_id, sample)
            return
        if not self._failed_count:
            self._failed_since = at
            self.log.warn(
                "{stream} ({server}): polls fail: {reason}",
                stream=self.stream.unify_name,
                server=self.stream.server,
                reason=redact(reason),
            )
        self._failed_count += 1
        self._board.note(self.stream.mms_stream_id, sample)

    def _end(self) -> tuple[Question[Measurement | None] | None, float, float]:
        """The poll is over: its question, and when that was, by the clock and by the wall."""
        # Read side by side: what one of them lags shows in every rate worked out from the other.
        at, time = self._terms.clock.seconds(), self._now()
        question, self._question = self._question, None
        self._turns.end(at)
        return question, at, time

    def _good_again(self, at: float) -> None:
        self.log.info(
            "{stream} ({server}): polls are good again, after {count} failed ones in {seconds} s",
            stream=self.stream.unify_name,
            server=self.stream.server,
            count=self._failed_count,
            seconds=round(at - self._failed_since),
        )
        self._failed_count = 0

    def _trace(self, failure: Failure) -> None:
        """Show a mistake of our own once, until there is a poll without one."""
        if self._is_traced:
            return
        self._is_traced = True
        self.log.error(
            "{stream} ({server}): internal error\n{traceback}",
            stream=self.stream.unify_name,
            server=self.stream.server,
            traceback=redact(failure.getTraceback()),
        )


def _timing(question: Question[Measurement | None] | None) -> Timing | None:
    return None if question is None else question.timing
