"""
What has changed since: the news of the board, in the order of its revisions.

Nobody's news are put aside for him.  Each entry carries the revision of its last change, so
whoever knows how far he has heard can be told the rest: at most one item a stream, however
long he did not listen.  Only streams that are gone have no entry, and are remembered here.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterator
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


class News:
    """
    Items in the order of their revisions, 16 bytes each.

    A list of ten thousand tuples for each client that reads slowly would be a megabyte, and
    work for Python's garbage collector, every second.
    """

    def __init__(self, changed: dict[int, int], gone: dict[int, int]) -> None:
        both = {revision: ~number for revision, number in gone.items()} | changed
        self._revisions = array("q", sorted(both))
        self._numbers = array("q", map(both.__getitem__, self._revisions))

    def __iter__(self) -> Iterator[Item]:
        for revision, number in zip(self._revisions, self._numbers, strict=True):
            yield Item(revision, number if number >= 0 else ~number, number < 0)


class Feed:
    """
    Listens to the board, and answers who has missed something.

    :param changed: called at each change; must be quick and must not raise
    """

    def __init__(self, board: Board, changed: Callable[[], None]) -> None:
        self._board, self._changed = board, changed
        self._gone: deque[tuple[int, int]] = deque()
        self._forgotten = board.revision
        self._last: tuple[Hashable, News] = (None, News({}, {}))
        self.stop = board.listen(self)

    @property
    def revision(self) -> int:
        """The revision of the newest change."""
        return self._board.revision

    def knows(self, revision: int) -> bool:
        """Whether all that changed after a revision can still be told."""
        return self._forgotten <= revision <= self._board.revision

    def since(self, revision: int) -> News:
        """
        What changed after a revision, oldest first; each stream once, at its newest change.

        A stream that went and came back is there twice, first as gone.
        """
        key = (revision, self._board.revision)
        if self._last[0] != key:
            changed = {
                entry.revision: entry.stream.mms_stream_id
                for entry in self._board.entries()
                if entry.revision > revision
            }
            gone = {at: number for at, number in self._gone if at > revision}
            # All who have heard equally far, and that is most of them, share it.
            self._last = (key, News(changed, gone))
        return self._last[1]

    def gone(self, revision: int) -> list[Item]:
        """The streams that went after a revision, oldest first; some may have come back."""
        return [Item(at, number, gone=True) for at, number in self._gone if at > revision]

    def stream_put(self, entry: Entry) -> None:  # noqa: ARG002 - the board's form
        """A stream is new, or has another name."""
        self._changed()

    def stream_dropped(self, entry: Entry) -> None:
        """A stream is gone."""
        self._gone.append((self._board.revision, entry.stream.mms_stream_id))
        if len(self._gone) > GONE_KEPT:
            self._forgotten = self._gone.popleft()[0]
        self._changed()

    def sample_noted(self, entry: Entry, sample: Sample) -> None:  # noqa: ARG002
        """A stream has a new entry."""
        self._changed()

    def rates_learned(self, entry: Entry, rates: tuple[float, ...]) -> None:
        """Nothing that is shown."""
