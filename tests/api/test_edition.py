"""The news of one moment: each reads them from his own place, and all read the same pages."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.api.events import read
from tests.api.support import BOOT, failed, filled_board, stream
from tvmon.api.edition import Edition
from tvmon.api.feed import Feed
from tvmon.api.reply import GZIP_HEAD, packed
from tvmon.board import Board

texts = st.binary(max_size=50) | st.builds(
    lambda text, times: text * times, st.binary(min_size=1, max_size=300), st.integers(1, 500)
)
steps = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "note", "note"]), st.integers(0, 7)), max_size=12
)


def change(board: Board, changes: list[tuple[str, int]]) -> None:
    for what, number in changes:
        if what == "put":
            board.put(stream(number))
        elif what == "drop":
            board.drop(1000 + number)
        else:
            board.note(1000 + number, failed(board.revision))


class Reader:
    """One who reads editions, and knows what he has been told."""

    def __init__(self, heard: int) -> None:
        self.heard = heard
        self.ids: list[int] = []
        self.known: dict[int, Any] = {}

    def read(self, edition: Edition, pages: int | None = None) -> None:
        """Read so many pages, or all."""
        told = []
        for number, (revision, text) in enumerate(edition.after(self.heard)):
            if number == pages:
                break
            told += read(text)
            self.heard = revision
        else:
            self.heard = edition.revision
        for event in told:
            self.ids.append(event.id)
            number = event.data["mms_stream_id"]
            if event.type == "gone":
                self.known.pop(number, None)
            else:
                self.known[number] = event.data
        there = [event.data["mms_stream_id"] for event in told if event.type == "sample"]
        assert len(set(there)) == len(there), "a stream is told of once in an edition"


class EditionTests(SynchronousTestCase):
    """What is on the pages."""

    def setUp(self) -> None:
        self.board = filled_board(stream(number) for number in range(8))
        self.feed = Feed(self.board, lambda: None)

    def edition(self, *places: int, step: int = 3, board: Board | None = None) -> Edition:
        board = board or self.board
        feed = self.feed if board is self.board else Feed(board, lambda: None)
        return Edition(feed, board, BOOT, places=places, step=step, pack=bytes)

    def numbers(self, edition: Edition, after: int) -> list[list[int]]:
        return [
            [event.data["mms_stream_id"] for event in read(text)]
            for _, text in edition.after(after)
        ]

    def test_all_who_have_heard_equally_far_read_the_same_pages(self) -> None:
        edition = self.edition(0)
        for (_, one), (_, other) in zip(edition.after(0), edition.after(0), strict=True):
            self.assertIs(one, other)
        self.assertEqual([len(page) for page in self.numbers(edition, 0)], [3, 3, 2])

    def test_a_page_begins_where_somebody_reads_on(self) -> None:
        at = sorted(entry.revision for entry in self.board.entries())
        edition = self.edition(0, at[1], at[3])
        self.assertEqual([len(page) for page in self.numbers(edition, 0)], [2, 2, 3, 1])
        own, shared = [*edition.after(at[1])], [*edition.after(0)]
        self.assertEqual([id(text) for _, text in own], [id(text) for _, text in shared[1:]])
        self.assertEqual([len(page) for page in self.numbers(edition, at[4])], [2, 1])

    def test_it_tells_how_the_streams_were(self) -> None:
        before = self.board.get(1001)
        assert before is not None
        edition = self.edition(0)
        self.board.note(1001, failed(9))
        events = [event for _, text in edition.after(0) for event in read(text)]
        (told,) = [e for e in events if e.data["mms_stream_id"] == 1001]
        self.assertEqual((told.id, told.data), (before.revision, before.as_dict()))
        self.assertEqual([e.id for e in events], sorted(e.id for e in events))

    def test_what_is_gone(self) -> None:
        began = self.board.revision
        self.board.drop(1001)
        self.board.drop(1002)
        self.board.put(stream(2))
        edition = self.edition(began)
        events = [(e.type, e.id) for _, text in edition.after(began) for e in read(text)]
        self.assertEqual(events, [("gone", began + 1), ("sample", began + 3)])

    def test_whom_it_tells_all_that_he_missed(self) -> None:
        edition = self.edition(5, 7)
        self.assertEqual([edition.is_for(n) for n in (4, 5, 6)], [False, True, True])
        self.assertFalse(edition.is_for(self.board.revision), "he has missed nothing")

    @given(
        st.lists(st.tuples(steps, st.lists(st.integers(0, 3) | st.none(), max_size=4))),
        st.integers(1, 4),
    )
    def test_all_end_where_the_board_is_however_slowly_they_read(
        self, turns: list[tuple[list[tuple[str, int]], list[int | None]]], step: int
    ) -> None:
        board = filled_board(())
        feed = Feed(board, lambda: None)
        readers: list[Reader] = []

        def publish(pages: list[int | None]) -> None:
            readers.append(Reader(0))
            edition = Edition(
                feed, board, BOOT, places=[r.heard for r in readers], step=step, pack=bytes
            )
            for index, reader in enumerate(readers):
                reader.read(edition, pages[index % len(pages)] if pages else None)

        for changes, pages in turns:
            change(board, changes)
            publish(pages)
        publish([])
        now = {e.stream.mms_stream_id: e.as_dict() for e in board.entries()}
        for reader in readers:
            self.assertEqual(reader.known, now)
            self.assertTrue(all(one < other for one, other in pairwise(reader.ids)))


class PackedTests(SynchronousTestCase):
    """Pieces of gzip."""

    @given(st.lists(st.integers(0, 4)), st.lists(texts, min_size=5, max_size=5))
    def test_any_pieces_make_a_stream_that_is_read_piece_by_piece(
        self, order: list[int], parts: list[bytes]
    ) -> None:
        pieces = [packed(text) for text in parts]
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.assertEqual(reader.decompress(GZIP_HEAD), b"")
        for index in order:
            self.assertEqual(reader.decompress(pieces[index]), parts[index])
        self.assertEqual((reader.unused_data, reader.eof), (b"", False))
