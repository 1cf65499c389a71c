"""The statistics page in each of its shapes."""

from __future__ import annotations

import json
from unittest import TestCase

from tests.servers.nginx_pages import (
    FLV_STREAM,
    META,
    application,
    client,
    flv_document,
    page,
    servers_page,
    stream,
    survey_of,
)
from tvmon.servers.nginx_rtmp_stat import parse_stat, pid_of
from tvmon.streams import Measurement, Presence


def measured(body: bytes, key: str = "live/cam1") -> Measurement:
    return survey_of(body)[0].seen[key].measured


class StreamTests(TestCase):
    """The XML of nginx-rtmp-module."""

    def test_every_field(self) -> None:
        found = measured(page(stream(received=1_500_000, players=3)))
        self.assertEqual(found.upstream_bytes_received, 1_500_000)
        self.assertEqual(found.total_bytes_sent, 500_000)
        self.assertEqual(found.clients_connected, 3)
        self.assertEqual(found.average_upstream_kbps, 200.0)
        self.assertEqual(found.average_downstream_kbps, 66.667)
        self.assertEqual(found.uptime_seconds, 60)
        self.assertEqual((found.video_codec, found.audio_codec), ("H264", "AAC"))
        self.assertEqual((found.stream_info_videocodecid, found.stream_info_audiocodecid), (7, 10))
        self.assertEqual((found.stream_info_width, found.stream_info_height), (1280, 720))
        self.assertEqual(found.stream_info_framerate, 25)
        self.assertEqual(found.stream_info_audiosamplerate, 48000)
        self.assertEqual(found.stream_info_stereo, 1)
        self.assertEqual(found.live_delay_ms, 0)
        self.assertIsNone(found.declared_kbps)
        self.assertIsNone(found.media_received_ms)
        self.assertIsNone(found.total_clients_served)

    def test_what_was_not_declared_is_unknown(self) -> None:
        meta = (
            "<meta><video><width>0</width><height>0</height><frame_rate>0</frame_rate></video>"
            "<audio></audio></meta>"
        )
        found = measured(page(stream(meta=meta)))
        self.assertIsNone(found.stream_info_width)
        self.assertIsNone(found.stream_info_height)
        self.assertIsNone(found.stream_info_framerate)
        self.assertIsNone(found.stream_info_stereo)
        self.assertIsNone(found.video_codec)

    def test_no_media_yet(self) -> None:
        for timestamp in ("0", ""):
            publisher = client(publishing=True, timestamp=timestamp)
            self.assertIsNone(measured(page(stream(publisher=publisher))).live_delay_ms)

    def test_a_time_of_media_with_a_sign(self) -> None:
        publisher = client(publishing=True, timestamp=-2_147_483_000)
        self.assertEqual(measured(page(stream(publisher=publisher))).live_delay_ms, 0)

    def test_uptime_begins_with_the_publisher(self) -> None:
        publisher = client(publishing=True, time=4999)
        self.assertEqual(measured(page(stream(publisher=publisher))).uptime_seconds, 4)

    def test_no_list_of_clients(self) -> None:
        body = page(stream(players=2)).decode()
        start, end = body.index("<client>"), body.rindex("</client>") + len("</client>")
        found = measured((body[:start] + body[end:]).encode())
        self.assertIs(found.presence, Presence.LIVE)
        self.assertEqual(found.clients_connected, 2)
        self.assertIsNone(found.session.publisher)

    def test_known_shapes_drift_not(self) -> None:
        _, drift = survey_of(page(stream(players=1), stream("cam2", publishing=False)))
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))

    def test_unknown_and_missing_fields_are_noted(self) -> None:
        body = page(stream(more="<gop>3</gop>")).replace(b"bytes_in", b"bytes_received")
        _, drift = survey_of(body)
        self.assertIn("stream.gop", drift.unknown)
        self.assertIn("stream.bytes_received", drift.unknown)
        self.assertIn("stream.bytes_in", drift.missing)

    def test_on_demand_playback_is_no_stream(self) -> None:
        played = (
            "<application><name>vod</name><play><stream><name>film</name><client><id>1</id>"
            "</client><active/><nclients>1</nclients></stream></play></application>"
        )
        self.assertEqual(survey_of(servers_page(played))[0].seen, {})

    def test_the_fork_tells_more(self) -> None:
        meta = META.replace("</video>", "<data_rate>2500</data_rate>"
                            "<keyframe_frequency>2</keyframe_frequency></video>")  # fmt: skip
        meta = meta.replace("</audio>", "<data_rate>128</data_rate></audio>").replace(
            "<frame_rate>25", "<frame_rate>29.970"
        )
        publisher = client(
            publishing=True, port=50000, bytes_in=5, bytes_out=6, more="<recording/>"
        )
        more = "<bw_data>0</bw_data>"
        survey, drift = survey_of(page(stream(meta=meta, publisher=publisher, more=more)))
        found = survey.seen["live/cam1"].measured
        self.assertEqual(found.declared_kbps, 2628)
        self.assertEqual(found.stream_info_framerate, 30)
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))


