"""Server-sent events for those who read gzip: one stream of bytes for all, read as it comes."""

from __future__ import annotations

import zlib
from typing import Any
from unittest.mock import patch

from tests.api.events import Event, EventCase, dechunked, read
from tests.api.support import BOOT, HOSTILE, Wire, counted, failed, stream
from tests.waiting import until
from tvmon.api import events, feed
from tvmon.api.edition import Edition
from tvmon.api.listener import Listener

GZIP = "Accept-Encoding: gzip"


class GzipCase(EventCase):
    """Clients that accept gzip."""

    async def listen(self, *headers: str, path: str = "/events") -> Wire:
        wire = await self.send(path, GZIP, *headers)
        await until(lambda: b"event: hello" in self.text(wire), why=repr(wire.heard))
        return wire

    def text(self, wire: Wire) -> bytes:
        """What has come so far, all of which must be readable by now."""
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(dechunked(wire.heard))

    def events(self, wire: Wire) -> list[Event]:
        return read(self.text(wire))


class GzipTests(GzipCase):
    """What is told is what those who read plain text are told."""

    async def test_the_head_and_the_hello(self) -> None:
        wire = await self.listen()
        head = wire.heard.partition(b"\r\n\r\n")[0].decode()
        for line in (
            "Content-Type: text/event-stream; charset=utf-8",
            "Content-Encoding: gzip",
            "Vary: Accept-Encoding",
            "Cache-Control: no-store",
            "X-Accel-Buffering: no",
        ):
            self.assertIn(line, head)
        self.assertTrue(self.text(wire).startswith(b"retry: 2000\n\n"))
        plain = await self.send("/events", "Accept-Encoding: gzip;q=0")
        await self.hear(plain, b"event: hello")
        self.assertEqual(self.events(wire), read(dechunked(plain.heard)))
        self.assertNotIn(b"Content-Encoding", plain.heard)
        self.assertIn(b"Vary: Accept-Encoding", plain.heard)

    async def test_each_change_can_be_read_as_it_comes(self) -> None:
        wires = [await self.listen() for _ in range(3)]
        plain = await self.send("/events")
        await self.hear(plain, b"event: hello")
        self.board.note(1001, failed(6))
        for wire in wires:
            await self.until_told(wire, ("sample", 1001))
        self.board.drop(1001)
        self.board.put(stream(7))
        for wire in wires:
            await self.until_told(wire, ("sample", 1001), ("gone", 1001), ("sample", 1007))
        await until(lambda: len(read(dechunked(plain.heard))) == 4)
        for wire in wires:
            self.assertEqual(self.events(wire)[1:], read(dechunked(plain.heard))[1:])

    async def test_names_of_any_kind(self) -> None:
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
            await until(lambda: self.text(wire).count(b": keep-alive\n\n") >= 3)
        self.assertEqual(self.told(wire), [])

    async def test_head_is_answered_and_ended(self) -> None:
        wire = await self.send("/events", GZIP, "Connection: close", method="HEAD")
        await until(lambda: wire.lost)
        self.assertIn(b"Content-Encoding: gzip", wire.heard)
        self.assertTrue(wire.heard.endswith(b"\r\n\r\n"))

    async def test_one_compression_serves_all(self) -> None:
        for _ in range(5):
            await self.listen()
        plain = [await self.send("/events") for _ in range(5)]
        for each in plain:
            await self.hear(each, b"event: hello")
        made: list[Edition] = []

        class Noted(Edition):
            def __init__(self, *args: Any, **settings: Any) -> None:
                super().__init__(*args, **settings)
                made.append(self)

        with patch.object(events, "Edition", Noted):
            self.board.note(1000, failed(6))
            await until(lambda: all(each.heard == self.board.revision for each in self.listeners()))
        self.assertEqual([len(edition._made) for edition in made], [1, 1], "plain, and compressed")

    async def test_news_that_cannot_be_written_are_tried_again(self) -> None:
        wire = await self.listen()
        broken: list[None] = []

        class Broken(Edition):
            def __init__(self, *args: Any, **settings: Any) -> None:
                broken.append(None)
                raise RuntimeError("broken")

        with patch.object(events, "Edition", Broken):
            self.board.note(1000, failed(6))
            await until(lambda: broken)
        await self.until_told(wire, ("sample", 1000))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), len(broken))

    async def test_a_stop_ends_the_stream_in_good_form(self) -> None:
        wire = await self.listen()
        await self.api.stop()
        await until(lambda: wire.lost)
        self.assertTrue(wire.heard.endswith(b"\r\n0\r\n\r\n"))
        self.assertEqual(len(self.events(wire)), 1)


