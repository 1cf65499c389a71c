"""The renditions of a master playlist: names that stay, and whether they keep together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.playlists import MASTER
from tvmon.servers.hls_playlist import MasterPlaylist, Variant, parse_playlist
from tvmon.servers.hls_renditions import MOST_RENDITIONS, Edge, apart, renditions

BASE = "https://cdn.example/live/master.m3u8?token=geheim"
VARIANTS = st.builds(
    Variant,
    st.text(max_size=12),
    st.sampled_from(["audio", "video"]),
    st.none() | st.text(max_size=12),
    st.none() | st.integers(1, 2**62),
    st.none() | st.integers(1, 9999),
    st.none() | st.integers(1, 9999),
    st.none() | st.integers(1, 99),
    st.lists(st.text(max_size=9), max_size=3).map(tuple),
)


def names(*variants: Variant) -> list[str]:
    return list(renditions(MasterPlaylist(variants), BASE)[0])


def picture(url: str, height: int | None = 720, **more: object) -> Variant:
    return Variant(url, height=height, **more)  # type: ignore[arg-type]


class NameTests(SynchronousTestCase):
    """What they are called, and where they lead."""

    def test_those_of_a_master_playlist(self) -> None:
        master = parse_playlist(MASTER)
        assert isinstance(master, MasterPlaylist)
        found, skipped = renditions(master, BASE)
        self.assertEqual(list(found), ["720p", "360p", "audio-English"])
        self.assertEqual(skipped, ())
        best, second, _ = found.values()
        self.assertEqual(best.url, "https://cdn.example/live/video/720.m3u8?tok=1")
        self.assertNotIn("tok", repr(best))
        self.assertEqual(best.fields["stream_info_videodatarate"], 2500)
        self.assertEqual(best.fields["stream_info_framerate"], 30)
        self.assertEqual((best.fields["video_codec"], best.fields["audio_codec"]), ("H264", "AAC"))
        self.assertEqual(second.fields["video_codec"], "H265")

    def test_the_shortest_name_that_no_other_has(self) -> None:
        self.assertEqual(
            names(picture("a", frame_rate=25), picture("b", frame_rate=50)), ["720p25", "720p50"]
        )
        self.assertEqual(
            names(picture("a", codecs=("avc1",)), picture("b", codecs=("hvc1",))),
            ["720p-H264", "720p-H265"],
        )
        self.assertEqual(
            names(picture("a", bits_per_second=2_000_000), picture("b", bits_per_second=4_000_000)),
            ["720p-2000k", "720p-4000k"],
        )
        self.assertEqual(names(picture("a"), picture("b")), ["720p", "720p-2"])
        self.assertEqual(names(Variant("a", "audio"), picture("b", None)), ["audio", "video"])

    def test_one_media_playlist_is_one_stream(self) -> None:
        self.assertEqual(names(picture("a"), picture("a", bits_per_second=9)), ["720p"])

    def test_a_token_in_its_url_is_not_in_its_name(self) -> None:
        first, second = names(picture("a?t=1")), names(picture("a?t=2"))
        self.assertEqual(first, second)

    def test_what_cannot_be_asked_is_left_out(self) -> None:
        for url in ("ftp://x/y", "http://u:p@x/y", "http://[x/y", "data:,x", "x" * 3000):
            found, skipped = renditions(MasterPlaylist((picture(url),)), BASE)
            self.assertEqual(found, {}, url)
            self.assertEqual(skipped, ("rendition 1 is left out: its URL cannot be asked",))

    def test_more_than_there_can_be(self) -> None:
        many = MasterPlaylist(tuple(picture(str(n)) for n in range(MOST_RENDITIONS + 1)))
        found, skipped = renditions(many, BASE)
        self.assertEqual((len(found), len(skipped)), (MOST_RENDITIONS, 1))

    @given(st.lists(VARIANTS, max_size=8).map(tuple))
    def test_whatever_they_say_each_has_a_name_that_can_be_shown(
        self, variants: tuple[Variant, ...]
    ) -> None:
        found, skipped = renditions(MasterPlaylist(variants), BASE)
        self.assertLessEqual(len(found) + len(skipped), len(variants))
        for name in found:
            self.assertTrue(name)
            self.assertFalse(set(name) & set("/?#\n"), name)


class ApartTests(SynchronousTestCase):
    """Renditions that do not keep together."""

    def test_by_their_dates(self) -> None:
        mine = Edge(100.0, 14_100, 7, 4.0)
        near, old = Edge(98.0, 6000, 900, 4.0), Edge(60.0, 6000, 900, 4.0)
        self.assertEqual(apart(mine, [near], False)[0], "8.1 s behind another rendition")
        self.assertEqual(apart(mine, [old], False)[0], None)
        self.assertEqual(apart(near, [mine], False)[0], None)
        self.assertEqual(apart(mine, [near._replace(delay_ms=6200)], False)[0], None)

    def test_by_their_numbers_where_these_were_alike(self) -> None:
        mine, other = Edge(100.0, None, 7, 4.0), Edge(98.0, None, 10, 4.0)
        self.assertEqual(apart(mine, [other], False), (None, False))
        self.assertEqual(apart(mine, [other], True), ("3 segments behind another rendition", True))
        self.assertEqual(apart(mine, [other._replace(newest=9)], False), (None, True))
        self.assertEqual(apart(mine, [], True), (None, True))
