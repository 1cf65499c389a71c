"""
Encoding ahead: while somebody asks for every stream again and again, entries wait for him.

An entry is encoded at the moment it is new, which is the work that the next answer would have to
do for a whole second's samples at once.  Nobody who asks seldom, or for a page, makes it happen.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.streams import Sample

LATELY_SECONDS = 5.0
"""Who asks twice within so long is expected to ask again within as long: beyond it more entries
would be encoded than are asked for."""


class Ahead:
    """Encodes the entries of a board as they come, for as long as that pays."""

    def __init__(self, clock: IReactorTime, board: Board) -> None:
        self._clock, self._board = clock, board
        self._asked_at = -LATELY_SECONDS
        self._unlisten: Callable[[], None] | None = None

    def asked(self) -> None:
        """Somebody wants every stream, now."""
        now = self._clock.seconds()
        if now - self._asked_at < LATELY_SECONDS and self._unlisten is None:
            self._unlisten = self._board.listen(self)
        self._asked_at = now

    def stop(self) -> None:
        """Encode no more."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    def sample_noted(self, entry: Entry, sample: Sample) -> None:  # noqa: ARG002
        """Encode it, unless nobody has asked for long."""
        if self._clock.seconds() - self._asked_at < LATELY_SECONDS:
            _ = entry.json
        else:
            self.stop()

    def stream_put(self, entry: Entry) -> None:
        """Nothing to do: a stream is seldom new."""

    def stream_dropped(self, entry: Entry) -> None:
        """Nothing to do."""

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        """Nothing that is shown."""
