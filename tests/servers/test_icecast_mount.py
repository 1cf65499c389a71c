"""What Icecast says of one mount, in the normal form."""

from __future__ import annotations

import unittest
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.servers.icecast_answers import IDLE, OGG, START
from tvmon.servers.icecast_mount import IDLE as IDLE_WORDS
from tvmon.servers.icecast_mount import PACE, SOURCES, http_time, measured
from tvmon.streams import Measurement, Presence, Session

SERVER = Session(server="2026-11-22T07:49:37+0000")
MP3 = {"listeners": 1, "server_type": "audio/mpeg", "stream_start_iso8601": "x"}


def of(name: str = "/a", now: float = START + 100, **fields: Any) -> Measurement:
    return measured(name, fields, SERVER, now)


def declared(**fields: Any) -> tuple[int | None, int | None]:
    """Audio and video, kbit/s."""
    found = of(**{**MP3, **fields})
    return found.stream_info_audiodatarate, found.stream_info_videodatarate


def codecs(name: str = "/a", **fields: Any) -> tuple[str | None, str | None]:
    found = of(name, **{"stream_start": "x", **fields})
    return found.video_codec, found.audio_codec


class MeasuredTests(unittest.TestCase):
    """The fields."""

    def test_everything_of_an_ogg_stream(self) -> None:
        self.assertEqual(
            measured("/a.ogg", OGG, SERVER, START + 100),
            Measurement(
                upstream_bytes_received=600_000,
                total_bytes_sent=1_800_000,
                clients_connected=3,
                average_upstream_kbps=48.0,
                average_downstream_kbps=144.0,
                stream_info_audiodatarate=48,
                stream_info_audiosamplerate=44100,
                stream_info_stereo=0,
                uptime_seconds=100,
                audio_codec="Vorbis",
                pace=PACE,
                session=Session("2026-11-22T07:49:37+0000", "2026-11-22T07:50:08+0000"),
                sources=SOURCES,
            ),
        )

    def test_the_public_view_knows_no_bytes(self) -> None:
        public = {key: value for key, value in OGG.items() if "bytes" not in key}
        found = measured("/a.ogg", public, SERVER, START + 100)
        self.assertIsNone(found.upstream_bytes_received)
        self.assertIsNone(found.total_bytes_sent)
        self.assertIsNone(found.average_upstream_kbps)
        self.assertEqual((found.presence, found.remarks), (Presence.LIVE, ()))

    def test_a_mount_without_a_source_is_absent(self) -> None:
        fallen_back = {
            "listeners": "2",
            "listenurl": IDLE["listenurl"],
            "max_listeners": "unlimited",
        }
        for fields in (IDLE, fallen_back):
            found = measured("/idle.mp3", fields, SERVER, START)
            self.assertEqual((found.presence, found.remarks), (Presence.ABSENT, (IDLE_WORDS,)))
            self.assertEqual(found.session, SERVER)

    def test_a_relay_has_no_user_agent_and_is_a_stream(self) -> None:
        relay = {key: value for key, value in OGG.items() if key not in ("user_agent", "source_ip")}
        self.assertEqual(measured("/r", relay, SERVER, START).presence, Presence.LIVE)

    def test_no_mean_before_the_bytes_can_be_believed(self) -> None:
        young = measured("/a.ogg", OGG, SERVER, START + 29)
        self.assertEqual((young.uptime_seconds, young.average_upstream_kbps), (29, None))

    def test_uptime(self) -> None:
        iso, mail = "2026-11-22T08:50:08+0100", "Sun, 22 Nov 2026 07:50:08 +0000"
        self.assertEqual(of(stream_start_iso8601=iso).uptime_seconds, 100)
        self.assertEqual(of(stream_start=mail).uptime_seconds, 100)
        self.assertEqual(of(connected="77").uptime_seconds, 77)
        self.assertEqual(of(stream_start_iso8601=iso, now=START - 1).uptime_seconds, 0)
        self.assertIsNone(of(stream_start_iso8601=iso, now=START - 60).uptime_seconds)
        self.assertIsNone(of(stream_start="24/Jun/2024:13:34:44 +0200").uptime_seconds)

    def test_a_start_in_any_form_tells_a_new_publisher(self) -> None:
        odd = "24/Jun/2024:13:34:44 +0200"
        self.assertEqual(of(stream_start=odd).session.publisher, odd)

    def test_http_time(self) -> None:
        self.assertEqual(http_time("Sun, 22 Nov 2026 07:50:08 GMT"), START)
        for wrong in (
            None,
            "",
            "yesterday",
            "Sun, 99 Nov 2026 07:50:08 GMT",
            "1 Jan 1 0:0:0 +9999",
        ):
            self.assertIsNone(http_time(wrong), wrong)


