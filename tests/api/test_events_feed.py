"""Events without a connection: what a listener writes for what the board tells it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from tests.api.events import ListenerCase
from tests.api.support import failed, good, stream
from tvmon.api import listener


class ListenerTests(ListenerCase):
    """One client, step by step."""

    def test_news_come_in_the_order_of_their_revisions(self) -> None:
        self.board.note(1000, failed(6))
        self.offer()
        self.assertEqual(self.take(), [("sample", 1001), ("sample", 1002), ("sample", 1000)])
        self.assertFalse(self.listener.waits)

    def test_at_most_once_a_second(self) -> None:
        self.offer()
        self.take()
        self.board.note(1000, failed(6))
        self.assertTrue(self.listener.waits)
        self.listener.offer(self.clock.seconds() + 0.5)
        self.assertEqual(self.take(), [])
        self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_a_slow_one_is_told_of_a_stream_as_it_is_when_its_turn_comes_and_not_again(
        self,
    ) -> None:
        with patch.object(listener, "STEP", 1):
            self.stall_after_one()
            self.board.note(1001, failed(6))
            self.board.note(1002, failed(6))
            self.listener.resumeProducing()
            self.assertEqual(self.take(), [("sample", 1001), ("sample", 1002)])
            self.assertTrue(self.listener.waits)
            self.assertEqual(self.calls, [None], "it says so, as no change may follow")
            self.board.note(1002, failed(7))
            self.offer()
            self.assertEqual(self.take(), [("sample", 1002)], "1001 has been told already")
            self.assertEqual(self.listener.heard, self.board.revision)

    def stall_after_one(self) -> None:
        """Let it be told of the first stream, and read no further."""

        def write(text: bytes, write: Any = self.request.write) -> None:
            write(text)
            self.listener.pauseProducing()

        with patch.object(self.request, "write", write):
            self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_a_stream_that_went_or_came_while_it_was_slow(self) -> None:
        with patch.object(listener, "STEP", 1):
            self.stall_after_one()
            self.board.drop(1001)
            self.board.drop(1002)
            self.board.put(stream(2))
            self.listener.resumeProducing()
            # 1002 is told as it is now; that it was away in between follows with the next news.
            self.assertEqual(self.take(), [("sample", 1002)])
            self.offer()
            self.assertEqual(self.take(), [("gone", 1001)])
            self.board.drop(1002)
            self.offer()
            self.assertEqual(self.take(), [("gone", 1002)])

    def test_comments_are_for_those_who_read(self) -> None:
        self.listener.comment()
        self.listener.pauseProducing()
        self.listener.comment()
        self.assertEqual(self.request.written, [b": keep-alive\n\n"])

    def test_good_and_failed_samples_are_events_alike(self) -> None:
        self.offer()
        self.take()
        self.board.note(1000, good(6))
        self.offer()
        self.assertEqual(self.take(), [("sample", 1000)])
