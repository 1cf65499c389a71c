"""DASH manifests: what is read of them, and what is refused."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.manifests import MIDNIGHT, mpd, period, rows, running, timeline, track
from tvmon.errors import BadAnswer
from tvmon.servers.dash import Manifest, Timeline, parse_manifest
from tvmon.servers.dash_check import DashCheck
from tvmon.servers.live_edge import Moment

URL = "http://cdn.example/live/x.mpd?token=geheim"
VALUES = ["", "x", "-1", "0", "1", "9" * 30, "9" * 5000, "1e400", "nan", "PT0S", "P1Y", "PT-1S",
          "P" + "9" * 50 + "D", "P0001-01-01T00:00:00", "0001-01-01T00:00:00Z",
          "9999-12-31T23:59:59-12:00", "$Number%099d$", "$", "http://[x", "dynamic"]  # fmt: skip


def read(body: bytes) -> Manifest:
    return parse_manifest(body, URL)


def edge_of(*s: str, template: str = "") -> Timeline:
    main = read(mpd(period(track(inner=timeline(*s), template=template)))).main
    assert main is not None
    assert main.timeline is not None
    return main.timeline


class TimelineTests(SynchronousTestCase):
    """Where the live edge is."""

    def test_the_example(self) -> None:
        found = edge_of('t="3888000000" d="360000"')
        self.assertEqual(found.edge, MIDNIGHT + 43204)  # 12:00:04

    def test_repeats_and_offsets(self) -> None:
        found = edge_of('t="90000" d="180000" r="2"', 'd="90000"')
        self.assertEqual(
            (found.first, found.edge, found.longest, found.last, found.gaps),
            (MIDNIGHT + 1, MIDNIGHT + 8, 2.0, 1.0, ()),
        )
        found = edge_of('t="90000" d="180000"', template='presentationTimeOffset="90000"')
        self.assertEqual(found.edge, MIDNIGHT + 2)

    def test_the_start_of_the_period_counts(self) -> None:
        later = period(running(20), attributes='start="PT1H"')
        main = read(mpd(period(running(20), attributes='duration="PT20S"'), later)).main
        assert main is not None
        assert main.timeline is not None
        self.assertEqual(main.timeline.edge, MIDNIGHT + 3620)

    def test_a_period_begins_where_the_one_before_ends(self) -> None:
        first = period(running(20), attributes='start="PT0S" duration="PT20S"')
        found = read(mpd(first, period(running(4, 1), attributes="")))
        self.assertEqual([p.begin - MIDNIGHT for p in found.periods], [0.0, 20.0])

    def test_gaps_and_overlaps(self) -> None:
        found = edge_of('t="0" d="90000" r="1"', 't="270000" d="90000"', 't="270000" d="90000"')
        self.assertEqual(found.gaps, ((MIDNIGHT + 2, 1.0), (MIDNIGHT + 4, -1.0)))

    def test_a_repetition_ends_where_the_next_row_begins(self) -> None:
        found = edge_of('t="0" d="90000" r="-1"', 't="450000" d="90000"')
        self.assertEqual((found.edge, found.gaps), (MIDNIGHT + 6, ()))

    def test_a_huge_repetition_costs_nothing(self) -> None:
        self.assertEqual(edge_of(f't="0" d="90000" r="{10**15}"').last, 1.0)

    def test_a_period_that_is_announced_is_not_followed_yet(self) -> None:
        empty = period(track(inner="<SegmentTimeline/>"), attributes='start="PT9H"')
        main = read(mpd(period(running(20)), empty)).main
        assert main is not None
        assert main.timeline is not None
        self.assertEqual(main.timeline.edge, MIDNIGHT + 20)


class NumberTests(SynchronousTestCase):
    """Segments that are numbered, without a timeline."""

    def newest(self, template: str, seconds: float, inner: str = "") -> list[tuple[str, float]]:
        found = read(mpd(period(track(inner=inner, template=template)), update=None))
        segments = found.newest_segments(MIDNIGHT + seconds)
        return [(segment.url, segment.edge - MIDNIGHT) for segment in segments]

    def test_the_newest_are_reckoned(self) -> None:
        self.assertEqual(
            self.newest('duration="180000" startNumber="5"', 9.0),
            [
                ("http://cdn.example/live/video-8.m4s", 8.0),
                ("http://cdn.example/live/video-7.m4s", 6.0),
            ],
        )

    def test_there_is_none_before_the_start(self) -> None:
        self.assertEqual(self.newest('duration="180000"', 1.0), [])
        self.assertEqual(self.newest('duration="180000"', -99.0), [])

    def test_some_are_there_early(self) -> None:
        early = 'duration="180000" availabilityTimeOffset="1.5"'
        self.assertEqual(self.newest(early, 8.6)[0][1], 10.0)

    def test_a_timeline_that_is_open_at_its_end(self) -> None:
        inner = timeline('t="0" d="90000" r="3"', 't="360000" d="180000" r="-1"')
        self.assertEqual(
            self.newest("", 9.0, inner)[0], ("http://cdn.example/live/video-6.m4s", 8.0)
        )

    def test_names_are_filled_in(self) -> None:
        body = mpd(period(track(template='duration="180000"', id="v1"))).replace(
            b"video-$Number$.m4s", b"$RepresentationID$/$Bandwidth$/$$/$Number%05d$-$Time$.m4s"
        )
        body = body.replace(b"<Period", b"<BaseURL>http://media.example/a/</BaseURL><Period")
        found = read(body).newest_segments(MIDNIGHT + 9)
        self.assertEqual(found[0].url, "http://media.example/a/v1/2500000/$/00004-540000.m4s")

    def test_no_further_than_the_end_of_the_period(self) -> None:
        first = period(track(template='duration="180000"'), attributes='duration="PT10S"')
        second = period(track(template='duration="180000" media="b-$Number$"'), attributes="")
        body = mpd(first, second.replace(' media="video-$Number$.m4s"', ""), update=None)
        found = read(body).newest_segments(MIDNIGHT + 13)
        self.assertEqual([s.edge - MIDNIGHT for s in found], [12.0, 10.0])


class ManifestTests(SynchronousTestCase):
    """All the rest."""

    def test_what_it_declares(self) -> None:
        best = running(20, width="1280", height="720", frameRate="30000/1001", codecs="avc1.64001f")
        sound = track("audio", rows(20), bandwidth="96000", codecs="mp4a.40.2")
        fields = read(mpd(period(best, sound))).fields
        self.assertEqual(fields["stream_info_videodatarate"], 2500)
        self.assertEqual(fields["stream_info_audiodatarate"], 96)
        self.assertEqual((fields["stream_info_width"], fields["stream_info_height"]), (1280, 720))
        self.assertEqual(fields["stream_info_framerate"], 30)
        self.assertEqual((fields["video_codec"], fields["audio_codec"]), ("H264", "AAC"))

    def test_its_own_clock(self) -> None:
        direct = '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="{}"/>'
        clock = direct.format("2026-01-02T12:00:09Z")
        found = read(mpd(period(running(43204)), clock=clock))
        self.assertEqual(found.moment(Moment(1.0, 5.0)).now, MIDNIGHT + 43209)
        other = '<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="http://x/"/>'
        self.assertEqual(read(mpd(period(), clock=other)).moment(Moment(1.0, 5.0)).now, 5.0)

    def test_no_token_is_in_its_repr(self) -> None:
        body = mpd(period(track(template='duration="180000"')))
        self.assertNotIn("geheim", repr(read(body.replace(b".m4s", b".m4s?t=geheim"))))

    def test_what_is_refused(self) -> None:
        for body, words in (
            (b"<MPD", "XML is broken"),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><MPD/>', "DTD"),
            (b"<rss/>", "XML, but no DASH manifest"),
            (b'<MPD type="dynamic"/>', "no availabilityStartTime"),
            (mpd(period(track(inner=timeline('t="0"')))), "an S of"),
            (mpd(period(track(inner=timeline('t="0" d="1" r="x"')))), "an S of"),
            (mpd(period(track(template='startNumber="x"'))), "a SegmentTemplate"),
            (mpd(period(running(9))).replace(b'"90000"', b'"0"'), "a SegmentTemplate"),
        ):
            trouble = self.assertRaises(BadAnswer, read, body)
            self.assertIn(words, trouble.reason)
            self.assertEqual(trouble.outcome, "body")

    @given(st.binary() | st.binary().map(b"<MPD>".__add__))
    def test_any_bytes_are_a_manifest_or_a_reason(self, body: bytes) -> None:
        try:
            read(body)
        except BadAnswer as trouble:
            self.assertTrue(trouble.reason)

    @given(st.data())
    def test_whatever_its_attributes_say_there_is_a_look_or_a_reason(
        self, data: st.DataObject
    ) -> None:
        text = mpd(
            period(running(20, width="9", frameRate="25/1"), attributes='duration="PT9S"'),
            period(track("audio", rows(9)), track(template='duration="9"')),
            published=MIDNIGHT,
            clock='<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-02"/>',
        ).decode()
        places = list(re.finditer(r'(?<= )(\w+)="([^"]*)"', text.partition("?>")[2]))
        text = text.partition("?>")[2]
        for place in reversed(
            data.draw(st.lists(st.sampled_from(places), max_size=4, unique=True))
        ):
            value = data.draw(st.sampled_from(VALUES))
            text = text.replace(place[0], f'{place[1]}="{value}"', 1)
        check = DashCheck()
        for at in (1.0, 4.0):
            try:
                found = read(text.encode())
                moment = found.moment(Moment(at, MIDNIGHT + at))
                found.newest_segments(moment.now)
                self.assertTrue(all(check.look(found, moment, None).remarks))
            except BadAnswer as trouble:
                self.assertTrue(trouble.reason)
