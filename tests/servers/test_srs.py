"""What an SRS says of one stream, and what becomes of it."""

from __future__ import annotations

import unittest
from typing import Any

from tests.servers.conversing import Conversation
from tests.servers.fakes_srs import FakeSRS
from tvmon.problems import ConfigError
from tvmon.servers import Answer
from tvmon.servers.site import Site
from tvmon.servers.srs import KIND, SRS, configured, recognise
from tvmon.settings import Section
from tvmon.streams import Pace, Presence, Session


class SRSCase(unittest.TestCase):
    """A fake SRS and a conversation with it."""

    def meet(self, site: Site | None = None, **options: Any) -> FakeSRS:
        self.talk = Conversation()
        fake = FakeSRS(self.talk.seconds, self.talk.now, **options)
        self.talk.meet(fake, SRS(site or Site("srs1", "http://srs:1985")).begin())
        return fake


class StreamTests(SRSCase):
    """One entry of the list."""

    def test_a_stream_that_is_published(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", kbps=2000, viewers=2)
        self.talk.look(10)
        stream, said = self.talk.survey.seen["live/cam1"]
        self.assertEqual(stream.unify_name, "srs1/live/cam1")
        self.assertEqual(stream.sample_interface, "http://srs:1985#live/cam1")
        self.assertEqual(said.presence, Presence.LIVE)
        self.assertEqual(said.upstream_bytes_received, 2_500_000)
        self.assertEqual(said.total_bytes_sent, 5_000_000)
        self.assertEqual((said.stream_info_width, said.stream_info_height), (1280, 720))
        self.assertEqual((said.video_codec, said.audio_codec), ("H264", "AAC"))
        self.assertEqual((said.stream_info_videocodecid, said.stream_info_audiocodecid), (7, 10))
        self.assertEqual((said.stream_info_audiosamplerate, said.stream_info_stereo), (44100, 1))
        self.assertEqual(said.remarks, ())
        self.assertEqual(self.talk.survey.skipped, ())
        self.assertEqual(self.talk.overview.drift.unknown, {})
        self.assertEqual(self.talk.overview.drift.missing, {})

    def test_the_publisher_is_no_viewer(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", viewers=2)
        fake.start("live/edge", more={"edge": True})
        self.talk.look()
        self.assertEqual(self.talk.said("live/cam1").clients_connected, 2)
        # An edge pulls the stream itself: nobody is to be taken off, and less than nobody is not.
        self.assertEqual(self.talk.said("live/edge").clients_connected, 0)

    def test_live_ms_is_a_clock_and_no_age(self) -> None:
        self.meet().start("live/cam1")
        self.talk.look()
        self.assertIsNone(self.talk.said("live/cam1").uptime_seconds)
        self.assertIsNone(self.talk.said("live/cam1").live_delay_ms)

    def test_a_stream_that_is_only_waited_for(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", viewers=3)
        fake.stop("live/cam1", lingers=True)
        self.talk.look()
        said = self.talk.said("live/cam1")
        self.assertEqual(said.presence, Presence.ABSENT)
        self.assertEqual(said.clients_connected, 3)
        self.assertEqual(said.remarks, ("nobody publishes it; 3 wait for it",))

    def test_the_rate_of_the_server_is_not_believed(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", more={"entry": {"kbps": {"recv_30s": 99999, "send_30s": -1}}})
        self.talk.look()
        self.assertIsNone(self.talk.said("live/cam1").average_upstream_kbps)

    def test_counters_rest_for_three_seconds_while_all_is_well(self) -> None:
        self.meet().start("live/cam1")
        self.talk.look()
        self.assertEqual(self.talk.said("live/cam1").pace, Pace(3.0, 4.5))

    def test_no_token_of_a_publisher_is_shown(self) -> None:
        fake = self.meet()
        fake.start("live/cam1?token=S3CRET")
        fake.start("live?token=S3CRET/cam2")
        survey = self.talk.look()
        self.assertEqual(set(survey.seen), {"live/cam1", "live/cam2"})
        self.assertNotIn("S3CRET", repr(survey))

    def test_names_that_are_secret(self) -> None:
        site = Site("srs1", "http://srs:1985", secret_names=True)
        self.meet(site).start("live/abcdef-stream-key")
        survey = self.talk.look()
        self.assertNotIn("abcdef", repr(survey))

    def test_what_cannot_be_read_is_not_known(self) -> None:
        fake = self.meet()
        odd = {"recv_bytes": -1, "send_bytes": "x", "clients": None, "video": {"width": 0}}
        odd |= {"audio": {"channel": 6, "sample_rate": 0, "codec": 5}}
        fake.start("live/cam1", more={"entry": odd})
        self.talk.look()
        said = self.talk.said("live/cam1")
        self.assertEqual(said.presence, Presence.LIVE)
        for field in ("upstream_bytes_received", "total_bytes_sent", "clients_connected"):
            self.assertIsNone(getattr(said, field), field)
        for field in ("width", "height", "audiosamplerate", "stereo", "audiocodecid"):
            self.assertIsNone(getattr(said, f"stream_info_{field}"), field)

    def test_what_is_new_or_missing_is_noted(self) -> None:
        fake = self.meet()
        fake.start("live/cam1", more={"entry": {"srt": {}, "publish": {"active": True, "by": 1}}})
        self.talk.look()
        unknown = self.talk.overview.drift.unknown
        self.assertEqual(unknown, {"stream.srt": 1, "stream.publish.by": 1})


class VhostTests(SRSCase):
    """Streams of several vhosts, whose ids change with each start of the server."""

    def test_the_vhost_stands_in_front_unless_it_is_the_usual_one(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        fake.start("tv.example/live/cam1", more={"vhost": "tv.example"})
        self.assertEqual(set(self.talk.look().seen), {"live/cam1", "tv.example/live/cam1"})

    def test_names_are_asked_for_once_and_for_what_is_new(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        self.talk.look()
        self.assertEqual([path.partition("?")[0] for path in fake.asked][1:], ["/api/v1/vhosts/"])
        self.talk.look()
        self.assertEqual(len(fake.asked), 1)
        fake.start("tv.example/live/cam2", more={"vhost": "tv.example"})
        self.assertIn("tv.example/live/cam2", self.talk.look().seen)
        self.assertEqual(len(fake.asked), 2)

    def test_a_vhost_that_nobody_knows_costs_its_streams_alone(self) -> None:
        fake = self.meet()
        fake.lie("odd_entries")
        fake.start("live/cam1")
        survey = self.talk.look()
        self.assertEqual(set(survey.seen), {"live/cam1"})
        self.assertIn("its vhost is not in the list of vhosts", " ".join(survey.skipped))
        fake.lie("no_vhosts")
        fake.restart()
        fake.start("live/cam1")
        self.assertEqual(set(self.talk.look().seen), set())


class VersionTests(SRSCase):
    """What tells one life of the counters from the next, from 3 to 7."""

    def test_a_new_service_is_a_restart(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        self.talk.look(10)
        before = self.talk.said("live/cam1")
        self.assertEqual(before.session, Session("s1/101", "cid1-1"))
        fake.restart()
        self.assertEqual(set(self.talk.look(2).seen), set())  # nobody has come back yet
        fake.start("live/cam1")
        self.talk.look(1)
        after = self.talk.said("live/cam1")
        self.assertEqual(after.session, Session("s2/102", "cid2-2"))
        self.assertLess(after.upstream_bytes_received or 0, before.upstream_bytes_received or 0)

    def test_before_5_there_is_only_the_server(self) -> None:
        for version in ("4.0.271", "3.0.184"):
            fake = self.meet(version=version)
            fake.start("live/cam1")
            self.talk.look()
            self.assertEqual(self.talk.said("live/cam1").session.server, "vid-server1")
            fake.restart()
            fake.start("live/cam1")
            self.talk.look()
            self.assertEqual(self.talk.said("live/cam1").session.server, "vid-server2")

    def test_published_anew(self) -> None:
        fake = self.meet()
        fake.start("live/cam1")
        self.talk.look()
        fake.start("live/cam1")
        self.talk.look()
        self.assertEqual(self.talk.said("live/cam1").session, Session("s1/101", "cid1-2"))


class SettingsTests(unittest.TestCase):
    """Its section of the configuration, and how it is found on a host."""

    def test_a_section(self) -> None:
        text = 'name = "srs1"\nurl = "http://h:1985/"\nuser = "admin"\npassword = "${PASSWORD}"\n'
        section = Section.of(text, "tvmon.conf", {"PASSWORD": "S3CRET"})
        server = configured(section)
        section.finish()
        self.assertEqual(server.site, Site("srs1", "http://h:1985", "admin", "S3CRET"))
        self.assertNotIn("S3CRET", repr(server))
        self.assertEqual((server.name, server.extra_streams), ("srs1", ()))

    def test_what_is_unknown_is_said(self) -> None:
        section = Section.of('name = "a"\nurl = "http://h"\ntoken = "x"\n', "tvmon.conf", {})
        configured(section)
        self.assertRaises(ConfigError, section.finish)

    def test_a_sample_interface_leads_to_its_stream(self) -> None:
        assert KIND.at is not None
        server, stream = KIND.at("http://srs:1985#live/cam1")
        self.assertEqual(stream.key, "live/cam1")
        talk = Conversation()
        fake = FakeSRS(talk.seconds, talk.now)
        fake.start("live/cam1")
        survey = talk.meet(fake, server.begin()).look()  # type: ignore[arg-type]
        self.assertIn(stream.key, survey.seen)

    def test_found_on_a_host(self) -> None:
        good = b'{"code":0,"server":"vid-1","data":{"major":5,"version":"5.0.213"}}'
        found = recognise(Answer(200, "OK", good), "http://h:1985")
        assert found is not None
        self.assertEqual((found.what, found.options), ("SRS 5.0.213", {"url": "http://h:1985"}))
        asks = Answer(401, "Unauthorized", b"", {"server": "SRS/6.0.155(Hang)"})
        found = recognise(asks, "http://h:1985")
        assert found is not None
        self.assertEqual(found.options["password"], "${SRS_PASSWORD}")

    def test_what_is_something_else(self) -> None:
        for status, body in (
            (200, b""),
            (200, b"<html>"),
            (200, b"[]"),
            (200, b'{"code":0}'),
            (200, b'{"code":1,"data":{"version":"5"}}'),
            (404, b'{"code":0,"data":{"version":"5"}}'),
            (401, b""),
        ):
            self.assertIsNone(recognise(Answer(status, "", body), "http://h:1985"), body)