class GzipResumeTests(GzipCase):
    """``Last-Event-ID``."""

    streams = tuple(stream(number) for number in range(600))

    async def test_what_was_missed_follows_and_nothing_else(self) -> None:
        before = self.board.revision
        self.board.note(1000, failed(6))
        self.board.note(1002, failed(6))
        self.board.drop(1001)
        self.board.note(1000, failed(7))
        for wire in (
            await self.listen(f"Last-Event-ID: {BOOT}-{before}"),
            await self.listen(path=f"/events?last_event_id={BOOT}-{before}"),
        ):
            await self.until_told(wire, ("sample", 1002), ("gone", 1001), ("sample", 1000))
            self.assertEqual(self.hellos(wire), ["missed"])
            self.assertEqual(self.events(wire)[0].id, before)

    async def test_who_resumes_in_the_middle_reads_on_with_the_others(self) -> None:
        first = await self.listen()
        for number in range(600):
            self.board.note(1000 + number, failed(6))
        await until(lambda: len(self.told(first)) == 600)
        told = self.events(first)[1:]
        resumed = [await self.listen(f"Last-Event-ID: {BOOT}-{told[at].id}") for at in (9, 299)]
        self.board.note(1000, failed(9))
        self.board.drop(1001)
        for wire, at in zip(resumed, (9, 299), strict=True):
            last = self.board.revision
            await until(lambda wire=wire, last=last: self.events(wire)[-1].id == last)
            missed = [e for e in told[at + 1 :] if e.data["mms_stream_id"] not in (1000, 1001)]
            self.assertEqual(self.events(wire)[1:-2], missed)
            self.assertEqual(self.told(wire)[-2:], [("sample", 1000), ("gone", 1001)])
            self.assertEqual(self.hellos(wire), ["missed"])
        await until(lambda: self.told(first)[-1] == ("gone", 1001))
        self.assertEqual(self.told(first)[600:], [("sample", 1000), ("gone", 1001)])

    async def test_who_hears_of_too_many_that_are_gone_is_told_everything_anew(self) -> None:
        wire = await self.listen()
        with patch.object(feed, "GONE_KEPT", 1):
            self.board.drop(1000)
            self.board.drop(1001)
            await until(lambda: self.hellos(wire) == ["changes", "everything"])
            await until(lambda: [what for what, _ in self.told(wire)].count("sample") == 598)


class GzipBoundTests(GzipCase):
    """Clients that do not read."""

    # Names that do not shrink, so that what one does not read fills its connection.
    streams = tuple(
        stream(number, "".join(chr(0x4E00 + number * 7919 * at % 20_000) for at in range(400)))
        for number in range(1500)
    )

    async def stalled(self) -> tuple[Wire, Listener]:
        """One that asked for everything, and reads nothing of it."""
        wire = await self.listen(f"Last-Event-ID: {BOOT}-x")
        wire.tcp.pauseProducing()
        client = self.listener_of(wire)
        await until(lambda: client.stalled_since is not None)
        return wire, client

    async def test_one_that_does_not_read_holds_little_and_then_hears_the_newest(self) -> None:
        wire, client = await self.stalled()
        other = await self.listen()
        fast = self.listener_of(other)
        for turn in range(3):
            for number in range(0, 1500, 3):
                self.board.note(1000 + number, failed(6 + turn))
            revision = self.board.revision
            await until(lambda revision=revision: fast.heard == revision, seconds=30)
        self.assertLess(self.waiting_bytes(), 600_000)
        self.assertLess(client.heard, self.board.revision)
        self.assertIsNotNone(client.stalled_since)
        wire.tcp.resumeProducing()
        await until(lambda: client.heard == self.board.revision, seconds=30)
        self.board.put(stream(9999, "a mark"))
        await until(lambda: b"a mark" in self.text(wire)[-100_000:], seconds=30)
        newest = {e.data["mms_stream_id"]: e.data for e in self.events(wire)[1:]}
        for entry in self.board.entries():
            self.assertEqual(newest[entry.stream.mms_stream_id], entry.as_dict())
        ids = [event.id for event in self.events(wire)]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(self.hellos(wire), ["everything"])
        numbers = [number for _, number in self.told(wire)]
        self.assertLess(len(numbers), 1500 + 2 * 500, "most changes it was never told of")

    async def test_one_that_reads_nothing_for_long_is_dropped_and_counted(self) -> None:
        with (
            patch.object(events, "STALLED_SECONDS", 0.2),
            patch.object(events, "KEEP_ALIVE_SECONDS", 0.05),
        ):
            other = await self.listen()
            await self.stalled()
            await until(lambda: len(self.listeners()) == 1)
            self.assertEqual(self.the_events()._dropped._value.get(), 1)
            self.assertEqual(self.the_events()._count._value.get(), 1)
            self.board.note(1000, failed(9))
            await self.until_told(other, ("sample", 1000))

    async def test_clients_that_leave_at_any_moment_leave_nothing_behind(self) -> None:
        for number in range(6):
            wire = await self.send("/events", GZIP, f"Last-Event-ID: {BOOT}-x")
            if number % 2:
                await until(lambda wire=wire: b"event: sample" in self.text(wire))
            self.board.note(1000 + number, failed(6))
            self.gone(wire)
        await until(lambda: not self.listeners() and counted(self.api, "events", "200") >= 3)
        self.assertEqual(self.the_events()._count._value.get(), 0)
