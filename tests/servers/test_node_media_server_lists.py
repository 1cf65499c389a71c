"""The lists of streams of both versions: what each entry says, and what any bytes say."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fakes_node_media_server import (
    PUBLISHER,
    PUBLISHER_2,
    STARTED,
    STREAM,
    SUBSCRIBER_2,
    Fake2,
    Fake4,
    json,
    list_4,
    result,
)
from tvmon.errors import BadAnswer
from tvmon.servers import Answer, Drift
from tvmon.servers import node_media_server_v2 as v2
from tvmon.servers import node_media_server_v4 as v4
from tvmon.servers.node_media_server import NodeMediaServer, recognise_2, recognise_4
from tvmon.servers.node_media_server_entry import Entry
from tvmon.servers.site import Site
from tvmon.servers.values import server_time
from tvmon.streams import STEADY, Measurement, Presence

NOW = STARTED + 60.4


class VersionFourTests(unittest.TestCase):
    """One entry of version 4's list."""

    def read(self, *, publisher: Any = None, drift: Drift | None = None, **other: Any) -> Entry:
        told = {**STREAM, "publisher": {**PUBLISHER, **(publisher or {})}, **other}
        (entry,) = v4.parse_streams(list_4(told), NOW, drift or Drift())
        return entry

    def said(self, **told: Any) -> Measurement:
        measured = self.read(**told).measured
        assert measured is not None
        return measured

    def test_a_stream_that_is_published(self) -> None:
        drift = Drift()
        entry = self.read(drift=drift)
        said = entry.measured
        assert said is not None
        self.assertEqual((entry.path, entry.waited_for), ("/live/cam1", False))
        self.assertEqual((said.presence, said.remarks, said.pace), (Presence.LIVE, (), STEADY))
        self.assertEqual((said.upstream_bytes_received, said.clients_connected), (99739, 1))
        self.assertEqual((said.video_codec, said.audio_codec), ("H264", "AAC"))
        self.assertEqual((said.stream_info_videocodecid, said.stream_info_audiocodecid), (7, 10))
        self.assertEqual((said.stream_info_width, said.stream_info_height), (160, 90))
        self.assertEqual(
            (said.stream_info_framerate, said.stream_info_audiosamplerate), (10, 44100)
        )
        self.assertEqual(said.stream_info_stereo, 0)
        self.assertEqual(said.uptime_seconds, 60)
        self.assertEqual(said.average_upstream_kbps, 13.299)
        self.assertEqual(said.session.publisher, "mwrji5jnlzr22jsu 1795333991316")
        self.assertIsNone(said.session.server)
        self.assertEqual(said.sources.estimated, ("average_upstream_kbps",))
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))

    def test_bytes_that_fall_when_a_viewer_leaves_are_no_counter(self) -> None:
        said = self.said()
        self.assertIsNone(said.total_bytes_sent)
        self.assertIsNone(said.average_downstream_kbps)

    def test_versions_before_4_3_say_no_status(self) -> None:
        old = {name: STREAM[name] for name in ("key", "app", "name", "subscribers")}
        drift = Drift()
        body = list_4({**old, "publisher": PUBLISHER}, {**old, "publisher": None})
        live, idle = v4.parse_streams(body, NOW, drift)
        assert live.measured is not None
        assert idle.measured is not None
        self.assertEqual(live.measured.presence, Presence.LIVE)
        self.assertEqual((idle.measured.presence, idle.waited_for), (Presence.ABSENT, True))
        self.assertEqual(drift.missing, {})

    def test_a_publisher_that_is_lost_publishes_nothing(self) -> None:
        entry = self.read(status="reconnecting", subscribers=3)
        assert entry.measured is not None
        self.assertEqual(entry.measured.presence, Presence.ABSENT)
        self.assertEqual(entry.measured.clients_connected, 3)
        self.assertFalse(entry.waited_for)

    def test_the_recorder_is_no_viewer(self) -> None:
        self.assertEqual(self.said(subscribers=3, recording=True).clients_connected, 2)
        self.assertEqual(self.said(subscribers=0, recording=True).clients_connected, 0)
        self.assertIsNone(self.said(subscribers=None, recording=True).clients_connected)

    def test_nothing_is_known_of_a_stream_before_its_metadata(self) -> None:
        empty = dict.fromkeys(
            ("videoCodec", "videoWidth", "videoHeight", "videoFramerate", "audioCodec",
             "audioChannels", "audioSamplerate"), 0,
        )  # fmt: skip
        said = self.said(publisher=empty)
        self.assertEqual({getattr(said, name) for name in said.sources.declared}, {None})

    def test_without_sound_there_are_no_channels(self) -> None:
        silent = {name: PUBLISHER[name] for name in PUBLISHER if name != "audioCodec"}
        (entry,) = v4.parse_streams(list_4({**STREAM, "publisher": silent}), NOW, Drift())
        assert entry.measured is not None
        self.assertIsNone(entry.measured.stream_info_stereo)
        self.assertEqual(self.said(publisher={"audioChannels": 2}).stream_info_stereo, 1)

    def test_codecs_by_number_letters_and_letters_as_a_number(self) -> None:
        for told, name in (
            (7, "H264"), (12, "H265"), (1752589105, "H265"), (1635135537, "AV1"), ("avc1", "H264"),
            ("7", "H264"), (9999, None), (0, None), (-1, None), (2**40, None), ([], None),
        ):  # fmt: skip
            self.assertEqual(self.said(publisher={"videoCodec": told}).video_codec, name, told)
        for told, name in ((10, "AAC"), (2, "MP3"), (1332770163, "Opus"), (7, "G711")):
            self.assertEqual(self.said(publisher={"audioCodec": told}).audio_codec, name, told)

    def test_starts_that_cannot_be(self) -> None:
        for created, uptime in (
            (STARTED * 1000, 60), ((NOW + 1) * 1000, 0), ((NOW + 5) * 1000, None), (0, None),
            (-1, None), ("x", None), (None, None), ([], None),
        ):  # fmt: skip
            said = self.said(publisher={"createTime": created})
            self.assertEqual(said.uptime_seconds, uptime, created)

    def test_the_session_is_another_when_it_is_published_anew(self) -> None:
        sessions = {
            self.said(publisher=other).session
            for other in ({}, {"id": "another"}, {"createTime": 1795333991317})
        }
        self.assertEqual(len(sessions), 3)
        self.assertIsNone(self.said(publisher={"id": 7, "createTime": None}).session.publisher)

    def test_drift(self) -> None:
        drift = Drift()
        publisher = {"inBytes": "many", "createTime": None, "codecName": "x"}
        self.read(publisher=publisher, drift=drift, subscribers="x", bitrate=1)
        self.assertEqual(set(drift.unknown), {"stream.bitrate", "publisher.codecName"})
        self.assertEqual(
            set(drift.missing),
            {"stream.subscribers", "publisher.inBytes", "publisher.createTime"},
        )


