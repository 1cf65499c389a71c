"""What the check of an HLS playlist promises, whatever the phase and pace of its polls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.servers.playlists import NOON
from tvmon.health import Scoring, judge
from tvmon.servers.hls_check import HlsCheck
from tvmon.servers.hls_playlist import MediaPlaylist, Segment
from tvmon.servers.live_edge import Look, Moment
from tvmon.streams import Level, Measurement, Sample, Session
from tvmon.window import Window

LENGTHS = st.lists(st.floats(0.7, 1.0), min_size=60, max_size=60)
"""Of segments, as a share of the target duration."""


class Channel:
    """
    A live channel that is well: each segment is published when it is complete.

    :param shares: how long its segments are, as a share of the target duration
    """

    def __init__(self, target: int, shares: list[float], first: int, dated: bool) -> None:
        self.target, self.first = target, first
        self.segments: list[tuple[float, Segment]] = []
        end = 0.0
        for number, share in enumerate(shares):
            length = round(share * target, 3)
            date = NOON + end if dated else None
            end += length
            self.segments.append((end, Segment(f"{number}.ts@", length, date)))

    @property
    def end(self) -> float:
        """When the last segment is published."""
        return self.segments[-1][0]

    def playlist(self, time: float) -> MediaPlaylist:
        """The window at a time; never shorter than three target durations but at the start."""
        there = [segment for end, segment in self.segments if end <= time]
        kept = len(there)
        while kept and sum(s.seconds for s in there[kept:]) < 3 * self.target:
            kept -= 1
        return MediaPlaylist(float(self.target), self.first + kept, tuple(there[kept:]), version=3)


def looks(
    channel: Channel, phase: float, interval: float, until: float
) -> list[tuple[float, Look]]:
    check, found, at = HlsCheck(), [], phase
    while at < until:
        found.append((at, check.look(channel.playlist(at), Moment(at, NOON + at))))
        at += interval
    return found


class PromiseTests(SynchronousTestCase):
    """A live channel that is well, and any sequence of playlists at all."""

    @given(
        st.integers(1, 10), LENGTHS, st.sampled_from([0, 7, 2**40]), st.booleans(),
        st.floats(0, 1), st.floats(0.5, 20),
    )  # fmt: skip
    def test_a_channel_that_is_well_has_no_fault(
        self, target: int, shares: list[float], first: int, dated: bool, phase: float, every: float
    ) -> None:
        channel = Channel(target, shares, first, dated)
        # From the third segment on: before, there is nothing to look at.
        begin = channel.segments[2][0] + phase * target
        found = looks(channel, begin, every, channel.end)
        for at, look in found:
            self.assertEqual(look.remarks, (), at)
            if dated:
                assert look.delay_ms is not None
                self.assertTrue(-1 <= look.delay_ms <= target * 1000 + 1, look.delay_ms)
        (began, one), (ended, last) = found[0], found[-1]
        self.assertEqual(one.life, last.life)
        passed = ended - began
        self.assertLessEqual(last.received_ms / 1000, passed + target + 0.1)
        if every < 2 * target:
            # Nothing comes and goes between two looks.
            self.assertGreaterEqual(last.received_ms / 1000, passed - target - 0.1)

    @given(st.integers(1, 6), st.floats(0, 1))
    def test_and_is_good_until_it_stops_and_bad_soon_after(self, target: int, phase: float) -> None:
        channel = Channel(target, [1.0] * (80 // target), 7, dated=False)
        window, levels = Window(), []
        stopped = channel.end
        for at, look in looks(channel, 4 * target + phase * 3, 3.0, stopped + 3 * target + 4):
            measured = Measurement(
                media_received_ms=look.received_ms,
                remarks=look.remarks,
                pace=look.pace,
                session=Session(publisher=look.life),
            )
            sample = Sample(NOON + at, at, measured)
            window.add(sample)
            levels.append((at, judge(sample, window, Scoring()).whole.level))
        began = levels[0][0]
        for at, level in levels:
            if began + 18 <= at < stopped + target:
                self.assertEqual(level, Level.GOOD, at)
        self.assertEqual(levels[-1][1], Level.BAD)

    @given(st.integers(1, 8), st.floats(0, 1))
    def test_four_fifths_of_a_channel_are_not_taken_for_all_of_it(
        self, target: int, phase: float
    ) -> None:
        channel = Channel(target, [1.0] * (150 // target), 7, dated=False)
        check, told, at = HlsCheck(), (), 4 * target + phase * target
        began = at
        while at < began + 123:
            time = began + (at - began) * 0.8
            told = check.look(channel.playlist(time), Moment(at, NOON + at)).remarks
            at += 3
        self.assertEqual(len(told), 1, told)
        self.assertIn("falls behind: ", told[0])

    @given(st.data())
    def test_the_counter_never_falls_within_a_life(self, data: st.DataObject) -> None:
        segment = st.builds(
            Segment,
            st.sampled_from("ab"),
            st.floats(0, 3600),
            st.none() | st.floats(-1e12, 1e12),
            st.booleans(),
        )
        playlist = st.builds(
            MediaPlaylist,
            st.sampled_from([0.0, 4.0, 3600.0]),
            st.integers(0, 30) | st.just(2**62),
            st.lists(segment, max_size=6).map(tuple),
            st.integers(0, 3),
            st.none() | st.integers(1, 3),
            st.booleans(),
        )
        check, at, before = HlsCheck(), 0.0, None
        for shown in data.draw(st.lists(playlist, max_size=12)):
            at += data.draw(st.floats(0.001, 100))
            look = check.look(shown, Moment(at, data.draw(st.floats(0, 1e11)), changed=5.0))
            self.assertTrue(all(look.remarks))
            if before is not None and before.life == look.life:
                self.assertGreaterEqual(look.received_ms, before.received_ms)
            before = look
