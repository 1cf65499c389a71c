"""Entries encoded as they come, while somebody asks for all of them."""

from __future__ import annotations

from tests.api.support import MemoryCase, failed
from tvmon.api.ahead import LATELY_SECONDS
from tvmon.entry import Entry


class AheadTests(MemoryCase):
    """When it is done, and when not."""

    def entry(self) -> Entry:
        entry = self.board.get(1000)
        assert entry is not None
        return entry

    def is_ahead(self) -> bool:
        """Whether a new entry is encoded at once."""
        self.board.note(1000, failed(6))
        return self.entry()._json is not None

    def listeners(self) -> int:
        return len(self.board._listeners)

    def test_nothing_is_encoded_for_nobody(self) -> None:
        self.assertFalse(self.is_ahead())
        self.get("/samples")
        self.assertFalse(self.is_ahead(), "who asks once may not ask again")

    def test_who_asks_again_soon_finds_all_encoded(self) -> None:
        self.get("/samples")
        self.clock.advance(LATELY_SECONDS - 1)
        self.get("/samples")
        self.assertTrue(self.is_ahead())
        self.clock.advance(LATELY_SECONDS - 1)
        self.assertTrue(self.is_ahead())
        self.clock.advance(1)
        before = self.listeners()
        self.assertFalse(self.is_ahead(), "nobody has asked for long")
        self.assertEqual(self.listeners(), before - 1)
        self.get("/samples")
        self.assertFalse(self.is_ahead(), "who asks now and then is no reason")

    def test_pages_are_no_reason(self) -> None:
        for path in ("/samples/0-5////", "/samples/0-0/Channel///", "/samples/1000/history"):
            for _ in range(3):
                self.get(path)
            self.assertFalse(self.is_ahead(), path)

    def test_an_answer_of_what_was_encoded_ahead_is_the_same(self) -> None:
        for _ in range(3):
            self.get("/samples")
        self.board.note(1000, failed(6))
        shown = next(
            each for each in self.get("/samples").json["samples"] if each["mms_stream_id"] == 1000
        )
        self.assertEqual(shown, self.entry().as_dict())

    def test_a_stop_ends_it(self) -> None:
        before = self.listeners()
        for _ in range(2):
            self.get("/samples")
        self.assertEqual(self.listeners(), before + 1)
        self.api.root.close()
        for stop in self.api._stops:
            stop()
        self.assertLess(self.listeners(), before + 1)
        self.assertFalse(self.is_ahead())