class DeclaredTests(unittest.TestCase):
    """Rates, sample rates, channels: in three units, and not always numbers."""

    def test_units(self) -> None:
        for fields, kbps in (
            ({"audio_bitrate": 48000}, 48),
            ({"audio_bitrate": "127999", "ice-bitrate": "64"}, 128),
            ({"bitrate": 128}, 128),
            ({"ice-bitrate": "64"}, 64),
            ({"audio_info": "ice-samplerate=44100;ice-bitrate=96;ice-channels=1"}, 96),
            ({"audio_info": "channels=2;samplerate=44100;bitrate=256"}, 256),
            ({"bitrate": "Quality 5", "ice-bitrate": "80"}, 80),
            ({"bitrate": "128000"}, 128),
            ({"bitrate": 9216}, 9216),
        ):
            with self.subTest(fields):
                self.assertEqual(declared(**fields), (kbps, None))

    def test_what_cannot_be_is_unknown_and_never_0(self) -> None:
        for fields in (
            {"audio_bitrate": 0}, {"audio_bitrate": -1}, {"audio_bitrate": 48},
            {"audio_bitrate": 1e300}, {"bitrate": 0}, {"bitrate": 1e300}, {"bitrate": True},
            {"bitrate": "nan"}, {"bitrate": "0.2"}, {"bitrate": [128]}, {"ice-bitrate": "64,128"},
            {"audio_info": "bitrate="}, {"audio_info": ";;=;bitrate"}, {"audio_info": 5},
        ):  # fmt: skip
            with self.subTest(fields):
                self.assertEqual(declared(**fields), (None, None))

    def test_video(self) -> None:
        theora = {"subtype": "Vorbis/Theora", "ice-bitrate": 80}
        both = {"audio_bitrate": 80000, "video_bitrate": 100000}
        self.assertEqual(declared(**theora, **both), (80, 100))
        self.assertEqual(declared(**theora), (None, 80))
        self.assertEqual(declared(server_type="video/webm", bitrate=900), (None, 900))
        found = of(stream_start="x", frame_rate="29.97", frame_size="1280 x 720")
        size = (found.stream_info_width, found.stream_info_height)
        self.assertEqual((size, found.stream_info_framerate), ((1280, 720), 30))
        odd = of(stream_start="x", frame_rate="0", frame_size="0 x 720")
        self.assertEqual((odd.stream_info_width, odd.stream_info_framerate), (None, None))

    def test_sound(self) -> None:
        for fields, rate, stereo in (
            ({"audio_samplerate": 48000, "audio_channels": 2}, 48000, 1),
            ({"ice-samplerate": "44100", "ice-channels": "1"}, 44100, 0),
            ({"samplerate": 22050, "channels": 6}, 22050, 1),
            ({"audio_info": "channels=2;samplerate=32000"}, 32000, 1),
            ({"audio_samplerate": "x", "audio_channels": 0}, None, None),
        ):
            with self.subTest(fields):
                found = of(stream_start="x", **fields)
                told = (found.stream_info_audiosamplerate, found.stream_info_stereo)
                self.assertEqual(told, (rate, stereo))

    def test_codecs(self) -> None:
        for fields, video, audio in (
            ({"server_type": "audio/mpeg"}, None, "MP3"),
            ({"server_type": "Audio/MPEG; x=y"}, None, "MP3"),
            ({"content-type": "audio/mpeg"}, None, "MP3"),
            ({"server_type": "audio/aacp"}, None, "AAC"),
            ({"server_type": "audio/aac"}, None, "AAC"),
            ({"server_type": "audio/flac"}, None, "FLAC"),
            ({"server_type": "application/ogg", "subtype": "Vorbis"}, None, "Vorbis"),
            ({"server_type": "application/ogg", "subtype": "Opus"}, None, "Opus"),
            ({"server_type": "application/ogg", "subtype": "Vorbis/Theora"}, "Theora", "Vorbis"),
            ({"server_type": "application/ogg", "FLAC_version": "1.0"}, None, "FLAC"),
            ({"server_type": "application/ogg"}, None, None),
            ({"server_type": "video/webm"}, None, None),
            ({"audio_codecid": "10"}, None, "AAC"),
            ({"server_type": 5, "subtype": ["Opus"]}, None, None),
        ):
            with self.subTest(fields):
                self.assertEqual(codecs(**fields), (video, audio))

    def test_the_name_tells_the_codec_where_nothing_else_does(self) -> None:
        self.assertEqual(codecs("/x.mp3"), (None, "MP3"))
        self.assertEqual(codecs("/x.opus", server_type="application/ogg"), (None, "Opus"))
        self.assertEqual(codecs("/x.mp3", server_type="audio/aac"), (None, "AAC"))
        self.assertEqual(codecs("/mp3", server_type="video/webm"), (None, None))
        self.assertEqual(of("/x.mp3", stream_start="x").stream_info_audiocodecid, 2)


FIELDS = st.sampled_from(
    (*OGG, "bitrate", "audio_info", "frame_size", "frame_rate", "connected", "stream_start",
     "audio_codecid", "content-type", "FLAC_version", "video_bitrate", "channels")
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(("2026-11-22T07:50:08+0000", "0001-01-01", "Sun, 22 Nov 1 07:50:08 -0000",
                       "audio/mpeg", "1e999", "a/b/c", "99999 x 99999", "bitrate=1e400")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


class AnythingTests(unittest.TestCase):
    """Whatever stands in the fields, there is a measurement without nonsense in it."""

    @given(st.dictionaries(FIELDS, VALUES), st.text())
    def test_any_values(self, fields: dict[str, Any], name: str) -> None:
        found = measured(name, fields, SERVER, START)
        for rate in (found.stream_info_audiodatarate, found.stream_info_videodatarate):
            self.assertTrue(rate is None or 0 < rate < 2**31)
        self.assertTrue(found.uptime_seconds is None or found.uptime_seconds >= 0)
        self.assertEqual(found.remarks, () if found.presence is Presence.LIVE else (IDLE_WORDS,))

    @given(st.text(max_size=40))
    def test_any_time(self, text: str) -> None:
        http_time(text)