class NameTests(TestCase):
    """What streams are called."""

    def keys(self, *names: str) -> tuple[list[str], tuple[str, ...]]:
        survey, _ = survey_of(page(*[stream(name) for name in names]))
        return list(survey.seen), survey.skipped

    def test_odd_ones(self) -> None:
        keys, skipped = self.keys('a&b<c>"x', "cam 1", "a/b")
        self.assertEqual(keys, ['live/a&b<c>"x', "live/cam 1", "live/a/b"])
        self.assertEqual(skipped, ())

    def test_letters_beyond_ascii_come_as_blanks_and_may_be_the_same(self) -> None:
        keys, skipped = self.keys("      1", "      2", "      2")
        self.assertEqual(keys, ["live/      1", "live/      2"])
        self.assertEqual(
            skipped, ('a stream of "live" is left out: another one has the same name',)
        )

    def test_letters_beyond_ascii_that_a_server_does_send(self) -> None:
        self.assertEqual(self.keys("Übertragung")[0], ["live/Übertragung"])

    def test_a_token_is_cut_off(self) -> None:
        keys, _ = self.keys("cam1?token=hush")
        self.assertEqual(keys, ["live/cam1"])

    def test_those_that_cannot_be_used_cost_only_themselves(self) -> None:
        keys, skipped = self.keys("", "?token=hush", "x" * 600, "cam1")
        self.assertEqual(keys, ["live/cam1"])
        self.assertEqual(len(skipped), 3)
        self.assertEqual(skipped[0], 'a stream of "live" is left out: it has no name')
        self.assertIn("longer than 500 characters", skipped[2])
        self.assertNotIn("hush", " ".join(skipped))

    def test_secret_ones_are_hidden(self) -> None:
        survey, _ = survey_of(page(stream("sk_live_9f8e7d")), secret_names=True)
        (key,) = survey.seen
        self.assertTrue(key.startswith("live/sk_~"), key)
        self.assertNotIn("9f8e7d", repr(survey))

    def test_the_same_application_in_two_servers(self) -> None:
        body = servers_page(
            application(stream()) + application(stream(), name="own"), application(stream("cam2"))
        )
        self.assertEqual(
            list(survey_of(body)[0].seen), ["server1/live/cam1", "own/cam1", "server2/live/cam2"]
        )

    def test_told_apart_by_their_ports(self) -> None:
        body = servers_page(
            "<port>1935</port><server_index>0</server_index>" + application(stream()),
            "<port>1936</port><server_index>1</server_index>" + application(stream()),
            root="http-flv",
        )
        self.assertEqual(list(survey_of(body)[0].seen), ["1935/live/cam1", "1936/live/cam1"])


class HttpFlvTests(TestCase):
    """nginx-http-flv-module."""

    def check(self, body: bytes) -> None:
        survey, drift = survey_of(body)
        found = survey.seen["live/a&b"].measured
        self.assertEqual(found.upstream_bytes_received, 29180000)
        self.assertEqual(found.clients_connected, 1)
        self.assertEqual(found.stream_info_framerate, 30)
        self.assertEqual(found.stream_info_stereo, 0)
        self.assertEqual(found.uptime_seconds, 93)
        self.assertEqual(found.session, ("17", "17/4"))
        self.assertEqual(found.live_delay_ms, 0)
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))
        self.assertEqual(pid_of(body), "17")

    def test_json(self) -> None:
        document = flv_document(FLV_STREAM)
        self.check(json.dumps(document).encode())
        self.assertEqual(
            parse_stat(json.dumps(document).encode()).software,
            "nginx-http-flv-module 1.2.9 in nginx 1.20.1",
        )

    def test_its_first_json(self) -> None:
        head = flv_document(FLV_STREAM)["http-flv"]
        head["nginx_rtmp_version"] = head.pop("nginx_http_flv_version")
        head["servers"] = [server["applications"] for server in head["servers"]]
        for made in head["servers"][0][0]["live"]["streams"]:
            made["meta"] = json.loads(json.dumps(made["meta"]))
            made["meta"]["audio"]["channels"] = "1"
        self.check(json.dumps({"rtmp": head}).encode())

    def test_json_as_it_is_with_interleaved_sound_and_a_backslash(self) -> None:
        waiting = {**FLV_STREAM, "name": "w\x00x", "clients": [], "publishing": False}
        body = json.dumps(flv_document(FLV_STREAM, waiting), separators=(",", ":"))
        body = body.replace('"avsync":3', '"avsync":').replace("w\\u0000x", "w\\x")
        survey, _ = survey_of(body.encode())
        self.assertEqual(list(survey.seen), ["live/a&b", "live/w\\x"])
        self.assertIs(survey.seen["live/w\\x"].measured.presence, Presence.ABSENT)

    def test_xml(self) -> None:
        body = servers_page(
            "<port>1935</port><server_index>0</server_index>"
            + application(stream(more="<records>\r\n</records>")),
            root="http-flv",
        ).replace(b"nginx_rtmp_version", b"nginx_http_flv_version")
        survey, drift = survey_of(body)
        self.assertEqual(list(survey.seen), ["live/cam1"])
        self.assertEqual((drift.unknown, drift.missing), ({}, {}))
