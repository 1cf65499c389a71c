"""Counters as a function of seed, history and time."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.lives import live, polled
from tvmon.simulator.behaviours import KINDS, Behaviour, behaviour
from tvmon.simulator.live import opening
from tvmon.simulator.model import Counters
from tvmon.simulator.source import LARGE, SMALL, Source

COUNTS = Counters._fields[:5] + Counters._fields[6:8]
"""Those that never fall while the media server runs."""

HEALTHY, DOWN = behaviour("healthy"), behaviour("down")

behaviours = st.sampled_from(
    [
        *(behaviour(name) for name in KINDS),
        *(behaviour("starved", rate) for rate in (0, 0.5, 5, 60, 80, 105, 5000)),
        behaviour("delay", 1000),
        behaviour("light", 0.05),
    ]
)
steady = behaviours.filter(lambda each: each.name != "restarting")
seeds = st.integers(0, 10**9)
moments = st.lists(st.floats(0, 20_000), min_size=2, max_size=30)


class CountersTests(SynchronousTestCase):
    """What holds for every behaviour at every moment."""

    def assert_none_falls(self, before: Counters, after: Counters) -> None:
        for name in COUNTS:
            self.assertGreaterEqual(getattr(after, name), getattr(before, name), name)

    @given(steady, seeds, moments)
    def test_no_count_ever_falls_and_none_is_negative(
        self, wanted: Behaviour, seed: int, times: list[float]
    ) -> None:
        stream, before = live(wanted, seed), Counters()
        for at in sorted(times):
            said = stream.counters(at)
            self.assert_none_falls(before, said)
            self.assertGreaterEqual(min(said[:8]), 0)
            self.assertLessEqual(said.clients_connected, said.total_clients_served)
            before = said

    @given(behaviours, seeds, moments, st.randoms(use_true_random=False))
    def test_what_is_said_does_not_depend_on_who_asked_before(
        self, wanted: Behaviour, seed: int, times: list[float], chance: random.Random
    ) -> None:
        asked_often = live(wanted, seed)
        expected = {at: asked_often.counters(at) for at in sorted(times)}
        for at, said in expected.items():
            self.assertEqual(live(wanted, seed).counters(at), said)
        if wanted.name != "restarting":
            shuffled = list(expected)
            chance.shuffle(shuffled)
            self.assertEqual({at: asked_often.counters(at) for at in shuffled}, expected)

    @given(seeds, st.lists(st.tuples(st.floats(0, 900), behaviours), min_size=1, max_size=8))
    def test_a_change_takes_nothing_away(
        self, seed: int, changes: list[tuple[float, Behaviour]]
    ) -> None:
        stream, at = live(HEALTHY, seed), 0.0
        for wait, wanted in changes:
            at += wait
            before = stream.counters(at)
            stream.change(wanted, at)
            self.assert_none_falls(before, stream.counters(at))
            self.assertEqual(stream.behaviour, wanted)
            if wanted.name != "restarting":
                self.assert_none_falls(before, stream.counters(at + 3))

    @given(behaviours, seeds, st.floats(0, 10_000))
    def test_a_restart_sets_every_count_to_zero(
        self, wanted: Behaviour, seed: int, at: float
    ) -> None:
        stream = live(wanted, seed)
        stream.counters(at)
        stream.restart(at)
        said = stream.counters(at)
        started = 0 if wanted.name == "down" else 1
        self.assertEqual(said[:5], (0, started, started, 0, 0))
        self.assertEqual(said.total_bytes_sent, 0)
        self.assertEqual(said.total_clients_served, said.clients_connected)
        self.assertEqual(stream.behaviour, wanted)

    @given(behaviours, seeds)
    def test_a_stream_that_is_found_running_has_a_past(self, wanted: Behaviour, seed: int) -> None:
        source = Source.drawn(seed, 1)
        chapter = opening(source, wanted, seed, 1)
        self.assertLess(chapter.since, 0)
        self.assertEqual(chapter, opening(source, wanted, seed, 1))


class BehaviourTests(SynchronousTestCase):
    """What each of them is known by."""

    def test_the_delay_and_the_averages_change_every_fifteen_seconds(self) -> None:
        for name in ("healthy", "starved", "light", "delay"):
            for seed in range(20):
                polls = polled(live(behaviour(name), seed), 300)
                turns = [
                    index
                    for index in range(1, len(polls))
                    if polls[index][8:11] != polls[index - 1][8:11]
                ]
                self.assertEqual({b - a for a, b in pairwise(turns)}, {5})

    def test_a_stream_needs_what_its_format_says(self) -> None:
        for profile, kilobytes in ((LARGE, 106), (SMALL, 71)):
            stream = live(HEALTHY, 3, profile)
            first, last = stream.counters(0), stream.counters(3000)
            received = last.upstream_bytes_received - first.upstream_bytes_received
            self.assertApproximates(received / 3000 / 1000, kilobytes, 5)
            self.assertApproximates(last.average_upstream_kbps, received * 8 / 1000 / 3000, 10)
            self.assertApproximates(last.total_gops, 3000 / profile.gop_seconds, 2)

    def test_what_is_needed_may_be_given(self) -> None:
        source = Source.drawn(1, 1, LARGE, 50.0)
        self.assertApproximates(source.needed, 50_000, 200)

    def test_down_says_nothing_but_that_it_tries(self) -> None:
        stream = live(DOWN)
        first, last = stream.counters(0), stream.counters(30)
        self.assertEqual(last.upstream_connection_fail_count, 30)
        self.assertEqual(first._replace(upstream_connection_fail_count=30), last)
        self.assertEqual(last.live_delay_ms, 999_999)
        self.assertEqual(last[11:], (0, 0))
        self.assertEqual(last.upstream_opened_count, 0)

    def test_a_stream_that_goes_down_and_comes_back_connects_anew(self) -> None:
        stream = live(HEALTHY)
        stream.change(DOWN, 100)
        self.assertEqual(stream.counters(100).live_delay_ms, 999_999)
        self.assertEqual(stream.counters(100).clients_connected, 0)
        stream.change(HEALTHY, 200)
        said = stream.counters(200)
        self.assertEqual(said.upstream_opened_count, 2)
        self.assertLess(said.live_delay_ms, 1000)

    def test_restarting_starts_again_every_so_often(self) -> None:
        stream = live(behaviour("restarting", 60))
        self.assertGreater(stream.counters(59).upstream_bytes_received, 5_000_000)
        for start in (60, 120, 60_000):
            said = stream.counters(start + 0.5)
            self.assertLess(said.upstream_bytes_received, 500_000)
            self.assertEqual(said.upstream_opened_count, 1)
            self.assertLess(said.total_gops, 2)

    def test_delay_grows_at_full_rate_and_falls_back_with_a_new_connection(self) -> None:
        stream = live(behaviour("delay", 500))
        early, late = stream.counters(100), stream.counters(400)
        self.assertApproximates(late.live_delay_ms - early.live_delay_ms, 150_000, 10_000)
        rate = (late.upstream_bytes_received - early.upstream_bytes_received) / 300
        self.assertApproximates(rate / stream.source.needed, 1, 0.02)
        again = stream.counters(616)
        self.assertLess(again.live_delay_ms, 20_000)
        self.assertEqual(again.upstream_opened_count, 2)

    def test_a_throttled_link_that_carries_enough_starves_nobody(self) -> None:
        wide = live(behaviour("starved", 500))
        self.assertEqual(polled(wide, 100), polled(live(HEALTHY), 100))

    def test_nothing_at_all_may_come(self) -> None:
        said = polled(live(behaviour("starved", 0)), 100)
        self.assertEqual(said[-1].upstream_bytes_received, 0)
        self.assertGreater(said[-1].live_delay_ms, 250_000)
        self.assertGreater(said[-1].stream_info_videodatarate, 0)

    def test_viewers_come_and_go_and_are_sent_what_they_watch(self) -> None:
        audiences = set()
        for seed in range(60):
            stream = live(HEALTHY, seed)
            polls = polled(stream, 400)
            watching = [said.clients_connected for said in polls]
            audiences.add(max(watching) > 0)
            sent = polls[-1].total_bytes_sent
            if not stream.source.viewers:
                self.assertEqual((max(watching), sent), (0, 0))
                continue
            expected = stream.source.viewers * stream.source.needed * 1200
            self.assertApproximates(sent / expected, 1, 0.1)
            if stream.source.viewers > 3:
                self.assertGreater(len(set(watching)), 3)
        self.assertEqual(audiences, {True, False})
