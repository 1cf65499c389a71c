"""Playlists as a kind of media server: what is listed, what is asked, and what it comes to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from tests.servers.hls_web import HD, HOST, SD, URL, Case
from tests.servers.manifests import MIDNIGHT, mpd, period, running, track
from tests.servers.playlists import MASTER, NOON, media
from tvmon.errors import BadAnswer, NoAnswer
from tvmon.servers.hls_known import KEEP_GONE_SECONDS
from tvmon.streams import Presence, Stream


class ListingTests(Case):
    """Which streams there are."""

    def test_a_master_playlist_is_its_renditions(self) -> None:
        streams = self.listed().streams
        self.assertEqual(
            [stream.key for stream in streams], ["news/720p", "news/360p", "news/audio-English"]
        )
        self.assertEqual(streams[0].unify_name, "cdn/news/720p")
        self.assertEqual(streams[0].sample_interface, f"{URL}#720p")

    def test_any_other_is_one_stream(self) -> None:
        for body in (media(0), mpd(period(running(9))), b"<html>", 404, NoAnswer("no", "dns")):
            self.web.answers[URL], self.talk = body, self.begin(URL)
            self.assertEqual(self.keys(), ["news"], body)

    def test_one_that_is_understood_is_not_asked_for_again(self) -> None:
        self.web.answers[URL] = media(0)
        self.listed()
        self.assertEqual(self.web.urls, [URL])
        self.assertEqual((self.keys(), self.web.urls), (["news"], []))

    def test_a_master_playlist_that_is_lost_keeps_its_streams(self) -> None:
        before = self.keys()
        for body in (404, b"", NoAnswer("no", "timeout")):
            self.web.answers[URL] = body
            self.assertEqual(self.keys(), before)
        told = self.sample("news/720p")
        self.assertEqual(told.remarks, ("its master playlist: no",))
        self.web.answers[URL] = MASTER
        self.listed()
        self.assertEqual(self.sample("news/720p").remarks, ())

    def test_a_rendition_that_is_named_no_more_stays_as_bad(self) -> None:
        self.keys()
        self.web.answers[URL] = MASTER.replace(b"640x360", b"426x240")
        names = ["news/720p", "news/240p", "news/audio-English"]
        self.assertEqual(self.keys(), [*names, "news/360p"])
        gone = self.sample("news/360p")
        self.assertEqual(gone.presence, Presence.ABSENT)
        self.assertEqual(gone.remarks, ("the master playlist names this rendition no more",))
        self.web.at += KEEP_GONE_SECONDS
        self.assertEqual(self.keys(), names)

    def test_one_that_hangs_comes_last_and_is_not_held_against_the_others(self) -> None:
        self.talk = self.begin(f"{HOST}/hangs", URL)
        self.web.answers[f"{HOST}/hangs"] = NoAnswer("no answer within 10 s", "timeout")
        self.assertEqual(self.keys(), ["news", "c1"])
        self.assertEqual(self.web.urls, [f"{HOST}/hangs"])
        self.assertEqual(self.keys(), ["news", "c1/720p", "c1/360p", "c1/audio-English"])
        self.assertEqual(self.web.urls, [URL, f"{HOST}/hangs"])
        self.assertEqual(self.sample("c1/720p").remarks, ())

    def test_what_is_left_out_is_said(self) -> None:
        self.web.answers[URL] = MASTER.replace(b"video/360", b"ftp://x/360")
        listing = self.listed()
        words = '"news": rendition 2 is left out: its URL cannot be asked'
        self.assertEqual(listing.skipped, (words,))

    def test_what_was_remembered_of_streams_that_are_gone_is_forgotten(self) -> None:
        self.listed()
        self.sample("news/360p")
        self.web.answers[URL] = MASTER.replace(b"640x360", b"426x240")
        self.listed()
        self.web.at += KEEP_GONE_SECONDS
        self.listed()
        self.assertEqual((self.talk._checks, self.talk._edges), ({}, {}))


class SampleTests(Case):
    """What is said of one stream."""

    def test_a_rendition(self) -> None:
        self.listed()
        first = self.sample("news/720p")
        self.web.at, self.web.answers[HD] = 104.0, media(1)
        second = self.sample("news/720p")
        self.assertEqual((first.media_received_ms, second.media_received_ms), (0, 4000))
        self.assertEqual(second.stream_info_videodatarate, 2500)
        self.assertEqual((second.stream_info_width, second.video_codec), (1280, "H264"))
        self.assertEqual(second.pace, (6.0, 12.0, 12.0))
        self.assertEqual(second.session, first.session)
        self.assertIsNone(second.upstream_bytes_received)
        self.assertIn("video_codec", second.sources.declared)

    def test_one_before_the_first_listing(self) -> None:
        self.assertEqual(self.sample("news/720p").media_received_ms, 0)
        self.assertEqual(self.web.urls, [URL, HD])

    def test_urls_that_are_no_longer_good_are_read_anew(self) -> None:
        self.listed()
        self.web.answers[URL] = MASTER.replace(b"tok=1", b"tok=2")
        self.web.answers |= {HD: 403, HD.replace("tok=1", "tok=2"): media(0)}
        self.web.at += 20
        self.web.asked.clear()
        self.assertEqual(self.sample("news/720p").remarks, ())
        self.assertEqual(self.web.urls, [HD, URL, HD.replace("tok=1", "tok=2")])

    def test_a_rendition_that_is_not_there(self) -> None:
        self.listed()
        self.web.answers[HD] = 404
        self.web.at += 20
        self.assertEqual(self.refused("news/720p"), "HTTP 404 Not Found")
        self.web.asked.clear()
        self.refused("news/720p")
        self.assertEqual(self.web.urls, [HD], "the master playlist is not read each time")

    def test_one_that_lags_behind(self) -> None:
        self.listed()
        self.web.answers |= {HD: media(0, dates=[NOON + 88]), SD: media(0, dates=[NOON + 79])}
        self.web.at = 101.0
        self.assertEqual(self.sample("news/720p").live_delay_ms, 1000)
        self.assertEqual(self.sample("news/360p").remarks, ("9.0 s behind another rendition",))
        self.assertEqual(self.sample("news/720p").remarks, ())

    def test_a_media_playlist(self) -> None:
        self.web.answers[URL] = media(0, dates=[NOON + 85])
        found = self.sample()
        self.assertEqual((found.live_delay_ms, found.media_received_ms), (3000, 0))

    def test_the_date_of_the_answer_is_the_clock_where_ours_is_wrong(self) -> None:
        self.web.answers[URL] = media(0, dates=[NOON])
        self.web.headers = {"date": "Fri, 02 Jan 2026 12:00:18 GMT"}
        self.assertEqual(self.sample().live_delay_ms, 6000)
        self.web.headers = {"date": "Fri, 02 Jan 2026 12:00:16 GMT", "age": "2"}
        self.assertEqual(self.sample().live_delay_ms, 6000)
        self.web.at = 118.4
        self.web.headers = {"date": "Fri, 02 Jan 2026 12:01:58 GMT"}
        self.assertEqual(self.sample().live_delay_ms, 106_400)

    def test_a_channel_that_has_ended(self) -> None:
        self.web.answers[URL] = media(0, tail="#EXT-X-ENDLIST")
        found = self.sample()
        self.assertEqual(found.presence, Presence.ABSENT)
        self.assertEqual(found.remarks, ("ended: the playlist holds EXT-X-ENDLIST",))

    def test_a_master_playlist_where_none_was_known(self) -> None:
        self.assertIn("its renditions: 720p, 360p, audio-English", self.refused(outcome="body"))
        self.assertEqual(len(self.keys()), 3)

    def test_relative_urls_begin_where_a_redirect_led(self) -> None:
        self.web.redirected = "https://edge7.example/x/master.m3u8"
        self.listed()
        self.web.answers["https://edge7.example/x/video/720.m3u8?tok=1"] = media(0)
        self.assertEqual(self.sample("news/720p").remarks, ())

    def test_a_manifest(self) -> None:
        self.web.answers[URL] = mpd(period(running(43_290)))
        self.web.at = 92.0
        found = self.sample()
        self.assertEqual((found.live_delay_ms, found.pace), (2000, (6.0, 12.0, 12.0)))
        self.assertEqual(found.stream_info_videodatarate, 2500)

    def test_segments_that_are_numbered_are_asked_for_by_head(self) -> None:
        segments = period(track(template='duration="360000"'))
        self.web.answers[URL] = mpd(segments, begin=MIDNIGHT, update=None)
        newest, before = (f"{HOST}/live/video-{n}.m4s" for n in (10825, 10824))
        self.web.answers[f"HEAD {before}"] = b""
        found = self.sample()
        self.assertEqual((found.remarks, found.live_delay_ms), ((), 4000))
        self.assertEqual(
            [(r.method, r.url) for r in self.web.asked[1:]], [("HEAD", newest), ("HEAD", before)]
        )
        self.web.answers[f"HEAD {newest}"] = 405
        self.web.answers[f"GET {newest}"] = NoAnswer("too large", "size")
        self.assertEqual(self.sample().live_delay_ms, 0)
        self.assertIn(("Range", "bytes=0-0"), self.web.asked[-1].headers)
        self.web.answers[f"GET {newest}"] = 206
        self.assertEqual(self.sample().live_delay_ms, 0)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_sample_or_a_reason(self, body: bytes) -> None:
        for start in (b"", b"#EXTM3U\n", b"<MPD>"):
            self.web.answers[HD] = self.web.answers[URL] = start + body
            for key in ("news", "news/720p"):
                stream = Stream.of("cdn", key, None, key, "")
                asked = Deferred.fromCoroutine(self.begin(URL).sample(stream, self.web))
                found: list[object] = []
                asked.addBoth(found.append)
                failure = getattr(found[0], "value", None)
                self.assertTrue(failure is None or isinstance(failure, BadAnswer), failure)
