"""The check of a live HLS playlist: each fault is told, and nothing else is."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.servers.playlists import NOON, media
from tvmon.servers.hls_check import HlsCheck
from tvmon.servers.hls_playlist import MediaPlaylist, parse_playlist
from tvmon.servers.live_edge import Look, Moment


class Watcher:
    """Shows a check one playlist after another."""

    def __init__(self) -> None:
        self.check = HlsCheck()

    def look(self, at: float, body: bytes, age: float = 0.0, changed: float | None = None) -> Look:
        playlist = parse_playlist(body)
        assert isinstance(playlist, MediaPlaylist)
        return self.check.look(playlist, Moment(at, NOON + at, age, changed))


class HealthyTests(SynchronousTestCase):
    """The counter of media, the delay."""

    def test_the_counter_adds_up_what_is_new(self) -> None:
        watcher = Watcher()
        found = [watcher.look(4.0 * i, media(120 + i)) for i in range(4)]
        self.assertEqual([look.received_ms for look in found], [0, 4000, 8000, 12000])
        self.assertEqual({look.remarks for look in found}, {()})
        self.assertEqual(len({look.life for look in found}), 1)
        self.assertEqual(found[0].pace, (6.0, 12.0, 12.0))

    def test_the_example(self) -> None:
        watcher = Watcher()
        body = media(120, dates=[NOON])
        first = watcher.look(18.0, body)
        self.assertEqual((first.delay_ms, first.remarks), (6000, ()))
        late = watcher.look(24.1, body)
        self.assertEqual(late.remarks, ("no new segment for 6.1 s, 1.5 target durations",))
        stale = watcher.look(30.0, body)
        self.assertEqual(stale.remarks, ("stale: no new segment for 12 s, 3.0 target durations",))
        self.assertEqual(stale.received_ms, 0)
        self.assertEqual(watcher.look(31.0, media(121, dates=[NOON + 4])).remarks, ())

    def test_a_date_that_has_left_the_window_still_counts(self) -> None:
        watcher = Watcher()
        watcher.look(12.5, media(0, dates=[NOON]))
        self.assertEqual(watcher.look(16.5, media(1)).delay_ms, 500)
        self.assertEqual(watcher.look(28.5, media(4)).delay_ms, 500)

    def test_without_dates_the_delay_is_not_known(self) -> None:
        self.assertIsNone(Watcher().look(0.0, media(0)).delay_ms)

    def test_a_short_window_is_no_fault_while_a_stream_begins(self) -> None:
        watcher = Watcher()
        found = [watcher.look(4.0 * n, media(0, n)) for n in (1, 2, 3)]
        self.assertEqual({look.remarks for look in found}, {()})

    def test_tokens_that_change_are_no_other_segments(self) -> None:
        watcher = Watcher()
        watcher.look(0.0, media(0, query="?t=1"))
        self.assertEqual(watcher.look(4.0, media(1, query="?t=2")).remarks, ())

    def test_segments_that_nobody_looked_at_in_time_count_for_the_time_that_passed(self) -> None:
        watcher = Watcher()
        watcher.look(0.0, media(0))
        found = watcher.look(60.0, media(15))
        self.assertEqual((found.received_ms, found.remarks), (60_000, ()))


class FaultTests(SynchronousTestCase):
    """Each fault, and how long it is told."""

    def after(self, body: bytes, at: float = 4.0, first: bytes | None = None) -> Look:
        """The second look at a stream that was well at the first one."""
        watcher = Watcher()
        watcher.look(0.0, media(120) if first is None else first)
        return watcher.look(at, body)

    def test_a_fault_that_is_over_is_told_for_half_a_minute(self) -> None:
        watcher = Watcher()
        watcher.look(0.0, media(120))
        for i in range(1, 8):
            told = watcher.look(4.0 * i, media(120 + i, 4, target=5)).remarks
            self.assertEqual(told, ("the target duration changed from 4 to 5 s",))
        for i in (9, 10):
            self.assertEqual(watcher.look(4.0 * i, media(120 + i, 4, target=5)).remarks, ())

    def test_the_sequence_went_back(self) -> None:
        watcher = Watcher()
        first = watcher.look(0.0, media(120))
        again = watcher.look(4.0, media(0))
        self.assertEqual(again.remarks, ("the media sequence went back from 122 to 2",))
        self.assertNotEqual(again.life, first.life)
        self.assertEqual(watcher.look(8.0, media(1)).received_ms, 4000)

    def test_an_older_copy_is_no_restart(self) -> None:
        watcher = Watcher()
        first = watcher.look(0.0, media(120))
        second = watcher.look(4.0, media(121))
        older = watcher.look(5.0, media(120))
        self.assertEqual(older.remarks, ("an older playlist came: it ends at 122, not 123",))
        self.assertEqual((older.life, older.received_ms), (first.life, second.received_ms))
        self.assertEqual(watcher.look(8.0, media(122)).received_ms, 8000)

    def test_one_that_stays_is(self) -> None:
        watcher = Watcher()
        first = watcher.look(0.0, media(0, 9))
        for i in range(4):
            watcher.look(4.0 + 4 * i, media(0, 2 + i))
        self.assertNotEqual(watcher.look(20.0, media(0, 6)).life, first.life)

    def test_a_segment_that_became_another_one(self) -> None:
        found = self.after(media(121).replace(b"s122.ts", b"x.ts"))
        self.assertEqual(found.remarks, ("segment 122 became another one",))

    def test_the_window_jumped(self) -> None:
        found = self.after(media(140))
        self.assertEqual(found.remarks, ("the window jumped over 17 segments",))
        self.assertEqual(found.received_ms, 12_000)

    def test_a_segment_that_is_too_long(self) -> None:
        found = self.after(media(121, seconds=(4, 4, 4.6)))
        self.assertIn("segment 123 takes 4.6 s, longer than", found.remarks[0])
        self.assertEqual(self.after(media(121, seconds=(4, 4, 4.4))).remarks, ())

    def test_the_version_changed(self) -> None:
        found = self.after(media(121, version=6))
        self.assertEqual(found.remarks, ("the version changed from 3 to 6",))

    def test_the_discontinuity_sequence_went_back(self) -> None:
        first = media(120, head="#EXT-X-DISCONTINUITY-SEQUENCE:7")
        found = self.after(media(121, head="#EXT-X-DISCONTINUITY-SEQUENCE:6"), first=first)
        self.assertEqual(found.remarks, ("the discontinuity sequence went back from 7 to 6",))

    def test_a_gap(self) -> None:
        body = media(121).replace(b"#EXTINF:4.000,\ns123", b"#EXT-X-GAP\n#EXTINF:4.000,\ns123")
        found = self.after(body)
        self.assertEqual(found.remarks, ("segment 123 is missing (EXT-X-GAP)",))
        self.assertEqual(found.received_ms, 0)

    def test_a_window_that_is_too_short(self) -> None:
        found = self.after(media(122, 2))
        self.assertEqual(
            found.remarks, ("the window holds 8.0 s, less than three target durations",)
        )

    def test_a_rounded_target_duration_is_no_short_window(self) -> None:
        first, second = (media(n, seconds=1.92, target=2) for n in (120, 121))
        self.assertEqual(self.after(second, 2.0, first).remarks, ())

    def test_an_empty_playlist(self) -> None:
        found = self.after(media(123, 0))
        self.assertEqual(found.remarks, ("the playlist holds no segment",))

    def test_dates_that_jump(self) -> None:
        first = media(120, dates=[NOON - 12, NOON - 8, NOON - 4])
        for dates, words in (
            ([NOON - 8, NOON - 4, NOON - 7], "the dates jumped back by 7.0 s"),
            ([NOON - 8, NOON - 4, NOON + 9], "the dates jumped by 9.0 s"),
            ([NOON - 3, NOON + 1, NOON + 5], None),
            ([NOON - 18, NOON - 14, NOON - 10], "the dates jumped back by 10 s"),
        ):
            told = self.after(media(121, dates=dates), 20.0, first).remarks
            silent = [remark for remark in told if "dates" in remark]
            self.assertEqual(silent, [] if words is None else [words], dates)

    def test_a_cache_that_keeps_it(self) -> None:
        watcher = Watcher()
        self.assertEqual(watcher.look(0.0, media(0), age=6.0).remarks, ())
        told = watcher.look(4.0, media(1), age=7.0).remarks
        self.assertEqual(told, ("the playlist lay in a cache for 7.0 s",))

    def test_one_that_was_stale_before_anybody_looked(self) -> None:
        watcher = Watcher()
        told = watcher.look(0.0, media(0), changed=NOON - 45).remarks
        self.assertEqual(told, ("stale: not changed for 45 s, by its Last-Modified",))

    def test_a_last_modified_that_never_changes_is_not_believed(self) -> None:
        watcher = Watcher()
        watcher.look(0.0, media(0), changed=NOON - 900)
        self.assertEqual(watcher.look(4.0, media(1), changed=NOON - 900).remarks, ())
        self.assertEqual(watcher.look(7.0, media(1), changed=NOON - 900).remarks, ())

    def test_media_that_comes_slower_than_it_plays(self) -> None:
        watcher = Watcher()
        for i in range(25):
            told = watcher.look(5.0 * i, media(i)).remarks
        self.assertEqual(told, ("falls behind: 96 s of media came in 120 s",))

    def test_clocks_that_do_not_agree(self) -> None:
        watcher = Watcher()
        found = watcher.look(0.0, media(0, dates=[NOON - 5]))
        self.assertIsNone(found.delay_ms)
        self.assertEqual(
            found.remarks, ("clock skew: the newest media is dated 7.0 s in the future",)
        )
        old = Watcher().look(0.0, media(0, dates=[NOON - 7212]))
        self.assertIsNone(old.delay_ms)
        self.assertIn("old material: the newest media is dated 2 h ago", old.remarks[0])
        near = Watcher().look(0.0, media(0, dates=[NOON - 11.5]))
        self.assertEqual((near.delay_ms, near.remarks), (-500, ()))

    def test_the_end(self) -> None:
        found = self.after(media(120, tail="#EXT-X-ENDLIST"))
        self.assertTrue(found.is_ended)
        self.assertEqual(found.remarks, ("ended: the playlist holds EXT-X-ENDLIST",))
