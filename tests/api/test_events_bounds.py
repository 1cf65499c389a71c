"""Event clients that read slowly, or not at all, and very many of them."""

from __future__ import annotations

from unittest.mock import patch

from tests.api.events import EventCase
from tests.api.support import BOOT, counted, failed, stream
from tests.waiting import until
from tvmon.api import events


class BoundTests(EventCase):
    """Clients that do not read, leave, or are too many."""

    streams = tuple(stream(number, "x" * 400) for number in range(1500))

    async def test_one_that_does_not_read_holds_little_and_then_hears_the_newest(self) -> None:
        wire = await self.listen(f"Last-Event-ID: {BOOT}-1")
        wire.tcp.pauseProducing()
        (client,) = self.listeners()
        for turn in range(20):
            for number in range(0, 1500, 3):
                self.board.note(1000 + number, failed(6 + turn))
            await until(lambda: client.stalled_since is not None)
        self.assertLess(self.waiting_bytes(), 300_000)
        wire.tcp.resumeProducing()
        await until(lambda: client.heard == self.board.revision, seconds=30)
        self.board.put(stream(9999, "a mark"))
        await until(lambda: b"a mark" in wire.heard[-100_000:], seconds=30)
        newest = {e.data["mms_stream_id"]: e.data for e in self.events(wire)[1:]}
        for entry in self.board.entries():
            self.assertEqual(newest[entry.stream.mms_stream_id], entry.as_dict())
        ids = [event.id for event in self.events(wire)]
        self.assertEqual(ids, sorted(ids))

    async def test_one_that_reads_nothing_for_long_is_dropped_and_counted(self) -> None:
        with (
            patch.object(events, "STALLED_SECONDS", 0.2),
            patch.object(events, "KEEP_ALIVE_SECONDS", 0.05),
        ):
            other = await self.listen()
            wire = await self.listen(f"Last-Event-ID: {BOOT}-1")
            wire.tcp.pauseProducing()
            await until(lambda: len(self.listeners()) == 1)
            self.assertEqual(self.the_events()._dropped._value.get(), 1)
            self.assertEqual(self.the_events()._count._value.get(), 1)
            self.board.note(1000, failed(9))
            await self.until_told(other, ("sample", 1000))

    async def test_more_than_the_most_are_refused(self) -> None:
        self.the_events()._most_clients = 2
        first, _ = await self.listen(), await self.listen()
        refused = await self.send("/events", "Connection: close")
        await until(lambda: refused.lost)
        self.assertIn(b"HTTP/1.1 503", refused.heard)
        self.assertIn(b"Retry-After: 30", refused.heard)
        self.assertIn(b"as many clients listen as there may be: 2", refused.heard)
        self.gone(first)
        await until(lambda: len(self.listeners()) == 1)
        await self.listen()

    async def test_clients_that_leave_at_any_moment_leave_nothing_behind(self) -> None:
        for number in range(10):
            wire = await self.send("/events", f"Last-Event-ID: {BOOT}-1")
            if number % 2:
                await self.hear(wire, b"event: sample")
            self.board.note(1000 + number, failed(6))
            self.gone(wire)
        # Some may have gone before their request was read; five were told something.
        await until(lambda: not self.listeners() and counted(self.api, "events", "200") >= 5)
        self.assertEqual(self.the_events()._count._value.get(), 0)

    async def test_a_stop_ends_every_stream_in_good_form(self) -> None:
        wire = await self.listen()
        stalled = await self.listen(f"Last-Event-ID: {BOOT}-1")
        stalled.tcp.pauseProducing()
        await until(lambda: any(each.stalled_since is not None for each in self.listeners()))
        await self.api.stop()
        await until(lambda: wire.lost)
        self.assertTrue(wire.heard.endswith(b"\r\n0\r\n\r\n"))
        stalled.tcp.resumeProducing()
        await until(lambda: stalled.lost)

    async def test_one_that_fails_is_cut_off_and_disturbs_no_other(self) -> None:
        broken, other = await self.listen(), await self.listen()
        wrong = self.listener_of(broken)
        with patch.object(wrong, "offer", side_effect=RuntimeError("broken")):
            self.board.note(1000, failed(6))
            await self.until_told(other, ("sample", 1000))
            await until(lambda: broken.lost)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_the_line_of_others_is_kept_alive_though_one_fails_at_it(self) -> None:
        with patch.object(events, "KEEP_ALIVE_SECONDS", 0.05):
            broken, other = await self.listen(), await self.listen()
            wrong = self.listener_of(broken)
            with patch.object(wrong, "comment", side_effect=RuntimeError("broken")):
                await until(lambda: broken.lost and other.heard.count(b": keep-alive") > 3)
        self.assertTrue(self.flushLoggedErrors(RuntimeError))
