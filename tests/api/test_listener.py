"""One client of the event stream, and the editions that it is offered, step by step."""

from __future__ import annotations

import zlib
from typing import Any
from unittest.mock import patch

from tests.api.events import ListenerCase, read
from tests.api.support import BOOT, failed
from tvmon.api import feed
from tvmon.api.edition import Edition
from tvmon.api.reply import GZIP_HEAD, packed


class EditionReaderTests(ListenerCase):
    """A listener that is offered editions."""

    def setUp(self) -> None:
        super().setUp()
        self.reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.reader.decompress(GZIP_HEAD)

    def edition(self) -> Edition:
        return Edition(
            self.feed,
            self.board,
            BOOT,
            places=[self.listener.heard],
            step=1,
            pack=packed if self.gzip else bytes,
        )

    def text(self) -> bytes:
        text = super().text()
        return self.reader.decompress(text) if self.gzip else text

    def stall_after_one(self) -> None:
        """Let it read the first page, and no further."""

        def write(text: bytes, write: Any = self.request.write) -> None:
            write(text)
            self.listener.pauseProducing()

        with patch.object(self.request, "write", write):
            self.offer(self.edition())
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_it_reads_to_the_end(self) -> None:
        self.offer(self.edition())
        self.assertEqual(self.take(), [("sample", 1000), ("sample", 1001), ("sample", 1002)])
        self.assertEqual(self.listener.heard, self.board.revision)
        self.assertFalse(self.listener.waits)
        self.assertEqual(self.calls, [])

    def test_one_that_has_read_an_edition_says_that_there_are_newer_news(self) -> None:
        edition = self.edition()
        self.board.note(1001, failed(6))
        self.offer(edition)
        self.assertEqual(self.take(), [("sample", 1000), ("sample", 1001), ("sample", 1002)])
        self.assertEqual((self.listener.heard, self.calls), (edition.revision, [None]))

    def test_one_that_is_in_the_middle_goes_on_with_the_next_one(self) -> None:
        self.stall_after_one()
        self.board.note(1001, failed(6))
        self.board.drop(1002)
        self.offer(self.edition())
        self.assertEqual(self.take(), [])
        self.listener.resumeProducing()
        self.assertEqual(self.take(), [("sample", 1001), ("gone", 1002)])
        self.assertEqual(self.listener.heard, self.board.revision)

    def test_at_most_once_a_second(self) -> None:
        self.offer(self.edition())
        self.take()
        self.board.note(1000, failed(6))
        self.listener.offer(self.clock.seconds() + 0.5, self.edition())
        self.assertEqual(self.take(), [])
        self.offer(self.edition())
        self.assertEqual(self.take(), [("sample", 1000)])

    def test_what_is_forgotten_before_it_began_is_no_loss(self) -> None:
        self.stall_after_one()
        self.assertFalse(self.feed.knows(self.listener.heard), "from before the feed")
        self.assertFalse(self.listener.is_lost, "it was told everything since")
        with patch.object(feed, "GONE_KEPT", 1):
            self.board.drop(1001)
            self.assertFalse(self.listener.is_lost)
            self.board.drop(1002)
        self.assertTrue(self.listener.is_lost)
        self.listener.begin_anew({"follows": "everything"})
        self.listener.resumeProducing()
        self.assertEqual(read(self.text())[0].type, "hello")
        self.assertFalse(self.listener.is_lost)
        self.offer(self.edition())
        self.assertEqual(self.take(), [("sample", 1000), ("gone", 1002)])

    def test_comments_are_for_those_who_read(self) -> None:
        self.listener.comment()
        self.listener.pauseProducing()
        self.listener.comment()
        self.assertEqual(self.text(), b": keep-alive\n\n")


class PackedReaderTests(EditionReaderTests):
    """The same, compressed."""

    gzip = True


class OwnNewsTests(EditionReaderTests):
    """One that reads plain text and is not in step."""

    def test_it_leaves_an_edition_for_its_own_news(self) -> None:
        self.stall_after_one()
        self.board.note(1001, failed(6))
        self.offer(None)
        self.listener.resumeProducing()
        self.assertEqual(self.take(), [("sample", 1002), ("sample", 1001)])

    def test_it_comes_to_the_end_of_its_own_news_before_it_reads_an_edition(self) -> None:
        def write(text: bytes, write: Any = self.request.write) -> None:
            write(text)
            self.listener.pauseProducing()

        with patch("tvmon.api.listener.STEP", 1):
            with patch.object(self.request, "write", write):
                self.offer(None)
            self.take()
            self.board.note(1001, failed(6))
            self.offer(self.edition())
            self.listener.resumeProducing()
            # As it was when its turn came: the newer one, and once.
            self.assertEqual(self.take(), [("sample", 1001), ("sample", 1002)])
            self.offer(None)
            self.assertEqual(self.take(), [])
        self.assertEqual(self.listener.heard, self.board.revision)
