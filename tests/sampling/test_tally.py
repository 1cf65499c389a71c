"""Counted quickly, shown as prometheus_client shows its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from twisted.trial.unittest import SynchronousTestCase

from tvmon.sampling.tally import Counts, Tally

BUCKETS = (0.001, 0.1, 1.0, 10.0)


def shown(registry: CollectorRegistry) -> list[bytes]:
    """Without when it was made, which ours do not tell."""
    lines = generate_latest(registry).splitlines()
    return [line for line in lines if b"_created" not in line]


class TallyTests(SynchronousTestCase):
    @given(st.lists(st.sampled_from(BUCKETS) | st.floats(0.0, 100.0), max_size=30))
    def test_it_is_a_histogram(self, values: list[float]) -> None:
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        tally = Tally("a_seconds", "What it is.", BUCKETS, ours)
        histogram = Histogram("a_seconds", "What it is.", buckets=BUCKETS, registry=theirs)
        for value in values:
            tally.observe(value)
            histogram.observe(value)
        self.assertEqual(shown(ours), shown(theirs))

    def test_counts_are_counters(self) -> None:
        ours, theirs = CollectorRegistry(), CollectorRegistry()
        counts = Counts("polls", "How many.", ("server", "outcome"), ours)
        counter = Counter("polls", "How many.", ("server", "outcome"), registry=theirs)
        for labels in (("a", "ok"), ('b"', "ok")):
            counts.begin(*labels)
            counter.labels(*labels)
        counts.counts["a", "ok"] += 2
        counter.labels("a", "ok").inc(2)
        self.assertEqual(shown(ours), shown(theirs))
        counts.begin("a", "ok")
        self.assertEqual(shown(ours), shown(theirs), "what was counted stays counted")
