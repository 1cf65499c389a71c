"""What a MediaMTX says of one path, and what becomes of it."""

from __future__ import annotations

import unittest
from typing import Any

from tests.servers.conversing import START, Conversation
from tests.servers.fakes_mediamtx import FakeMediaMTX
from tvmon.problems import ConfigError
from tvmon.servers import Answer
from tvmon.servers.mediamtx import KIND, MediaMTX, configured, recognise
from tvmon.servers.site import Site
from tvmon.settings import Section
from tvmon.streams import STEADY, Presence

SITE = Site("mtx", "http://mtx:9997")


class MediaMTXCase(unittest.TestCase):
    """A fake MediaMTX and a conversation with it."""

    def meet(self, server: MediaMTX | None = None, **options: Any) -> FakeMediaMTX:
        self.talk = Conversation()
        fake = FakeMediaMTX(self.talk.seconds, self.talk.now, **options)
        self.talk.meet(fake, (server or MediaMTX(SITE)).begin())
        return fake


class PathTests(MediaMTXCase):
    """One item of the list."""

    def test_a_path_that_is_published(self) -> None:
        for version in ("1.15.0", "1.17.0", "1.18.0"):
            fake = self.meet(version=version)
            fake.start("cam1", kbps=2000, viewers=2)
            self.talk.look(10)
            stream, said = self.talk.survey.seen["cam1"]
            self.assertEqual(stream.unify_name, "mtx/cam1")
            self.assertEqual(said.presence, Presence.LIVE)
            self.assertEqual(said.upstream_bytes_received, 2_500_000)
            self.assertEqual(said.total_bytes_sent, 5_000_000)
            self.assertEqual(said.clients_connected, 2)
            self.assertEqual((said.video_codec, said.audio_codec), ("H264", "AAC"))
            self.assertEqual(said.uptime_seconds, 10)
            self.assertEqual(said.pace, STEADY)
            self.assertEqual(self.talk.survey.skipped, ())
            self.assertEqual(self.talk.overview.drift.unknown, {})
            self.assertEqual(self.talk.overview.drift.missing, {})

    def test_sizes_are_told_since_1_17(self) -> None:
        for version, size, sound in (
            ("1.16.0", (None, None), (None, None)),
            ("1.17.0", (1280, 720), (48000, 1)),
        ):
            self.meet(version=version).start("cam1")
            self.talk.look()
            said = self.talk.said("cam1")
            self.assertEqual((said.stream_info_width, said.stream_info_height), size)
            self.assertEqual((said.stream_info_audiosamplerate, said.stream_info_stereo), sound)

    def test_the_new_names_of_the_counters_come_first(self) -> None:
        fake = self.meet()
        fake.start("cam1", more={"item": {"inboundBytes": 7, "outboundBytes": 8}})
        self.talk.look(10)
        said = self.talk.said("cam1")
        self.assertEqual((said.upstream_bytes_received, said.total_bytes_sent), (7, 8))

    def test_a_configured_path_that_is_idle(self) -> None:
        for version in ("1.15.0", "1.18.0"):
            self.meet(version=version).configure("cam1")
            self.talk.look()
            said = self.talk.said("cam1")
            self.assertEqual(said.presence, Presence.ABSENT)
            self.assertEqual(said.remarks, ("nobody publishes to the path",))

    def test_a_path_that_is_always_available(self) -> None:
        """It is ready, and plays something, though nobody publishes."""
        fake = self.meet(version="1.17.0")
        fake.configure("cam1", always_available=True)
        self.talk.look()
        said = self.talk.said("cam1")
        self.assertEqual(said.presence, Presence.ABSENT)
        self.assertEqual(
            said.remarks, ("the path is always available, and nobody publishes to it",)
        )

    def test_ready_without_a_source_is_not_published(self) -> None:
        fake = self.meet(version="1.15.0")
        fake.start("cam1", more={"item": {"source": None}})
        self.talk.look()
        self.assertEqual(self.talk.said("cam1").presence, Presence.ABSENT)

    def test_a_source_that_is_not_ready_is_not_published(self) -> None:
        """A camera that the server fetches itself is the path's source even while it is away."""
        fake = self.meet(version="1.15.0")
        source = {"type": "rtspSource", "id": ""}
        fake.start("cam1", more={"item": {"ready": False, "source": source}})
        self.talk.look()
        self.assertEqual(self.talk.said("cam1").presence, Presence.ABSENT)

    def test_a_path_that_redirects(self) -> None:
        fake = self.meet()
        item = {"ready": False, "online": False, "source": {"type": "redirect", "id": ""}}
        fake.start("cam1", more={"item": item})
        self.talk.look()
        self.assertEqual(self.talk.said("cam1").remarks, ("the path redirects elsewhere",))

    def test_readers_of_the_server_itself_are_no_viewers(self) -> None:
        fake = self.meet(version="1.17.0")
        readers = ["hidden", "rpiCameraSecondary", "hlsMuxer", "rtmpConn", "webRTCSession"]
        fake.start("cam1", more={"readers": readers})
        self.talk.look()
        # Before 1.18 the muxer stands for all that watch by HLS.
        self.assertEqual(self.talk.said("cam1").clients_connected, 3)
        fake.start("cam1", more={"item": {"readers": [{"type": "hlsSession"}, {}, None, 5]}})
        self.talk.look()
        self.assertEqual(self.talk.said("cam1").clients_connected, 1)
        fake.start("cam1", more={"item": {"readers": "many"}})
        self.talk.look()
        self.assertIsNone(self.talk.said("cam1").clients_connected)

    def test_tracks_that_are_neither_picture_nor_sound(self) -> None:
        fake = self.meet()
        tracks = [{"codec": name} for name in ("KLV", "Generic", "MPEG-TS", "Opus", "VP9")]
        fake.start("cam1", more={"item": {"tracks2": tracks}})
        fake.start("radio", more={"item": {"tracks2": None, "tracks": ["G711", "KLV"]}})
        self.talk.look()
        said = self.talk.said("cam1")
        self.assertEqual((said.video_codec, said.audio_codec), ("VP9", "Opus"))
        said = self.talk.said("radio")
        self.assertEqual((said.video_codec, said.audio_codec), (None, "G711"))

    def test_names_of_any_kind(self) -> None:
        fake = self.meet()
        for name in ("live/cam 1", "a&b<c>x", "Fernsehen-ü", "cam2?token=S3CRET"):
            fake.start(name)
        survey = self.talk.look()
        self.assertEqual(set(survey.seen), {"live/cam 1", "a&b<c>x", "Fernsehen-ü", "cam2"})
        self.assertNotIn("S3CRET", repr(survey))

    def test_what_is_new_or_missing_is_noted(self) -> None:
        fake = self.meet(version="1.15.0")
        fake.start("cam1", more={"item": {"moqBytes": 1}})
        self.talk.look()
        self.assertEqual(self.talk.overview.drift.unknown, {"path.moqBytes": 1})
        fake.lie("odd_items")
        self.talk.look()
        self.assertIn("path.inboundBytes", self.talk.overview.drift.missing)


