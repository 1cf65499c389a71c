"""
What is remembered of a stream on an SRS for as long as it is published.

SRS tells how many frames came and not how many come, and of a stream's age nothing at all: both
are worked out here from one answer to the next.
"""

from __future__ import annotations

from collections import deque

from tvmon.servers.values import MOST_OF_STREAM, average_kbps
from tvmon.streams import Session

FRAMES_SECONDS = 60.0
"""Over how long frames are counted.  SRS adds them up only every 5 s or so, in one step, and an
answer shows a step late by up to a poll: over a minute, that is some twentieth."""

FEWEST_SECONDS = 20.0
"""Over less than this a frame rate would be a guess."""

STEP_SECONDS = 4.0
"""Steps that lie closer together are taken for one."""

QUIET_SECONDS = 15.0
"""Frames that rest for so long say nothing any more of how many come now."""


class Publishing:
    """
    One stream, published by one publisher on one run of the server.

    :param began: when it began to be published, on the clock of the answers; ``None`` where it
        was there before anybody looked
    :param received: the bytes in and out at that moment, which are not of this publisher where
        players had kept the stream alive
    """

    __slots__ = ("_began", "_frames", "_received", "_sent", "_steps", "session")

    def __init__(
        self, session: Session, began: float | None, received: int | None, sent: int | None
    ) -> None:
        self.session = session
        self._began = began
        self._received = received
        self._sent = sent
        self._frames: int | None = None
        self._steps: deque[tuple[float, int]] = deque()

    def uptime(self, at: float) -> float | None:
        """For how many seconds it has been published; ``None`` where that is not known."""
        return None if self._began is None else max(0.0, at - self._began)

    def averages(
        self, at: float, received: int | None, sent: int | None
    ) -> tuple[float | None, float | None]:
        """The mean rates in and out since it began, kbit/s."""
        seconds = self.uptime(at)
        return (
            average_kbps(_since(self._received, received), seconds),
            average_kbps(_since(self._sent, sent), seconds),
        )

    def frame_rate(self, at: float, frames: int | None) -> int | None:
        """How many frames come in a second; ``None`` until that can be told."""
        if frames is None or self._frames is None or frames < self._frames:
            self._steps.clear()
        elif frames > self._frames and (not self._steps or at - self._steps[-1][0] >= STEP_SECONDS):
            self._steps.append((at, frames))
        self._frames = frames
        while len(self._steps) > 2 and self._steps[1][0] <= at - FRAMES_SECONDS:
            self._steps.popleft()
        if len(self._steps) < 2 or at - self._steps[-1][0] > QUIET_SECONDS:
            return None
        (first_at, first), (last_at, last) = self._steps[0], self._steps[-1]
        if last_at - first_at < FEWEST_SECONDS:
            return None
        return min(round((last - first) / (last_at - first_at)), MOST_OF_STREAM)


def _since(base: int | None, now: int | None) -> int | None:
    return None if base is None or now is None or now < base else now - base