class VersionTwoTests(unittest.TestCase):
    """One entry of version 2's list."""

    def read(self, publisher: object, *subscribers: object, drift: Drift | None = None) -> Entry:
        body = json({"live": {"cam1": {"publisher": publisher, "subscribers": subscribers}}})
        (entry,) = v2.parse_streams(body, NOW, drift or Drift())
        return entry

    def said(self, publisher: object, *subscribers: object) -> Measurement:
        measured = self.read(publisher, *subscribers).measured
        assert measured is not None
        return measured

    def test_a_stream_that_is_published(self) -> None:
        drift = Drift()
        entry = self.read(PUBLISHER_2, SUBSCRIBER_2, drift=drift)
        said = entry.measured
        assert said is not None
        self.assertEqual((entry.path, entry.waited_for), ("live/cam1", False))
        self.assertEqual((said.presence, said.remarks, said.pace), (Presence.LIVE, (), STEADY))
        self.assertEqual((said.upstream_bytes_received, said.clients_connected), (684190, 1))
        self.assertEqual((said.video_codec, said.audio_codec), ("H264", "AAC"))
        self.assertEqual((said.stream_info_width, said.stream_info_height), (160, 90))
        self.assertEqual(
            (said.stream_info_framerate, said.stream_info_audiosamplerate), (10, 44100)
        )
        self.assertEqual((said.stream_info_stereo, said.uptime_seconds), (0, 60))
        self.assertIsNone(said.total_bytes_sent)
        self.assertEqual(said.session.publisher, "YYJ2J4Q1 2026-11-22T07:53:11.316Z")
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))

    def test_the_servers_own_programs_are_no_viewers(self) -> None:
        own = [
            {**SUBSCRIBER_2, "protocol": "rtmp", "ip": ip}
            for ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
        ]
        proxied = {**SUBSCRIBER_2, "ip": "127.0.0.1"}
        by_rtmp = {**SUBSCRIBER_2, "protocol": "rtmp"}
        self.assertEqual(self.said(PUBLISHER_2, *own, proxied, by_rtmp).clients_connected, 2)

    def test_a_stream_without_sound_or_without_a_picture(self) -> None:
        silent = self.said({**PUBLISHER_2, "audio": None})
        self.assertEqual((silent.audio_codec, silent.stream_info_stereo), (None, None))
        self.assertEqual(silent.video_codec, "H264")
        radio = self.said({**PUBLISHER_2, "video": None})
        self.assertEqual((radio.video_codec, radio.stream_info_width), (None, None))
        self.assertEqual(radio.audio_codec, "AAC")

    def test_codecs_as_only_this_version_calls_them(self) -> None:
        for told, name in (("G711A", "G711"), ("OPUS", "Opus"), ("Speex", "Speex"), ("", None)):
            audio = {**PUBLISHER_2["audio"], "codec": told}
            self.assertEqual(self.said({**PUBLISHER_2, "audio": audio}).audio_codec, name)
        for told, name in (("Sorenson-H263", "H263"), ("On2-VP6", "VP6"), ("AV1", "AV1")):
            video = {**PUBLISHER_2["video"], "codec": told}
            self.assertEqual(self.said({**PUBLISHER_2, "video": video}).video_codec, name)

    def test_drift(self) -> None:
        drift = Drift()
        self.read({"bytes": -1, "connectCreated": "yesterday", "x": 1}, {"y": 1}, drift=drift)
        self.assertEqual(set(drift.unknown), {"publisher.x", "subscriber.y"})
        self.assertEqual(
            set(drift.missing),
            {"publisher.clientId", "publisher.bytes", "publisher.connectCreated"},
        )