class AgeTests(MediaMTXCase):
    """Since when a path is published, by the server's own clock."""

    def test_the_clock_of_the_server_counts(self) -> None:
        fake = self.meet()
        fake.now = lambda: START + self.talk.at - 100_000
        fake.start("cam1", kbps=1000)
        self.talk.look(100)
        said = self.talk.said("cam1")
        self.assertEqual(said.uptime_seconds, 100)
        self.assertAlmostEqual(said.average_upstream_kbps or 0, 1000, delta=20)

    def test_who_publishes_anew_to_a_path_that_is_always_available(self) -> None:
        """Its bytes are those of all who ever published, so a mean would not be his."""
        fake = self.meet()
        fake.start("cam1", more={"always_available": True, "available_since": START})
        self.talk.look(100)
        said = self.talk.said("cam1")
        self.assertEqual(said.uptime_seconds, 100)
        self.assertIsNone(said.average_upstream_kbps)
        self.assertIsNone(said.average_downstream_kbps)

    def test_a_time_that_cannot_be(self) -> None:
        fake = self.meet()
        for time in ("0001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "now", 5, None):
            item = {"onlineTime": time, "readyTime": None}
            fake.start("cam1", more={"item": item})
            self.talk.look(10)
            self.assertIsNone(self.talk.said("cam1").uptime_seconds, time)

    def test_a_start_a_little_ahead_is_now(self) -> None:
        fake = self.meet()
        fake.start("cam1", more={"item": {"onlineTime": fake._time(self.talk.now() + 2)}})
        self.talk.look()
        self.assertEqual(self.talk.said("cam1").uptime_seconds, 0)


class SettingsTests(unittest.TestCase):
    """Its section of the configuration, and how it is found on a host."""

    def read(self, text: str) -> MediaMTX:
        section = Section.of(f'name = "mtx"\nurl = "http://h:9997"\n{text}', "tvmon.conf", {})
        server = configured(section)
        section.finish()
        return server

    def test_a_section(self) -> None:
        server = self.read('token = "S3CRET"\n')
        self.assertEqual((server.name, server.token), ("mtx", "S3CRET"))
        self.assertNotIn("S3CRET", repr(server))
        self.assertIsNone(self.read("").token)
        self.assertEqual(self.read('user = "a"\npassword = "b"').site.user, "a")

    def test_what_is_wrong_is_said(self) -> None:
        for text in (
            'token = "two words"',
            'token = "a"\nuser = "b"\npassword = "c"',
            'user = "a"',
            'api = "x"',
        ):
            with self.assertRaises(ConfigError) as raised:
                self.read(text)
            self.assertNotIn("two words", str(raised.exception))

    def test_a_sample_interface_leads_to_its_stream(self) -> None:
        assert KIND.at is not None
        server, stream = KIND.at("http://mtx:9997#live/cam%201")
        self.assertEqual((stream.key, server.name), ("live/cam 1", ""))

    def test_found_on_a_host(self) -> None:
        url = "http://h:9997"
        found = recognise(Answer(200, "OK", b'{"itemCount":0,"pageCount":0,"items":[]}'), url)
        assert found is not None
        self.assertEqual((found.what, found.options), ("MediaMTX", {"url": url}))
        body = b'{"status":"error","error":"authentication error"}'
        found = recognise(Answer(401, "Unauthorized", body), url)
        assert found is not None
        self.assertEqual(found.options["password"], "${MEDIAMTX_PASSWORD}")

    def test_what_is_something_else(self) -> None:
        for status, body in (
            (200, b""),
            (200, b'{"items":[]}'),
            (401, b"{}"),
            (401, b'{"error":"no"}'),
            (404, b'{"status":"error","error":"x"}'),
            (200, b"[1]"),
        ):
            self.assertIsNone(recognise(Answer(status, "", body), "http://h"), body)
