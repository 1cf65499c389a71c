"""What has changed since."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.api.support import failed, filled_board, stream
from tvmon.api import feed
from tvmon.api.feed import Feed, Item


class FeedTests(SynchronousTestCase):
    """The news of a board."""

    def setUp(self) -> None:
        self.board = filled_board(stream(n) for n in range(3))
        self.told = 0
        self.feed = Feed(self.board, self.changed)

    def changed(self) -> None:
        self.told += 1

    def since(self, revision: int) -> list[Item]:
        return [*self.feed.since(revision)]

    def test_every_stream_once_in_the_order_of_its_newest_change(self) -> None:
        self.board.note(1000, failed(6))
        revision = self.board.revision
        items = self.since(0)
        self.assertEqual([item.mms_stream_id for item in items], [1001, 1002, 1000])
        self.assertEqual(items[-1], Item(revision, 1000, False))
        self.assertEqual(self.since(revision), [])

    def test_what_is_gone_is_news(self) -> None:
        before = self.board.revision
        self.board.drop(1001)
        self.assertEqual(self.since(before), [Item(before + 1, 1001, True)])
        self.board.put(stream(1))
        self.assertEqual(
            self.since(before), [Item(before + 1, 1001, True), Item(before + 2, 1001, False)]
        )

    def test_each_change_is_told(self) -> None:
        self.board.note(1000, failed(6))
        self.board.put(stream(9))
        self.board.drop(1009)
        self.board.drop(1009)
        self.assertEqual(self.told, 3)
        self.feed.stop()
        self.board.note(1000, failed(9))
        self.assertEqual(self.told, 3)

    def test_who_has_heard_equally_far_shares_the_news(self) -> None:
        self.assertIs(self.feed.since(3), self.feed.since(3))
        self.assertIsNot(self.feed.since(3), self.feed.since(2))

    def test_what_it_can_still_tell(self) -> None:
        begun = self.board.revision
        self.assertTrue(self.feed.knows(begun))
        self.assertFalse(self.feed.knows(begun - 1), "streams may have gone before it listened")
        self.assertFalse(self.feed.knows(begun + 1), "that has not been yet")
        with patch.object(feed, "GONE_KEPT", 2):
            for number in range(3):
                self.assertTrue(self.feed.knows(begun))
                self.board.drop(1000 + number)
        self.assertFalse(self.feed.knows(begun))
        self.assertTrue(self.feed.knows(begun + 1))
        self.assertEqual([item.mms_stream_id for item in self.since(begun + 1)], [1001, 1002])

    @given(
        st.lists(st.tuples(st.sampled_from(["put", "drop", "note"]), st.integers(0, 4))),
        st.lists(st.booleans()),
    )
    def test_a_reader_who_takes_news_now_and_then_ends_where_the_board_is(
        self, steps: list[tuple[str, int]], reads: list[bool]
    ) -> None:
        board = filled_board(())
        news = Feed(board, lambda: None)
        known: dict[int, object] = {}
        heard = 0

        def read() -> int:
            for item in news.since(heard):
                entry = board.get(item.mms_stream_id)
                if item.gone:
                    known.pop(item.mms_stream_id, None)
                else:
                    known[item.mms_stream_id] = entry
            return board.revision

        for index, (what, number) in enumerate(steps):
            if what == "put":
                board.put(stream(number))
            elif what == "drop":
                board.drop(1000 + number)
            else:
                board.note(1000 + number, failed(index))
            if reads and reads[index % len(reads)]:
                heard = read()
        read()
        self.assertEqual(known, {e.stream.mms_stream_id: e for e in board.entries()})
