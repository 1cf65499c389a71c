"""Every wrong answer, over a real connection."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone, ConnectionLost

from tests.recordings import TVIE, body, needs_recordings
from tests.simulator.talking import SimulatorTestCase, Talk, first, path_of
from tests.waiting import until
from tvmon.simulator.behaviours import behaviour
from tvmon.simulator.service import Simulator


class FaultTests(SimulatorTestCase):
    """One stream does something wrong; the others go on."""

    async def faulty(self, name: str, number: float | None = None) -> tuple[Simulator, Talk]:
        """A simulator whose first stream has this fault, and a poll of that stream."""
        simulator = await self.simulator(streams=2)
        stream = first(simulator, name, number)
        talk = await self.poll(simulator, stream)
        await until(lambda: stream.polls == 1, why="the poll arrives")
        return simulator, talk

    async def assert_others_answer(self, simulator: Simulator) -> None:
        other = simulator.media.streams[2]
        talk = await self.ask(simulator, "GET", path_of(other))
        self.assertEqual((talk.status, len(talk.body.splitlines())), (200, 21))

    async def assert_nothing_is_held(self, simulator: Simulator, talk: Talk) -> None:
        """When the client goes, everything that was kept for it goes too."""
        talk.hang_up()
        await until(lambda: len(simulator._held) == 0, why="timers are let go")

    async def test_silent_never_answers(self) -> None:
        simulator, talk = await self.faulty("silent")
        await self.assert_others_answer(simulator)
        self.assertEqual((talk.received, talk.ended), (b"", None))
        await self.assert_nothing_is_held(simulator, talk)

    async def test_slow_answers_in_the_end(self) -> None:
        simulator, talk = await self.faulty("slow", 0.2)
        self.assertEqual(talk.received, b"")
        await self.assert_others_answer(simulator)
        await until(lambda: b"stream_info_height" in talk.received, why="the slow answer")
        self.assertEqual(talk.status, 200)
        self.assertEqual(len(simulator._held), 0)

    async def test_slow_forgets_a_client_that_goes(self) -> None:
        simulator, talk = await self.faulty("slow", 3600)
        self.assertEqual(len(simulator._held), 1)
        await self.assert_nothing_is_held(simulator, talk)

    async def test_drip_sends_byte_after_byte(self) -> None:
        simulator, talk = await self.faulty("drip", 0.002)
        seen: set[int] = set()
        await until(lambda: seen.add(len(talk.body)) or len(talk.body) > 50, why="fifty bytes")
        self.assertGreater(len(seen), 5)
        promised = int(talk.head.lower().partition(b"content-length: ")[2].split()[0])
        await until(lambda: len(talk.body) == promised, why="the whole body")
        self.assertTrue(talk.body.startswith(b"total_gops: "))
        await until(lambda: len(simulator._held) == 0, why="the pacing ends")
        self.assertIsNone(talk.ended)

    async def test_drip_forgets_a_client_that_goes(self) -> None:
        simulator, talk = await self.faulty("drip", 0.01)
        await until(lambda: len(talk.body) > 2)
        await self.assert_nothing_is_held(simulator, talk)

    async def test_stall_stops_in_the_middle(self) -> None:
        simulator, talk = await self.faulty("stall")
        await until(lambda: talk.body, why="half a body")
        await self.assert_others_answer(simulator)
        promised = int(talk.head.lower().partition(b"content-length: ")[2].split()[0])
        self.assertEqual(len(talk.body), promised // 2)
        self.assertIsNone(talk.ended)

    async def test_truncated_ends_in_the_middle(self) -> None:
        simulator, talk = await self.faulty("truncated")
        await until(lambda: talk.ended, why="the end")
        promised = int(talk.head.lower().partition(b"content-length: ")[2].split()[0])
        self.assertEqual(len(talk.body), promised // 2)
        self.assertTrue(talk.ended and talk.ended.check(ConnectionDone))
        await self.assert_others_answer(simulator)

    async def test_reset_resets(self) -> None:
        simulator, talk = await self.faulty("reset")
        await until(lambda: talk.ended, why="the end")
        self.assertEqual(talk.received, b"")
        self.assertTrue(talk.ended and talk.ended.check(ConnectionLost))
        await self.assert_others_answer(simulator)

    async def whole(self, name: str) -> Talk:
        """The whole answer of a fault that has one."""
        simulator = await self.simulator()
        return await self.ask(simulator, "GET", path_of(first(simulator, name)))

    async def test_garbage_is_no_text(self) -> None:
        talk = await self.whole("garbage")
        self.assertEqual(talk.status, 200)
        self.assertRaises(UnicodeDecodeError, talk.body.decode)

    async def test_html_is_a_page(self) -> None:
        talk = await self.whole("html")
        self.assertEqual(talk.status, 200)
        self.assertIn(b"Content-Type: text/html", talk.head)
        self.assertIn(b"<html>", talk.body)

    @needs_recordings
    async def test_502_is_the_recorded_answer(self) -> None:
        recorded = (TVIE / "http_response_502.txt").read_bytes()
        talk = await self.whole("502")
        self.assertTrue(talk.head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n"))
        self.assertEqual(talk.body, body(recorded))
        for line in recorded.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            if not line.startswith((b"Date", b"X-TVie")):
                self.assertIn(line, talk.head)
        self.assertIn(b"x-tvie-debug: connect to upstream failed", talk.head.lower())

    async def test_redirect_leads_to_itself(self) -> None:
        simulator = await self.simulator()
        stream = first(simulator, "redirect")
        talk = await self.ask(simulator, "GET", path_of(stream))
        self.assertEqual(talk.status, 302)
        self.assertIn(f"Location: {path_of(stream)}".encode(), talk.head)

    async def test_huge_has_no_end_and_waits_for_its_reader(self) -> None:
        simulator, talk = await self.faulty("huge")
        await until(lambda: len(talk.received) > 3_000_000, why="three megabytes")
        talk.transport.pauseProducing()
        await self.assert_others_answer(simulator)
        talk.transport.resumeProducing()
        await self.assert_nothing_is_held(simulator, talk)

    async def test_endless_head_never_comes_to_the_body(self) -> None:
        simulator, talk = await self.faulty("endless_head")
        await until(lambda: talk.received.count(b"X-More") > 5, why="line after line")
        self.assertTrue(talk.received.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertNotIn(b"\r\n\r\n", talk.received)
        await self.assert_nothing_is_held(simulator, talk)

    async def test_a_server_that_hangs_takes_only_its_own_streams_with_it(self) -> None:
        simulator = await self.simulator(streams=2)
        status, _ = await self.control(simulator, "PUT", "/servers/media1", {"mode": "hang"})
        self.assertEqual(status, 200)
        stream = simulator.media.streams[1]
        talk = await self.poll(simulator, stream)
        await until(lambda: stream.polls == 1)
        status, answer = await self.control(simulator, "GET", "/streams/1")
        self.assertEqual((status, answer["polls"]), (200, 1))
        self.assertEqual((talk.received, talk.ended), (b"", None))
        await self.control(simulator, "PUT", "/servers", {"mode": "ok"})
        await self.assert_others_answer(simulator)

    async def test_a_stop_lets_everything_go(self) -> None:
        simulator = await self.simulator(streams=5)
        talks = []
        faults = (("silent", None), ("slow", 3600), ("drip", 3600), ("stall", None), ("huge", None))
        for stream, (name, number) in zip(simulator.media.streams.values(), faults, strict=True):
            simulator.media.change([stream], behaviour(name, number))
            talks.append(await self.poll(simulator, stream))
        await until(lambda: all(s.polls for s in simulator.media.streams.values()))
        await simulator.stopService()
        await until(lambda: all(talk.ended for talk in talks), why="every connection ends")
        self.assertEqual(len(simulator._held), 0)

    async def test_connections_that_are_gone_are_forgotten(self) -> None:
        simulator = await self.simulator()
        for _ in range(20):
            await self.ask(simulator, "GET", path_of(simulator.media.streams[1]))
        await until(lambda: not simulator.connections.protocols, why="no connection is remembered")
