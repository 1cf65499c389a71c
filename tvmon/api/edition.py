"""
The news of one moment, written once for all who listen.

Each stream stands in them once, at its newest change, and they stand in the order of their
revisions.  So whoever has heard up to a revision lacks what comes behind it, and nothing else:
all read the same pages, each from his own place on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from itertools import pairwise
from operator import attrgetter

from tvmon.api.feed import Feed, Item
from tvmon.api.frames import gone_frame, sample_frame
from tvmon.board import Board
from tvmon.entry import Entry

Page = tuple[int, bytes]
"""The revision up to which it tells, and its text."""


class Edition:
    """
    What changed after one revision and up to another, as it was at that moment.

    A page begins wherever somebody reads on, so that nobody is told what he knows.  Pages are
    made when the first one comes to them, and let go with the edition.

    :param places: the revisions up to which those have heard who are to read it; at least one
    :param step: how many events there are on a page at most
    :param pack: makes what is sent of the text of a page
    :ivar since: the revision after which it tells
    :ivar revision: the board's, up to which it tells
    """

    def __init__(
        self,
        feed: Feed,
        board: Board,
        boot: str,
        *,
        places: Collection[int],
        step: int,
        pack: Callable[[bytes], bytes],
    ) -> None:
        self.since, self.revision = min(places), board.revision
        self._boot, self._pack = boot, pack
        told: list[Entry | Item] = [e for e in board.entries() if e.revision > self.since]
        # One that has come back since stands there as it is now.
        told += [item for item in feed.gone(self.since) if board.get(item.mms_stream_id) is None]
        told.sort(key=attrgetter("revision"))
        self._told, self._revisions = told, [each.revision for each in told]
        self._end = len(self._told)
        begins = sorted({self._begin(place) for place in places} | {self._end})
        self._cuts = [at for one, other in pairwise(begins) for at in range(one, other, step)]
        self._cuts.append(self._end)
        self._made: dict[int, bytes] = {}

    def is_for(self, revision: int) -> bool:
        """Whether it tells all that one has missed who has heard up to a revision."""
        return self.since <= revision < self.revision

    def after(self, revision: int) -> Iterator[Page]:
        """What follows for one who has heard up to a revision."""
        begin = self._begin(revision)
        while begin < self._end:
            end = self._cuts[bisect_right(self._cuts, begin)]
            if begin not in self._made:
                self._made[begin] = self._pack(b"".join(map(self._frame, self._told[begin:end])))
            yield self._revisions[end - 1], self._made[begin]
            begin = end

    def _begin(self, revision: int) -> int:
        return bisect_right(self._revisions, revision)

    def _frame(self, told: Entry | Item) -> bytes:
        place = f"{self._boot}-{told.revision}"
        if isinstance(told, Item):
            return gone_frame(place, told.mms_stream_id)
        return sample_frame(place, told)