class TimeTests(unittest.TestCase):
    """When an answer was sent."""

    def test_the_servers_clock_counts_where_it_is_told(self) -> None:
        for date, time in (
            ("Sun, 22 Nov 2026 07:54:11 GMT", 1795334051.0),
            ("Sun, 22 Nov 2026 07:54:11 -0000", 1795334051.0),
            ("yesterday", 5.0),
            ("Sun, 22 Nov 9999999 07:54:11 GMT", 5.0),
            ("", 5.0),
        ):
            self.assertEqual(server_time(Answer(200, "", b"", {"date": date}, time=5.0)), time)
        self.assertEqual(server_time(Answer(200, "", b"", time=5.0)), 5.0)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["/live/cam1", "publishing", "reconnecting", "idle", "\ud800", "9" * 30]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def spoilt(value: Any) -> st.SearchStrategy[Any]:
    """The value with anything in the place of any of its parts."""
    if isinstance(value, dict):
        parts = {name: st.just(part) | ANYTHING | spoilt(part) for name, part in value.items()}
        return st.fixed_dictionaries({}, optional=parts)
    if isinstance(value, list):
        return st.lists(st.one_of([ANYTHING, *map(spoilt, value)]), max_size=3)
    return st.just(value) | ANYTHING


BODIES_4 = spoilt({"success": True, "data": {"streams": [STREAM], "total": 1}}).map(json)
BODIES_2 = spoilt(
    {"live": {"cam1": {"publisher": PUBLISHER_2, "subscribers": [SUBSCRIBER_2]}}}
).map(json)
ANY_BODY = st.binary(max_size=60) | ANYTHING.map(json) | BODIES_4 | BODIES_2


class AnyBytesTests(unittest.TestCase):
    """Whatever comes is a list or a BadAnswer."""

    def parse(self, parse: Callable[..., Iterable[Entry]], body: bytes) -> None:
        try:
            entries = list(parse(body, NOW, Drift()))
        except BadAnswer as problem:
            self.assertEqual(problem.outcome, "body")
            return
        for entry in entries:
            if entry.measured is not None:
                for name in Measurement.__slots__:
                    value = getattr(entry.measured, name)
                    if isinstance(value, int | float):
                        self.assertTrue(0 <= value < 2**63, f"{name}: {value}")

    @given(ANY_BODY)
    def test_both_lists(self, body: bytes) -> None:
        self.parse(v4.parse_streams, body)
        self.parse(v2.parse_streams, body)

    @given(ANY_BODY, st.sampled_from([200, 401, 404, 500]), st.booleans())
    def test_a_whole_conversation(self, body: bytes, status: int, is_first: bool) -> None:
        for fake in (Fake4(STREAM), Fake2({})):
            overview = NodeMediaServer(Site("n", "http://nms:8000", "admin", "right")).begin()
            if not is_first:
                result(overview.survey(fake))
            for path in ("/api/v1/health", "/api/v1/login", "/api/v1/streams", "/api/streams"):
                fake.lies = {path: Answer(status, "", body)}
                try:
                    result(overview.survey(fake))
                except BadAnswer as problem:
                    self.assertNotIn("right", problem.reason)

    @given(ANY_BODY, st.integers(100, 599), st.text(max_size=60))
    def test_probes(self, body: bytes, status: int, header: str) -> None:
        headers = {"www-authenticate": "Basic", "access-control-allow-headers": Fake2.says + header}
        recognise_4(Answer(status, "", body, headers), "http://nms:8000")
        recognise_2(Answer(status, "", body, headers), "http://nms:8000")
