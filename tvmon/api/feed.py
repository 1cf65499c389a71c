"""
What has changed since: the news of the board, in the order of its revisions.

Nobody's news are put aside for him.  Each entry carries the revision of its last change, so
whoever knows how far he has heard can be told the rest: at most one item a stream, however
long he did not listen.  Only streams that are gone have no entry, and are remembered here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import NamedTuple

from tvmon.board import Board
from tvmon.entry import Entry
from tvmon.streams import Sample

GONE_KEPT = 20_000
"""How many streams that are gone are remembered; who missed an older one is told everything."""


class Item(NamedTuple):
    """A stream that changed or is gone, and the board's revision at which that happened."""

    revision: int
    mms_stream_id: int
    gone: bool


class Feed:
    """
    Listens to the board, and answers who has missed something.

    :param changed: called at each change; must be quick and must not raise
    """

    def __init__(self, board: Board, changed: Callable[[], None]) -> None:
        self._board, self._changed = board, changed
        self._gone: deque[Item] = deque()
        self._forgotten = board.revision
        self._last: tuple[Hashable, list[Item]] = (None, [])
        self.stop = board.listen(self)

    @property
    def revision(self) -> int:
        """The revision of the newest change."""
        return self._board.revision

    def knows(self, revision: int) -> bool:
        """Whether all that changed after a revision can still be told."""
        return self._forgotten <= revision <= self._board.revision

    def since(self, revision: int) -> list[Item]:
        """
        What changed after a revision, oldest first; each stream once, at its newest change.

        A stream that went and came back is there twice, first as gone.  The list is not to be
        changed: all who have heard equally far share it.
        """
        key = (revision, self._board.revision)
        if self._last[0] != key:
            items = [item for item in self._gone if item.revision > revision]
            items += [
                Item(entry.revision, entry.stream.mms_stream_id, False)
                for entry in self._board.entries()
                if entry.revision > revision
            ]
            items.sort()
            self._last = (key, items)
        return self._last[1]

    def stream_put(self, entry: Entry) -> None:  # noqa: ARG002 - the board's form
        """A stream is new, or has another name."""
        self._changed()

    def stream_dropped(self, entry: Entry) -> None:
        """A stream is gone."""
        self._gone.append(Item(self._board.revision, entry.stream.mms_stream_id, True))
        if len(self._gone) > GONE_KEPT:
            self._forgotten = self._gone.popleft().revision
        self._changed()

    def sample_noted(self, entry: Entry, sample: Sample) -> None:  # noqa: ARG002
        """A stream has a new entry."""
        self._changed()
