"""Rates, resets and scores, against those that are worked out from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.plain_score import all_seen, points_of, rates_of, received, scores_of, sent
from tvmon.expected import Demand, Expected
from tvmon.health import Scoring, judge
from tvmon.streams import Measurement, Pace, Presence, Sample, Session
from tvmon.window import Window, downstream_rates, upstream_rates

PACES = (Pace(), Pace(2.0, 5.0), Pace(5.0, 5.5), Pace(9.0, 18.0, 9.0))
# What a poll brings in, as a share of what is declared; most of them bring what they should.
SHARES = (0.0, 0.1, 0.5, 0.9, 1.0, 1.0, 1.5)
usual: dict[str, st.SearchStrategy[Any]] = {
    "step": st.sampled_from((3.0, 3.0, 3.05)),
    "received": st.sampled_from(SHARES),
    "sent": st.sampled_from((0, 1, 10**6)),
    "media": st.none(),
    "delay": st.sampled_from((0, 400, 1900)),
    "opened": st.just(1),
    "pace": st.just(PACES[1]),
    "session": st.just(Session()),
    "presence": st.just(Presence.LIVE),
    "remarks": st.just(()),
    "declared": st.just(800),
    "fails": st.just(False),
}
odd: dict[str, st.SearchStrategy[Any]] = {
    "step": st.sampled_from((0.0, 0.125, 2.5, 5.0, 9.9, 31.0, 131.0)) | st.floats(0.001, 140),
    "received": st.none() | st.sampled_from((-2.0, 1e9)),
    "sent": st.none() | st.sampled_from((-(10**6), 10**15)),
    "media": st.sampled_from(SHARES) | st.just(-2.0),
    "delay": st.none() | st.sampled_from((999_999, 5000, -300, 20_000)),
    "opened": st.none() | st.just(2),
    "pace": st.sampled_from(PACES),
    "session": st.builds(Session, *[st.sampled_from((None, "1", "2"))] * 2),
    "presence": st.sampled_from([*Presence]),
    "remarks": st.sampled_from((("late",), ("late", "jump"))),
    "declared": st.sampled_from((None, 0, 100)),
    "fails": st.just(True),
}
kinds = st.lists(st.sampled_from([*usual]), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({**usual, **{name: odd[name] for name in names}})
)
"""One poll, of which up to three things are out of the ordinary."""

spells = st.builds(
    lambda spells, times: spells * times,
    st.lists(st.tuples(kinds, st.integers(1, 20)), max_size=6),
    st.integers(1, 4),
)
"""Some polls alike, and then others; and all of it again, as a stream has a rhythm."""


def played(spells: Sequence[tuple[dict[str, Any], int]]) -> list[Sample]:
    """The samples of a stream with these spells."""
    at, counts = 1000.0, {"received": 10**7, "sent": 10**7, "media": 10**6}
    samples = []
    for poll, times in spells:
        for _ in range(times):
            at += poll["step"]
            counts["received"] += int((poll["received"] or 0) * 800 * 125 * poll["step"])
            counts["sent"] += poll["sent"] or 0
            counts["media"] += int((poll["media"] or 0) * 1000 * poll["step"])
            counts = {name: max(0, count) for name, count in counts.items()}
            told = {name: None if poll[name] is None else counts[name] for name in counts}
            measured = Measurement(
                upstream_bytes_received=told["received"],
                total_bytes_sent=told["sent"],
                media_received_ms=told["media"],
                live_delay_ms=poll["delay"],
                upstream_opened_count=poll["opened"],
                stream_info_videodatarate=poll["declared"],
                presence=poll["presence"],
                remarks=poll["remarks"],
                pace=poll["pace"],
                session=poll["session"],
            )
            failed = "connection refused" if poll["fails"] else None
            samples.append(Sample(at, at, None if failed else measured, failed))
    return samples


class PlainTests(SynchronousTestCase):
    """Whatever comes: a stream that rests, lies, restarts, or is looked at rarely."""

    @given(
        spells,
        st.sampled_from((Scoring(), Scoring(0.5, 0.5, 10, 95, 12.0, 4000))),
        st.sampled_from(
            (
                Demand(),
                Demand(300),
                Demand(learned=Expected(900.5, "learned", 60.0)),
                Demand(may_sleep=True),
            )
        ),
    )
    def test_scores(
        self, spells: list[tuple[dict[str, Any], int]], scoring: Scoring, demand: Demand
    ) -> None:
        window, good = Window(), 0
        samples = played(spells)
        seen = all_seen(samples)
        for sample in samples:
            window.add(sample)
            good += not sample.is_failed
            health = judge(sample, window, scoring, demand)
            scores = health.whole.score, health.live_delay.score, health.upstream.score
            self.assertEqual(scores, scores_of(sample, seen[:good], scoring, demand))

    @given(spells)
    def test_rates_and_resets(self, spells: list[tuple[dict[str, Any], int]]) -> None:
        window, good = Window(), 0
        samples = played(spells)
        seen = all_seen(samples)
        for sample in samples:
            reset = window.add(sample)
            if sample.is_failed:
                self.assertIsNone(reset)
                continue
            good += 1
            points = points_of(seen[:good])
            self.assertEqual(len(window), len(points))
            self.assertEqual(reset, seen[good - 1].why)
            self.assertEqual(upstream_rates(window), rates_of(points, received))
            self.assertEqual(downstream_rates(window), rates_of(points, sent))
