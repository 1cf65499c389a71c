"""The check of a live DASH manifest: each fault is told, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.manifests import MIDNIGHT, mpd, period, rows, running, timeline, track
from tvmon.errors import BadAnswer
from tvmon.servers.dash import parse_manifest
from tvmon.servers.dash_check import DashCheck
from tvmon.servers.live_edge import Look, Moment


class Watcher:
    """Shows a check one manifest after another; each second is one since midnight, too."""

    def __init__(self) -> None:
        self.check = DashCheck()

    def look(self, at: float, body: bytes, found: float | None = None, age: float = 0.0) -> Look:
        manifest = parse_manifest(body, "http://cdn.example/x.mpd")
        edge = None if found is None else MIDNIGHT + found
        return self.check.look(manifest, Moment(at, MIDNIGHT + at, age), edge)


class DashCheckTests(SynchronousTestCase):
    """From look to look."""

    def after(self, body: bytes, at: float = 104.0, first: bytes | None = None) -> Look:
        watcher = Watcher()
        watcher.look(100.0, mpd(period(running(98))) if first is None else first)
        return watcher.look(at, body)

    def test_the_example(self) -> None:
        body = mpd(period(track(inner=timeline('t="3888000000" d="360000"'))))
        self.assertEqual(Watcher().look(43209.0, body).delay_ms, 5000)

    def test_the_counter_adds_up_how_far_the_edge_moves(self) -> None:
        watcher = Watcher()
        found = [watcher.look(100.0 + t, mpd(period(running(98 + t)))) for t in (0, 4, 8, 12)]
        self.assertEqual([look.received_ms for look in found], [0, 4000, 8000, 12000])
        self.assertEqual({look.remarks for look in found}, {()})
        self.assertEqual(
            (len({look.life for look in found}), found[0].pace), (1, (6.0, 12.0, 12.0))
        )

    def test_one_that_stands_still(self) -> None:
        body = mpd(period(running(98)))
        self.assertEqual(self.after(body, 106.0).remarks, ())
        self.assertEqual(
            self.after(body, 106.1).remarks, ("no new segment for 6.1 s, 1.5 segments",)
        )
        stale = self.after(body, 112.0)
        self.assertEqual(stale.remarks, ("stale: no new segment for 12 s, 3.0 segments",))

    def test_media_that_comes_slower_than_it_plays(self) -> None:
        watcher = Watcher()
        for i in range(25):
            told = watcher.look(100 + 5.0 * i, mpd(period(running(98 + 4 * i)))).remarks
        self.assertEqual(told, ("falls behind: 96 s of media came in 120 s",))

    def test_one_that_will_not_be_written_anew(self) -> None:
        body = mpd(period(running(98)), update=None)
        told = self.after(body, 112.0, body).remarks
        self.assertTrue(told[0].endswith("; it has no minimumUpdatePeriod"), told)

    def test_one_that_is_seldom_written_may_rest_longer(self) -> None:
        body = mpd(period(running(98)), update="PT10S")
        self.assertEqual(self.after(body, 114.0, body).remarks, ())

    def test_the_edge_went_back(self) -> None:
        watcher = Watcher()
        first = watcher.look(100.0, mpd(period(running(98))))
        again = watcher.look(104.0, mpd(period(running(50))))
        self.assertEqual(again.remarks, ("the live edge went back by 48 s",))
        self.assertNotEqual(again.life, first.life)
        self.assertEqual(again.received_ms, 0)

    def test_an_older_copy_is_no_restart(self) -> None:
        watcher = Watcher()
        first = watcher.look(100.0, mpd(period(running(98)), published=MIDNIGHT + 98))
        older = watcher.look(103.0, mpd(period(running(94)), published=MIDNIGHT + 94))
        self.assertEqual(older.remarks, ("publishTime went back by 4.0 s",))
        self.assertEqual(older.life, first.life)
        self.assertEqual(older.delay_ms, 5000)

    def test_one_that_stays_is(self) -> None:
        watcher = Watcher()
        first = watcher.look(100.0, mpd(period(running(98)), published=MIDNIGHT + 98))
        for at in (104, 108, 112, 116, 120):
            body = mpd(period(running(at - 50)), published=MIDNIGHT + at - 50)
            last = watcher.look(at, body)
        self.assertNotEqual(last.life, first.life)

    def test_another_start_is_another_life(self) -> None:
        found = self.after(mpd(period(running(98)), begin=MIDNIGHT + 3))
        self.assertEqual(found.remarks, ("availabilityStartTime moved by 3.0 s",))

    def test_a_jump(self) -> None:
        found = self.after(mpd(period(running(1000))))
        self.assertIn("the live edge jumped by 15 min", found.remarks)
        self.assertIn("the window jumped over 15 min", found.remarks)
        self.assertEqual(found.received_ms, 16_000)

    def test_a_gap_between_new_segments(self) -> None:
        inner = timeline('t="0" d="360000" r="23"', 't="9090000" d="360000"')
        first = mpd(period(running(96)))
        told = self.after(mpd(period(track(inner=inner))), first=first).remarks
        self.assertEqual(told[0], "a gap of 5 s between segments")

    def test_an_old_gap_is_told_no_more(self) -> None:
        inner = timeline('t="0" d="360000" r="3"', 't="1800000" d="360000" r="20"')
        self.assertEqual(self.after(mpd(period(track(inner=inner)))).remarks, ())

    def test_a_period_that_is_too_short(self) -> None:
        short = period(running(20), attributes='start="PT0S" duration="PT0.4S"')
        told = Watcher().look(100.0, mpd(short, period(running(98)))).remarks
        self.assertEqual(told, ("a period takes 0.4 s, less than 0.5 s",))

    def test_a_period_without_sound(self) -> None:
        both = period(running(98), track("audio", rows(98)))
        told = self.after(mpd(period(running(102))), first=mpd(both)).remarks
        self.assertEqual(told, ("a period has no audio, which an earlier one had",))

    def test_picture_and_sound_apart(self) -> None:
        watcher = Watcher()
        for at, off, told in (
            (100, 0.0, ()), (104, 4.0, ()), (108, 0.05, ()), (112, 0.2, ()),
            (116, 0.2, ("picture and sound end 0.2 s apart",)),
        ):  # fmt: skip
            body = mpd(period(running(at - 2), track("audio", rows(at - 2 - off))))
            self.assertEqual(watcher.look(at, body).remarks, told, at)

    def test_segments_of_sound_may_have_another_length(self) -> None:
        watcher = Watcher()
        for at in (100, 104, 108):
            body = mpd(period(running(at - 2), track("audio", rows(at - 2.5, 5, 3.5))))
            self.assertEqual(watcher.look(at, body).remarks, ())

    def test_segments_that_are_numbered(self) -> None:
        watcher = Watcher()
        body = mpd(period(track(template='duration="360000"')), update=None)
        self.assertEqual(watcher.look(100.0, body, 96.0).remarks, ())
        found = watcher.look(104.0, body, 100.0)
        self.assertEqual((found.received_ms, found.delay_ms, found.remarks), (4000, 4000, ()))
        gone = watcher.look(108.0, body)
        self.assertEqual(gone.remarks, ("the newest segments, by their numbers, are not there",))

    def test_a_cache_that_keeps_it(self) -> None:
        found = Watcher().look(100.0, mpd(period(running(98))), age=7.0)
        self.assertEqual(found.remarks, ("the manifest lay in a cache for 7.0 s",))

    def test_clocks_that_do_not_agree(self) -> None:
        found = Watcher().look(90.0, mpd(period(running(98))))
        self.assertIsNone(found.delay_ms)
        self.assertIn("clock skew", found.remarks[0])

    def test_the_end(self) -> None:
        found = self.after(mpd(period(running(98)), kind="static"))
        self.assertTrue(found.is_ended)
        self.assertEqual(found.remarks, ("ended: the manifest is static",))

    def test_nothing_to_follow(self) -> None:
        with self.assertRaises(BadAnswer):
            Watcher().look(100.0, mpd(period()))

    @given(st.lists(st.tuples(st.floats(0.01, 60), st.integers(20, 500)), max_size=10))
    def test_the_counter_never_falls_within_a_life(self, steps: list[tuple[float, int]]) -> None:
        watcher, at, before = Watcher(), 0.0, None
        for pause, edge in steps:
            at += pause
            look = watcher.look(at, mpd(period(running(edge))))
            if before is not None and before.life == look.life:
                self.assertGreaterEqual(look.received_ms, before.received_ms)
            before = look

    @given(st.floats(0, 4), st.floats(0.5, 15), st.sampled_from([1.0, 2.0, 4.0]))
    def test_a_channel_that_is_well_has_no_fault(
        self, phase: float, every: float, length: float
    ) -> None:
        watcher, at = Watcher(), 100 + phase
        while at < 160:
            edge = int(at / length) * length
            body = mpd(period(running(edge, 5, length)), published=MIDNIGHT + edge, update="PT1S")
            look = watcher.look(at, body)
            self.assertEqual(look.remarks, ())
            at += every
