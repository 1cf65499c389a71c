"""HLS playlists: what is read of them, and what is refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.playlists import MASTER, NOON, date_time, media
from tvmon.errors import BadAnswer
from tvmon.servers.hls_playlist import MasterPlaylist, MediaPlaylist, Segment, parse_playlist

LINES = st.sampled_from([
    "#EXTM3U", "#EXTINF:4,", "#EXTINF:", "#EXTINF:nan,", "#EXTINF:1e400,", "#EXTINF:-1,x",
    "#EXT-X-TARGETDURATION:4", "#EXT-X-TARGETDURATION:4.0", "#EXT-X-TARGETDURATION:inf",
    "#EXT-X-MEDIA-SEQUENCE:7", "#EXT-X-MEDIA-SEQUENCE:-7", "#EXT-X-MEDIA-SEQUENCE:" + "9" * 5000,
    "#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:05Z", "#EXT-X-PROGRAM-DATE-TIME:0001-01-01",
    "#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59-12:00", "#EXT-X-PROGRAM-DATE-TIME:x",
    "#EXT-X-DISCONTINUITY-SEQUENCE:3", "#EXT-X-DISCONTINUITY", "#EXT-X-ENDLIST", "#EXT-X-GAP",
    "#EXT-X-BYTERANGE:10@0", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3", "#EXT-X-VERSION:x",
    "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1x2", "#EXT-X-STREAM-INF:RESOLUTION=x,BANDWIDTH=x",
    "#EXT-X-STREAM-INF", '#EXT-X-MEDIA:TYPE=AUDIO,URI="x"', "#EXT-X-MEDIA:URI", "#EXT-X-MEDIA",
    '#EXT-X-KEY:METHOD="', "#EXT-X-DATERANGE:DURATION=x", "#EXT-X-CUE-OUT:x", "#EXT-X-PART:x",
    "a.ts", "http://[x/a.ts", "//", "",
])  # fmt: skip


def read(body: bytes) -> MediaPlaylist:
    found = parse_playlist(body)
    assert isinstance(found, MediaPlaylist)
    return found


class MediaTests(SynchronousTestCase):
    """Lists of segments."""

    def refused(self, body: bytes) -> str:
        trouble = self.assertRaises(BadAnswer, parse_playlist, body)
        self.assertEqual(trouble.outcome, "body")
        return trouble.reason

    def test_what_is_read(self) -> None:
        body = media(120, 2, dates=[NOON], query="?token=geheim", tail="#EXT-X-ENDLIST")
        found = read(body)
        segments = Segment("s120.ts@", 4.0, NOON), Segment("s121.ts@", 4.0)
        self.assertEqual(found, MediaPlaylist(4.0, 120, segments, 0, 3, is_ended=True))
        self.assertEqual((found.newest, found.seconds), (121, 8.0))

    def test_dates_are_read_as_servers_write_them(self) -> None:
        for text in (
            "2026-01-02T12:00:00Z",
            "2026-01-02T12:00:00.000+0000",
            "2026-01-02T13:00:00.000+01:00",
            "2026-01-02T12:00:00",
        ):
            line = f"#EXT-X-PROGRAM-DATE-TIME:{text}"
            self.assertEqual(read(media(1, 1, head=line)).segments[0].date_time, NOON, text)

    def test_a_playlist_without_segments(self) -> None:
        self.assertEqual(read(media(0, 0)).newest, -1)

    def test_a_target_duration_with_a_fraction(self) -> None:
        self.assertEqual(read(media(0, target=4.5)).target_seconds, 4.5)

    def test_tags_that_are_not_needed_cost_nothing_however_wrong_they_are(self) -> None:
        for line in (
            '#EXT-X-KEY:METHOD="',
            "#EXT-X-DATERANGE:DURATION=x",
            "#EXT-X-PART:DURATION=x",
            "#EXT-OATCLS-SCTE35:",
            "#EXT-X-START:TIME-OFFSET=",
            "# a comment",
        ):
            self.assertEqual(len(read(media(1, head=line)).segments), 3, line)

    def test_parts_of_segments_count_for_nothing(self) -> None:
        parts = '#EXT-X-PART:DURATION=1.0,URI="p1.mp4"\n#EXT-X-PART:DURATION=1.0,URI="p2.mp4"'
        found = read(media(1, 2, dates=[NOON], tail=parts))
        self.assertEqual(found.newest, 2)
        self.assertEqual(found.segments[1].date_time, None)

    def test_byte_ranges_of_one_file_are_segments_of_their_own(self) -> None:
        body = media(1, 0) + b"\n".join([
            b"#EXTINF:4,", b"#EXT-X-BYTERANGE:10@0", b"a.ts",
            b"#EXTINF:4,", b"#EXT-X-BYTERANGE:10@10", b"a.ts",
        ])  # fmt: skip
        first, second = read(body).segments
        self.assertNotEqual(first.identity, second.identity)

    def test_of_hours_the_end_is_read(self) -> None:
        ffmpeg = [f"#EXT-X-PROGRAM-DATE-TIME:{date_time(NOON + 4 * n)}" for n in range(1000)]
        within = media(7, 0) + b"".join(
            f"#EXTINF:4.0,\n{date}\ns{7 + n}.ts\n".encode() for n, date in enumerate(ffmpeg)
        )
        everywhere = media(7, 1000, dates=[NOON + 4 * n for n in range(1000)])
        once, never = media(7, 1000, dates=[NOON]), media(7, 1000, tail="#EXT-X-ENDLIST")
        for body in (within, everywhere, once):
            found = read(body)
            self.assertEqual((found.sequence, found.newest), (907, 1006))
            self.assertEqual(found.segments[0].identity, "s907.ts@")
            self.assertEqual(found.segments[0].date_time, NOON + 3600)
            self.assertFalse(found.is_ended)
        found = read(never)
        self.assertEqual((found.newest, found.segments[0].date_time), (1006, None))
        self.assertTrue(found.is_ended)
        early = once.replace(b"#EXTINF", b"#EXT-X-ENDLIST\n#EXTINF", 1)
        self.assertTrue(read(early).is_ended)
        early = once.replace(b"s8.ts\n", b"s8.ts\n#EXT-X-ENDLIST\n")
        self.assertTrue(read(early).is_ended)

    @given(st.integers(60, 160), st.sets(st.integers(0, 159)), st.booleans())
    def test_what_is_left_out_changes_nothing(
        self, count: int, dated: set[int], is_behind: bool
    ) -> None:
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:7"]
        for n in range(count):
            date = [f"#EXT-X-PROGRAM-DATE-TIME:{date_time(NOON + 4 * n)}"] if n in dated else []
            extinf = ["#EXTINF:4.000,"]
            lines += [*extinf, *date] if is_behind else [*date, *extinf]
            lines.append(f"s{n}.ts")
        found = read("\n".join(lines).encode())
        self.assertEqual(found.newest, 7 + count - 1)
        first = count - len(found.segments)
        self.assertEqual(found.segments[0].identity, f"s{first}.ts@")
        known = [n for n in dated if n <= first]
        self.assertEqual(found.segments[0].date_time, NOON + 4 * first if known else None)

    def test_what_is_refused(self) -> None:
        for body, words in (
            (b"", "the answer is empty"),
            (b"<!DOCTYPE html><html>", "an HTML page instead of a playlist"),
            (b"hello", "does not begin with #EXTM3U"),
            (b"#EXTM3U\n\xff", "not UTF-8"),
            (b"#EXTM3U\n", "no EXT-X-TARGETDURATION"),
            (media(0, target=10**9), "EXT-X-TARGETDURATION is not"),
            (media(0).replace(b":0\n", b":x\n"), "a tag in it cannot be read"),
            (media(-5), "EXT-X-MEDIA-SEQUENCE"),
            (media(0, head="#EXT-X-SKIP:SKIPPED-SEGMENTS=3"), "EXT-X-SKIP"),
            (media(0, 1, seconds=5000), "EXTINF"),
            (media(0).replace(b"4.000", b"nan"), "EXTINF"),
        ):
            self.assertIn(words, self.refused(body), body)

    @given(st.binary() | st.binary().map(b"#EXTM3U\n".__add__))
    def test_any_bytes_are_a_playlist_or_a_reason(self, body: bytes) -> None:
        try:
            parse_playlist(body)
        except BadAnswer as trouble:
            self.assertTrue(trouble.reason)

    @given(st.lists(LINES | st.text(max_size=20), max_size=20))
    def test_any_lines_are_a_playlist_or_a_reason(self, lines: list[str]) -> None:
        body = "\n".join(["#EXTM3U", *lines]).encode("utf-8", "replace")
        try:
            parse_playlist(body)
        except BadAnswer as trouble:
            self.assertTrue(trouble.reason)


class MasterTests(SynchronousTestCase):
    """Lists of media playlists."""

    def test_what_is_read(self) -> None:
        found = parse_playlist(MASTER)
        assert isinstance(found, MasterPlaylist)
        first, second, sound = found.variants
        self.assertEqual(first.url, "video/720.m3u8?tok=1")
        self.assertEqual((first.width, first.height, first.frame_rate), (1280, 720, 30))
        self.assertEqual(first.bits_per_second, 2_500_000)
        self.assertEqual(first.codecs, ("avc1.64001f", "mp4a.40.2"))
        self.assertEqual(second.bits_per_second, 800_000)
        self.assertEqual((sound.kind, sound.name), ("audio", "English"))

    def test_sound_alone(self) -> None:
        body = b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.2"\na.m3u8\n'
        found = parse_playlist(body)
        assert isinstance(found, MasterPlaylist)
        self.assertEqual(found.variants[0].kind, "audio")

    def test_no_token_is_in_its_repr(self) -> None:
        self.assertNotIn("tok", repr(parse_playlist(MASTER)))

    def test_one_that_names_nothing_is_refused(self) -> None:
        body = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=64000\n"
        self.assertIn("names no", str(self.assertRaises(BadAnswer, parse_playlist, body)))
