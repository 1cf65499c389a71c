"""What a media server says of a stream, byte by byte."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from twisted.trial.unittest import SynchronousTestCase

from tests.recordings import body, needs_recordings, polls
from tests.simulator.lives import live
from tests.simulator.talking import SimulatorTestCase, first, path_of
from tests.waiting import until
from tvmon.servers.tvie import parse_sample
from tvmon.simulator.answers import body_of
from tvmon.simulator.behaviours import behaviour


def names(text: bytes) -> list[bytes]:
    return [line.partition(b": ")[0] for line in text.splitlines()]


def headers(head: bytes) -> dict[bytes, bytes]:
    lines = head.split(b"\r\n")[1:]
    return dict(line.split(b": ", 1) for line in lines)


@needs_recordings
class RecordedTests(SynchronousTestCase):
    def test_the_lines_are_those_of_the_recordings(self) -> None:
        for name, run in (("healthy", "upstream_up"), ("down", "upstream_down")):
            stream = live(behaviour(name))
            made = body_of(stream.source.profile, stream.counters(5000))
            real = body(polls(run)[7][1])
            self.assertEqual(names(made), names(real))
            self.assertEqual(made[-1:], real[-1:])
            self.assertNotIn(b"\r", made)
            for made_line, real_line in zip(made.splitlines(), real.splitlines(), strict=True):
                is_float = b"." in real_line
                self.assertEqual(b"." in made_line, is_float, made_line)
                if is_float:
                    self.assertEqual(len(made_line.rpartition(b".")[2]), 6)


class BodyTests(SynchronousTestCase):
    def test_tvmon_reads_back_what_was_meant(self) -> None:
        for name in ("healthy", "starved", "light", "restarting", "delay"):
            stream = live(behaviour(name), 7)
            said = stream.counters(4321.5)
            measured = parse_sample(body_of(stream.source.profile, said))
            for field, value in said._asdict().items():
                self.assertApproximates(getattr(measured, field), value, 1e-6, field)
            self.assertEqual(measured.stream_info_width, stream.source.profile.width)
            self.assertEqual(measured.stream_info_videocodecid, 7)

    def test_without_a_stream_there_are_thirteen_lines(self) -> None:
        stream = live(behaviour("down"))
        text = body_of(stream.source.profile, stream.counters(60))
        self.assertEqual(len(text.splitlines()), 13)
        measured = parse_sample(text)
        self.assertEqual(measured.declared_kbps, 0)
        self.assertIsNone(measured.stream_info_width)
        self.assertEqual(measured.live_delay_ms, 999_999)


class AnswersTests(SimulatorTestCase):
    """Over a real connection."""

    async def test_a_poll_is_answered_with_the_head_of_the_recorded_server(self) -> None:
        simulator = await self.simulator()
        stream = first(simulator)
        talk = await self.ask(simulator, "GET", path_of(stream))
        self.assertTrue(talk.head.startswith(b"HTTP/1.1 200 OK\r\n"))
        said = headers(talk.head)
        self.assertEqual(said[b"Content-Type"], b"text/plain")
        self.assertEqual(said[b"Server"], b"TVie TSS/v2.0.0.0 (CentOS-55-x86-64)")
        self.assertEqual(said[b"Expires"], b"Mon, 26 Jul 1997 05:00:00 GMT")
        self.assertEqual(said[b"Pragma"], b"no-cache")
        self.assertEqual(said[b"Cache-Control"], b"no-store, must-revalidate")
        self.assertEqual(said[b"Last-Modified"], said[b"Date"])
        parsedate_to_datetime(said[b"Date"].decode())
        self.assertEqual(int(said[b"Content-Length"]), len(talk.body))
        self.assertEqual(len(talk.body.splitlines()), 21)
        self.assertEqual(stream.polls, 1)

    async def test_the_head_has_the_names_of_the_recorded_one(self) -> None:
        simulator = await self.simulator(close=True)
        talk = await self.poll(simulator, first(simulator))
        await until(lambda: talk.ended, why="the connection is closed")
        names = {
            *(b"Connection", b"Date", b"Content-Type", b"Expires", b"Server"),
            *(b"Content-Length", b"Last-Modified", b"Pragma", b"Cache-Control"),
        }
        self.assertEqual(set(headers(talk.head)), names)
        self.assertEqual(headers(talk.head)[b"Connection"], b"close")

    async def test_a_connection_is_kept_for_the_next_poll(self) -> None:
        simulator = await self.simulator()
        stream = first(simulator)
        talk = await self.poll(simulator, stream)
        for count in range(1, 4):
            await until(lambda count=count: talk.received.count(b"stream_info_height") == count)
            talk.transport.write(f"GET {path_of(stream)} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await until(lambda: talk.received.count(b"HTTP/1.1 200 OK") == 4)
        self.assertIsNone(talk.ended)

    async def test_an_unknown_stream_is_not_found(self) -> None:
        simulator = await self.simulator()
        for path in ("", "/", "/a", "/a/b/c", "/tvie/aurora1/hd/", "/%ff/%00/c", "/tvie/aurora1"):
            talk = await self.ask(simulator, "GET", f"/tag_live_monitor{path}")
            self.assertEqual((talk.status, talk.body), (404, b"no such stream\n"), path)

    async def test_every_name_finds_its_stream_through_a_url(self) -> None:
        simulator = await self.simulator(streams=100)
        streams = list(simulator.media.streams.values())
        self.assertTrue(any("%" in path_of(stream) for stream in streams))
        for stream in streams:
            talk = await self.ask(simulator, "GET", path_of(stream))
            self.assertEqual(talk.status, 200, path_of(stream))
            self.assertEqual(stream.polls, 1)

    async def test_only_get_and_head_are_taken(self) -> None:
        simulator = await self.simulator()
        stream = first(simulator)
        self.assertEqual((await self.ask(simulator, "POST", path_of(stream))).status, 405)
        talk = await self.ask(simulator, "HEAD", path_of(stream))
        self.assertEqual((talk.status, talk.body), (200, b""))

    async def test_behaviours_show_in_the_answers(self) -> None:
        now = [0.0]
        simulator = await self.simulator(lambda: now[0])
        stream = first(simulator, "starved", 5)
        polls = []
        for now[0] in (0.0, 60.0):
            talk = await self.ask(simulator, "GET", path_of(stream))
            polls.append(parse_sample(talk.body))
        came = (polls[1].upstream_bytes_received or 0) - (polls[0].upstream_bytes_received or 0)
        self.assertApproximates(came / 60, 5000, 1000)
        self.assertGreater(polls[1].live_delay_ms or 0, 30_000)
        first(simulator, "down")
        talk = await self.ask(simulator, "GET", path_of(stream))
        self.assertEqual(len(talk.body.splitlines()), 13)
