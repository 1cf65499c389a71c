"""Server-sent events over real connections."""

from __future__ import annotations

from unittest.mock import patch

from twisted.internet.defer import Deferred

from tests.api.events import Event, EventCase, dechunked
from tests.api.support import BOOT, HOSTILE, Wire, failed, stream
from tests.waiting import until
from tvmon.api import events, feed
from tvmon.api.listener import EVERY_SECONDS


class EventTests(EventCase):
    """What is told, and when."""

    async def test_the_head_and_the_hello(self) -> None:
        wire = await self.listen()
        head = wire.heard.partition(b"\r\n\r\n")[0].decode()
        for line in (
            "HTTP/1.1 200 OK",
            "Content-Type: text/event-stream; charset=utf-8",
            "Cache-Control: no-store",
            "X-Accel-Buffering: no",
            "X-Content-Type-Options: nosniff",
        ):
            self.assertIn(line, head)
        self.assertTrue(dechunked(wire.heard).startswith(b"retry: 2000\n\n"))
        revision = self.board.revision
        self.assertEqual(
            self.events(wire),
            [
                Event(
                    revision,
                    "hello",
                    {
                        "boot": BOOT,
                        "revision": revision,
                        "streams": 3,
                        "time": "2026-09-21T14:13:23Z",
                        "follows": "changes",
                    },
                )
            ],
        )

    async def test_changes_are_told_as_they_happen(self) -> None:
        wire = await self.listen()
        self.board.note(1001, failed(6))
        await self.until_told(wire, ("sample", 1001))
        event = self.events(wire)[-1]
        entry = self.board.get(1001)
        assert entry is not None
        self.assertEqual((event.id, event.data), (entry.revision, entry.as_dict()))
        self.board.drop(1001)
        self.board.put(stream(7))
        await self.until_told(wire, ("sample", 1001), ("gone", 1001), ("sample", 1007))

    async def test_the_first_change_is_told_at_once_and_the_rest_after_a_second(self) -> None:
        wire = await self.listen()
        began = self.reactor.seconds()
        self.board.note(1000, failed(6))
        await self.until_told(wire, ("sample", 1000))
        self.assertLess(self.reactor.seconds() - began, 0.8)
        for n in range(50):
            self.board.note(1000, failed(7 + n))
            self.board.note(1001, failed(7 + n))
        await self.until_told(wire, ("sample", 1000), ("sample", 1000), ("sample", 1001))
        self.assertGreater(self.reactor.seconds() - began, 0.9 * EVERY_SECONDS)
        self.assertEqual(self.events(wire)[-1].id, self.board.revision)

    async def test_all_listeners_are_told_the_same(self) -> None:
        wires = [await self.listen() for _ in range(5)]
        self.board.note(1002, failed(6))
        for wire in wires:
            await self.until_told(wire, ("sample", 1002))

    async def test_names_of_any_kind_stay_within_one_event(self) -> None:
        wire = await self.listen()
        for number, name in enumerate(HOSTILE):
            self.board.put(stream(100 + number, name))
        await until(lambda: len(self.told(wire)) == len(HOSTILE))
        self.assertEqual(
            [event.data["unify_name"] for event in self.events(wire)[1:]],
            [name.encode("utf-8", "replace").decode() for name in HOSTILE],
        )

    async def test_comments_keep_the_line_alive(self) -> None:
        with patch.object(events, "KEEP_ALIVE_SECONDS", 0.05):
            wire = await self.listen()
            await until(lambda: wire.heard.count(b": keep-alive\n\n") >= 3)
        self.assertEqual(self.told(wire), [])

    async def test_no_timer_runs_while_nobody_listens(self) -> None:
        wire = await self.listen()
        self.board.note(1000, failed(6))
        await self.until_told(wire, ("sample", 1000))
        self.board.note(1000, failed(7))
        self.gone(wire)
        await until(lambda: not self.reactor.getDelayedCalls() or self.only_the_sites())
        self.board.note(1000, failed(8))
        self.assertTrue(self.only_the_sites())

    def only_the_sites(self) -> bool:
        """Whether no timer of the events is left."""
        return not any("vent" in repr(call.func) for call in self.reactor.getDelayedCalls())

    async def test_head_is_answered_and_ended(self) -> None:
        wire = await self.send("/events", "Connection: close", method="HEAD")
        await until(lambda: wire.lost)
        self.assertIn(b"text/event-stream", wire.heard)
        self.assertTrue(wire.heard.endswith(b"\r\n\r\n"))

    async def test_a_listener_waits_until_the_board_is_filled(self) -> None:
        self.world.filled = Deferred()
        wire = await self.send("/events")
        leaving = await self.send("/events")
        self.gone(leaving)
        await until(lambda: leaving.lost)
        self.assertEqual(wire.heard, b"")
        self.world.filled.callback(None)
        await self.hear(wire, b"event: hello")


class ResumeTests(EventCase):
    """``Last-Event-ID``."""

    async def resumed(self, last: str) -> Wire:
        return await self.listen(f"Last-Event-ID: {last}")

    async def test_what_was_missed_follows_and_nothing_else(self) -> None:
        before = self.board.revision
        self.board.note(1000, failed(6))
        self.board.note(1002, failed(6))
        self.board.drop(1001)
        self.board.note(1000, failed(7))
        for wire in (
            await self.resumed(f"{BOOT}-{before}"),
            await self.listen(path=f"/events?last_event_id={BOOT}-{before}"),
        ):
            await self.until_told(wire, ("sample", 1002), ("gone", 1001), ("sample", 1000))
            self.assertEqual(self.hellos(wire), ["missed"])
            self.assertEqual(self.events(wire)[0].id, before)
        now = await self.resumed(f"{BOOT}-{self.board.revision}")
        self.board.put(stream(5))
        await self.until_told(now, ("sample", 1005))

    async def test_the_header_counts_more_than_the_address(self) -> None:
        before = self.board.revision
        self.board.note(1000, failed(6))
        wire = await self.listen(
            f"Last-Event-ID: {BOOT}-{self.board.revision}",
            path=f"/events?last_event_id={BOOT}-{before}",
        )
        self.board.note(1001, failed(6))
        await self.until_told(wire, ("sample", 1001))

    async def test_an_id_that_is_not_known_is_answered_with_everything(self) -> None:
        revision = self.board.revision
        for last in (
            f"cafe-{revision}",
            f"{BOOT}-{revision + 1}",
            f"{BOOT}-{revision - 1}",
            f"{BOOT}-",
            f"{BOOT}-x",
            f"{BOOT}-²",
            f"{BOOT}--5",
            f"{BOOT}-" + "9" * 1000,
            "x",
        ):
            wire = await self.resumed(last)
            await self.until_told(wire, ("sample", 1000), ("sample", 1001), ("sample", 1002))
            self.assertEqual(self.hellos(wire), ["everything"])

    async def test_who_hears_of_too_many_that_are_gone_is_told_everything_anew(self) -> None:
        wire = await self.listen()
        with patch.object(feed, "GONE_KEPT", 1):
            self.board.drop(1000)
            self.board.drop(1001)
            await until(lambda: self.hellos(wire) == ["changes", "everything"])
            await until(lambda: ("sample", 1002) in self.told(wire))
